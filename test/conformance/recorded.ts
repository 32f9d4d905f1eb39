import { SseReader } from '../../src/http/sse.ts';
import { codecFor } from '../../src/wire/registry.ts';
import type { AnswerContext, Codec, SseEvent } from '../../src/wire/protocol.ts';
import type { CanonicalEvent } from '../../src/canonical/event.ts';
import type { Json, JsonObject } from '../../src/core/json.ts';
import { listCases, readAnswer, readRequest, type CaseIndex } from '../replay/cases.ts';

/** Recorded cases as the codecs meet them, and the differences in spelling that an identity may have. */

export type Translated = 'openai-chat' | 'anthropic-messages';

export const codecOf = (protocol: Translated): Codec => {
  const codec = codecFor(protocol);
  if (codec === undefined) throw new Error(`no codec for ${protocol}`);
  return codec;
};

const matches = (protocol: Translated, entry: CaseIndex): boolean =>
  protocol === 'openai-chat'
    ? entry.protocol === 'openai' && entry.endpoint === 'chat-completions'
    : entry.protocol === 'anthropic' && entry.endpoint === 'messages';

const casesOf = (protocol: Translated): readonly CaseIndex[] => listCases().filter((entry) => matches(protocol, entry));

const isStream = (entry: CaseIndex): boolean => entry.framing === 'sse' || entry.framing === 'chunks';
export const streamsOf = (protocol: Translated): readonly CaseIndex[] =>
  casesOf(protocol).filter((entry) => entry.status === 200 && isStream(entry));
export const answersOf = (protocol: Translated): readonly CaseIndex[] =>
  casesOf(protocol).filter((entry) => entry.status === 200 && entry.framing === 'json');
export const requestsOf = (protocol: Translated): readonly CaseIndex[] => casesOf(protocol).filter((entry) => entry.request);

export const bytesOf = (entry: CaseIndex): Buffer => readAnswer(entry.case).body;
export const requestOf = (entry: CaseIndex): JsonObject => readRequest(entry.case) as JsonObject;

export const CONTEXT: AnswerContext = {
  model: 'asked-for',
  requestId: 'req_0000000000000000000000000A',
  created: 1_700_000_000,
  includeUsage: true,
};

export function sseEvents(pieces: readonly Buffer[]): readonly SseEvent[] {
  const events: SseEvent[] = [];
  const reader = new SseReader((event) => events.push(event));
  for (const piece of pieces) reader.push(piece);
  return events;
}

export function decodeEvents(codec: Codec, events: readonly SseEvent[]): readonly CanonicalEvent[] {
  const decoded: CanonicalEvent[] = [];
  let state = codec.streamDecoder.start();
  for (const event of events) {
    const [next, given] = codec.streamDecoder.step(state, event);
    state = next;
    decoded.push(...given);
  }
  return [...decoded, ...codec.streamDecoder.finish(state)];
}

export function encodeEvents(codec: Codec, events: readonly CanonicalEvent[]): readonly SseEvent[] {
  const encoded: SseEvent[] = [];
  let state = codec.streamEncoder.start(CONTEXT);
  for (const event of events) {
    const [next, given] = codec.streamEncoder.step(state, event);
    state = next;
    encoded.push(...given);
  }
  return encoded;
}

/** What JSON says of a value: members that are undefined are not there. */
export const plain = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

const isObject = (value: Json | undefined): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * Spellings that mean the same in a request and that the canonical form does not tell apart:
 * a text alone and a list of that one text; an answer limit under OpenAI's older name; a stop sequence alone and in a list;
 * `stream: false`, `include_usage: false` and nothing; an assistant without content and with null.
 */
export function sameRequest(value: JsonObject): JsonObject {
  const body: Record<string, Json | undefined> = { ...plain(value) };
  if (body['max_completion_tokens'] === undefined && typeof body['max_tokens'] === 'number' && body['anthropic_version'] === undefined) {
    body['max_completion_tokens'] = body['max_tokens'];
    delete body['max_tokens'];
  }
  if (typeof body['stop'] === 'string') body['stop'] = [body['stop']];
  if (body['stream'] === false) delete body['stream'];
  const options = body['stream_options'];
  if (isObject(options) && options['include_usage'] === false && Object.keys(options).length === 1) delete body['stream_options'];
  if (body['system'] !== undefined) body['system'] = sameContent(body['system']);
  body['messages'] = (body['messages'] as readonly Json[]).map(sameMessage);
  return body;
}

function sameMessage(value: Json): Json {
  if (!isObject(value)) return value;
  const message: Record<string, Json | undefined> = { ...value };
  if (message['content'] === null && message['role'] === 'assistant') delete message['content'];
  if (message['content'] !== undefined) message['content'] = sameContent(message['content']);
  return message;
}

function sameContent(content: Json): Json {
  if (!Array.isArray(content)) return content;
  const parts = (content as readonly Json[]).map((part) => {
    if (!isObject(part) || part['content'] === undefined || part['type'] !== 'tool_result') return part;
    return { ...part, content: sameContent(part['content']) };
  });
  const [only] = parts;
  return parts.length === 1 && isObject(only) && only['type'] === 'text' && Object.keys(only).length === 2 ? (only['text'] ?? '') : parts;
}

/** Where `got` differs from `wanted`: every member of `wanted` must be equal; `got` may say `null` or nothing where `wanted` is silent. */
export function differences(wanted: Json | undefined, got: Json | undefined, path = ''): readonly string[] {
  if (Array.isArray(wanted) && Array.isArray(got)) {
    if (wanted.length !== got.length) return [`${path}: ${wanted.length} items became ${got.length}`];
    return wanted.flatMap((item, index) => differences(item as Json, got[index] as Json, `${path}[${index}]`));
  }
  if (isObject(wanted) && isObject(got)) {
    const names = new Set([...Object.keys(wanted), ...Object.keys(got)]);
    return [...names].flatMap((name) => {
      if (wanted[name] === undefined && got[name] === null) return [];
      return differences(wanted[name], got[name], path === '' ? name : `${path}.${name}`);
    });
  }
  return Object.is(wanted, got) ? [] : [`${path}: ${JSON.stringify(wanted)?.slice(0, 100)} became ${JSON.stringify(got)?.slice(0, 100)}`];
}
