import { Readable } from 'node:stream';
import {
  BedrockRuntimeClient,
  type BedrockRuntimeClientConfig,
  ConverseCommand,
  ConverseStreamCommand,
  type ContentBlock,
  type ContentBlockDelta,
  type TokenUsage,
} from '@aws-sdk/client-bedrock-runtime';
import type { SseEvent } from '../../../src/wire/protocol.ts';
import { encodeEventFrame, EventStreamSplitter, parseFrame } from '../../../src/http/aws-eventstream.ts';
import { AwsDescription } from '../aws-description.ts';
import { parsed, type Read, type Reading, type StopReading, type ToolReading } from '../reading.ts';
import { plain } from '../same.ts';
import type { ConformingProtocol } from './protocol.ts';

const DESCRIPTION = new AwsDescription('bedrock/bedrock-runtime.service-2.json');

/** How Bedrock's words for the end of an answer correspond to OpenAI's (docs/reference/fidelity.md). */
const STOPS: ReadonlyMap<string, StopReading> = new Map([
  ['end_turn', 'stop'],
  ['stop_sequence', 'stop'],
  ['max_tokens', 'length'],
  ['model_context_window_exceeded', 'length'],
  ['tool_use', 'tool_calls'],
  ['guardrail_intervened', 'content_filter'],
  ['content_filtered', 'content_filter'],
]);

/** A client that is answered with these bytes. */
function clientOf(body: Buffer, stream: boolean): BedrockRuntimeClient {
  const headers = { 'content-type': stream ? 'application/vnd.amazon.eventstream' : 'application/json' };
  const handle = async (): Promise<unknown> => ({ response: { statusCode: 200, headers, body: Readable.from([body]) } });
  return new BedrockRuntimeClient({
    region: 'eu-central-1',
    credentials: { accessKeyId: 'none', secretAccessKey: 'none' },
    maxAttempts: 1,
    requestHandler: { handle } as unknown as NonNullable<BedrockRuntimeClientConfig['requestHandler']>,
  });
}

const ASK = { modelId: 'any', messages: [{ role: 'user' as const, content: [{ text: 'any' }] }] };

const usageOf = (usage: TokenUsage | undefined): Reading['usage'] =>
  usage === undefined
    ? undefined
    : {
        input: (usage.inputTokens ?? 0) + (usage.cacheReadInputTokens ?? 0) + (usage.cacheWriteInputTokens ?? 0),
        output: usage.outputTokens ?? 0,
        cached: usage.cacheReadInputTokens ?? 0,
      };

const textOf = (block: ContentBlock): string =>
  block.text ?? (block.citationsContent?.content ?? []).map((content) => content.text ?? '').join('');

/** Tools that Bedrock runs itself are not the client's to call. */
const isOwn = (type: string | undefined): boolean => type === undefined || type === 'tool_use';

async function readAnswer(client: BedrockRuntimeClient): Promise<Reading> {
  const { output, stopReason, usage } = await client.send(new ConverseCommand(ASK));
  const content = output?.message?.content ?? [];
  return {
    text: content.map(textOf).join(''),
    thinking: content.map((block) => block.reasoningContent?.reasoningText?.text ?? '').join(''),
    tools: content.flatMap(({ toolUse }) =>
      toolUse === undefined || !isOwn(toolUse.type)
        ? []
        : [{ id: toolUse.toolUseId ?? '', name: toolUse.name ?? '', input: toolUse.input }],
    ),
    stop: STOPS.get(stopReason ?? ''),
    usage: usageOf(usage),
  };
}

/** A call as its pieces come. */
interface Call {
  readonly id: string;
  readonly name: string;
  readonly own: boolean;
  input: string;
}

const toolOf = ({ id, name, input }: Call): ToolReading => ({ id, name, input: parsed(input) });

async function readStream(client: BedrockRuntimeClient): Promise<Reading> {
  const { stream } = await client.send(new ConverseStreamCommand(ASK));
  const calls = new Map<number, Call>();
  let [text, thinking, stop, usage]: [string, string, string | undefined, TokenUsage | undefined] = ['', '', undefined, undefined];
  const take = (index: number, delta: ContentBlockDelta | undefined): void => {
    text += delta?.text ?? '';
    thinking += delta?.reasoningContent?.text ?? '';
    const call = calls.get(index);
    if (call !== undefined) call.input += delta?.toolUse?.input ?? '';
  };
  for await (const event of stream ?? []) {
    const start = event.contentBlockStart?.start?.toolUse;
    const own = isOwn(start?.type);
    if (start !== undefined)
      calls.set(event.contentBlockStart?.contentBlockIndex ?? 0, { id: start.toolUseId ?? '', name: start.name ?? '', own, input: '' });
    if (event.contentBlockDelta !== undefined) take(event.contentBlockDelta.contentBlockIndex ?? 0, event.contentBlockDelta.delta);
    stop = event.messageStop?.stopReason ?? stop;
    usage = event.metadata?.usage ?? usage;
  }
  if (stop === undefined) throw new Error('the stream has no messageStop');
  const tools = [...calls.values()].filter((call) => call.own).map(toolOf);
  return { text, thinking, tools, stop: STOPS.get(stop), usage: usageOf(usage) };
}

const read: Read = (body, stream) => (stream ? readStream(clientOf(body, stream)) : readAnswer(clientOf(body, stream)));

function events(pieces: readonly Buffer[]): readonly SseEvent[] {
  const given: SseEvent[] = [];
  const splitter = new EventStreamSplitter((raw) => given.push(parseFrame(raw)), { source: 'recorded' });
  for (const piece of pieces) splitter.push(piece);
  return given;
}

export const bedrockConverse: ConformingProtocol = {
  id: 'bedrock-converse',
  matches: ({ protocol, endpoint }) => protocol === 'bedrock' && (endpoint === 'converse' || endpoint === 'converse-stream'),
  events,
  frame: (given) => Buffer.concat(given.map(encodeEventFrame)),
  read,
  sawEnd: (given) => given.some(({ event }) => event === 'messageStop'),
  sameRequest: (body) => plain(body),
  requestFaults: (body) => DESCRIPTION.faults('ConverseRequest', body),
  models: [
    'us.anthropic.claude-sonnet-4-5-20250929-v1:0',
    'us.anthropic.claude-opus-5',
    'us.amazon.nova-pro-v1:0',
    'mistral.devstral-2-123b',
  ],
  unreadable: new Map(),
};
