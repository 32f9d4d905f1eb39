import { Readable } from 'node:stream';
import {
  BedrockRuntimeClient,
  type BedrockRuntimeClientConfig,
  InvokeModelWithResponseStreamCommand,
} from '@aws-sdk/client-bedrock-runtime';
import { EventStreamSplitter, parseFrame } from '../../src/http/aws-eventstream.ts';
import { unwrapInvokeChunk } from '../../src/http/aws-invoke.ts';
import type { SseEvent } from '../../src/wire/protocol.ts';

/** Claude behind Bedrock's InvokeModel: Anthropic's own events, each inside a chunk of Amazon's event stream. */

/** The length of a frame is below 16 MiB, so its first byte is 0, which no text begins with. */
export const isEventStream = (pieces: readonly Buffer[]): boolean => pieces.find(({ length }) => length > 0)?.[0] === 0;

export function invokeEvents(pieces: readonly Buffer[]): readonly SseEvent[] {
  const events: SseEvent[] = [];
  const splitter = new EventStreamSplitter((raw) => events.push(unwrapInvokeChunk(parseFrame(raw))), { source: 'recorded' });
  for (const piece of pieces) splitter.push(piece);
  return events;
}

/** The chunks as Amazon's client hands them out, in the framing that Anthropic's client reads. */
export async function invokeAsSse(body: Buffer): Promise<Buffer> {
  const headers = { 'content-type': 'application/vnd.amazon.eventstream' };
  const handle = async (): Promise<unknown> => ({ response: { statusCode: 200, headers, body: Readable.from([body]) } });
  const client = new BedrockRuntimeClient({
    region: 'eu-central-1',
    credentials: { accessKeyId: 'none', secretAccessKey: 'none' },
    maxAttempts: 1,
    requestHandler: { handle } as unknown as NonNullable<BedrockRuntimeClientConfig['requestHandler']>,
  });
  const { body: stream } = await client.send(new InvokeModelWithResponseStreamCommand({ modelId: 'any', body: '{}' }));
  const events: string[] = [];
  for await (const { chunk } of stream ?? []) {
    const data = Buffer.from(chunk?.bytes ?? []).toString('utf8');
    events.push(`event: ${String((JSON.parse(data) as { type?: unknown }).type)}\ndata: ${data}\n\n`);
  }
  return Buffer.from(events.join(''));
}
