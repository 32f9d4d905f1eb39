import assert from 'node:assert/strict';
import type { JsonObject } from '../../src/core/json.ts';
import type { CaseIndex } from '../replay/cases.ts';
import type { ConformingProtocol } from './protocols/protocol.ts';
import type { Read, Reading } from './reading.ts';
import { bytesOf, codecOf, contextOf, decodeEvents, encodeEvents } from './recorded.ts';

/** A recorded answer through the codecs into another protocol, and whether its client reads there what the provider's own client reads from the recording. */

export type Outcome = Reading | 'refused';

/** `refused`: a stream with an error in it, or one that was cut. Every client must refuse it. */
export async function tried(read: Read, bytes: Buffer, stream: boolean): Promise<Outcome> {
  try {
    return await read(bytes, stream);
  } catch {
    // Each client has errors of its own; that it gave one is what is compared.
    return 'refused';
  }
}

export const readRecorded = (from: ConformingProtocol, entry: CaseIndex): Promise<Outcome> =>
  tried((body, stream) => from.read(body, stream), bytesOf(entry), entry.stream);

/** The recorded answer as bytes of the other protocol. */
export function translatedBytes(from: ConformingProtocol, to: ConformingProtocol, entry: CaseIndex): Buffer {
  const [source, target, bytes, context] = [codecOf(from.id), codecOf(to.id), bytesOf(entry), contextOf(from, entry)];
  if (entry.stream) return to.frame(encodeEvents(target, decodeEvents(source, from.events([bytes])), context));
  const decoded = source.decodeResponse(JSON.parse(bytes.toString('utf8')) as JsonObject);
  assert.ok(decoded.ok, JSON.stringify(decoded));
  return Buffer.from(JSON.stringify(target.encodeResponse(decoded.value, context)));
}

export const readTranslated = (from: ConformingProtocol, to: ConformingProtocol, entry: CaseIndex): Promise<Outcome> =>
  tried((body, stream) => to.read(body, stream), translatedBytes(from, to, entry), entry.stream);

/** What stands in a text for what the client's protocol cannot show. */
const LEFT_OUT = /\[(?:image|audio|file) omitted: [^\]]*\]/g;
export const withoutMarks = (text: string): string => text.replaceAll(LEFT_OUT, '');

/**
 * What was read from the translation, less what the recording did not say and we had to make up:
 * a reason to stop where it gave none (some protocols must name one); ids of tool calls that the provider left out; tool arguments that are no JSON, which Anthropic's and Gemini's objects hold as far as they go;
 * the mark that stands in the text for a picture where the client's protocol shows none; figures that the provider's own client did not see (Groq's, in a member of its own), and a count of reasoning that one of the two does not know.
 */
export function asFarAsKnown(wanted: Outcome, got: Outcome): Outcome {
  if (wanted === 'refused' || got === 'refused') return got;
  const tools = got.tools.map((tool, index) => {
    const original = wanted.tools[index];
    const input = typeof original?.input === 'string' ? original.input : tool.input;
    return { ...tool, id: original?.id === '' ? '' : tool.id, input };
  });
  const plainest = got.tools.length > 0 ? 'tool_calls' : 'stop';
  const stop = wanted.stop === undefined && got.stop === plainest ? undefined : got.stop;
  return { ...got, text: withoutMarks(got.text), tools, stop, usage: usageAsFarAsKnown(wanted.usage, got.usage) };
}

function usageAsFarAsKnown(wanted: Reading['usage'], got: Reading['usage']): Reading['usage'] {
  if (wanted === undefined || got === undefined) return wanted === undefined ? undefined : got;
  if (wanted.reasoning !== undefined && got.reasoning !== undefined) return got;
  const { reasoning: _unknown, ...known } = got;
  return Object.hasOwn(wanted, 'reasoning') ? { ...known, reasoning: wanted.reasoning } : known;
}

/** The client's own recording is beyond it, our translation is not: it hands out an answer that has come to an end. */
export const isReadableAtLast = (wanted: Outcome, got: Outcome): boolean =>
  wanted === 'refused' && got !== 'refused' && (got.stop !== undefined || (got.usage?.output ?? 0) > 0);
