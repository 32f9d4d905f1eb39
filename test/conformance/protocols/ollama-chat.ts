import { Ollama, type ChatResponse } from 'ollama';
import { NdjsonSplitter } from '../../../src/http/ndjson.ts';
import type { Json, JsonObject } from '../../../src/core/json.ts';
import type { SseEvent } from '../../../src/wire/protocol.ts';
import type { Read, Reading, StopReading } from '../reading.ts';
import { isObject, plain } from '../same.ts';
import type { ConformingProtocol } from './protocol.ts';

/** Lines of JSON as events, however they are cut. */
function ndjsonEvents(pieces: readonly Buffer[]): readonly SseEvent[] {
  const events: SseEvent[] = [];
  const splitter = new NdjsonSplitter((raw) => events.push({ data: raw.toString('utf8').trim() }), { source: 'recording' });
  for (const piece of pieces) splitter.push(piece);
  const rest = splitter.rest().toString('utf8').trim();
  if (rest !== '') events.push({ data: rest });
  return events.filter(({ data }) => data !== '');
}

const framed = (events: readonly SseEvent[]): Buffer => Buffer.from(events.map(({ data }) => `${data}\n`).join(''));

const stopOf = (reason: string | undefined, hasTools: boolean): StopReading =>
  reason === 'length' ? 'length' : reason !== 'stop' ? undefined : hasTools ? 'tool_calls' : 'stop';

interface Call {
  readonly id?: string;
  readonly function: { readonly name: string; readonly arguments: unknown };
}

/** The SDK hands out the answer, or its lines one by one: the last has the reason and the figures. */
function readLines(lines: readonly ChatResponse[]): Reading {
  const last = lines.at(-1);
  if (last?.done !== true) throw new Error('the stream ended before its last line');
  const calls = lines.flatMap(({ message }) => (message.tool_calls ?? []) as readonly Call[]);
  const { prompt_eval_count: input, eval_count: output } = last as Partial<ChatResponse>;
  return {
    text: lines.map(({ message }) => message.content ?? '').join(''),
    thinking: lines.map(({ message }) => message.thinking ?? '').join(''),
    tools: calls.map(({ id = '', function: { name, arguments: args } }) => ({ id, name, input: args })),
    stop: stopOf(last.done_reason, calls.length > 0),
    usage: input === undefined && output === undefined ? undefined : { input: input ?? 0, output: output ?? 0, cached: 0 },
  };
}

const read: Read = async (body, stream) => {
  const fetch = async (): Promise<Response> => new Response(new Uint8Array(body), { headers: { 'content-type': 'application/x-ndjson' } });
  const client = new Ollama({ host: 'http://127.0.0.1:9', fetch });
  const ask = { model: 'any', messages: [{ role: 'user', content: 'any' }] };
  if (!stream) return readLines([await client.chat({ ...ask, stream: false })]);
  const lines: ChatResponse[] = [];
  for await (const line of await client.chat({ ...ask, stream: true })) lines.push(line);
  return readLines(lines);
};

/** `stream: true` and nothing; an empty content and none; a function that is not called one; a stop sequence alone and in a list. */
function sameRequest(value: JsonObject): JsonObject {
  const body: Record<string, Json | undefined> = { stream: true, ...plain(value) };
  if (Array.isArray(body['tools']))
    body['tools'] = (body['tools'] as readonly Json[]).map((tool) => (isObject(tool) ? { type: 'function', ...tool } : tool));
  body['messages'] = (body['messages'] as readonly Json[]).map((message) => (isObject(message) ? { content: '', ...message } : message));
  const options = body['options'];
  if (isObject(options) && typeof options['stop'] === 'string') body['options'] = { ...options, stop: [options['stop']] };
  return body;
}

const MEMBERS = ['model', 'messages', 'tools', 'format', 'think', 'options', 'logprobs', 'top_logprobs', 'stream', 'keep_alive'];
const ROLES = ['system', 'user', 'assistant', 'tool'];
const OPTIONS = ['num_predict', 'temperature', 'top_p', 'top_k', 'frequency_penalty', 'presence_penalty', 'seed', 'stop', 'num_ctx'];

const list = (value: Json | undefined): readonly JsonObject[] => (Array.isArray(value) ? (value as readonly Json[]).filter(isObject) : []);

function messageFaults(message: JsonObject, path: string): readonly string[] {
  const calls = list(message['tool_calls']);
  return [
    ...(ROLES.includes(String(message['role'])) ? [] : [`${path}.role: ${String(message['role'])} is none`]),
    ...(typeof message['content'] === 'string' ? [] : [`${path}.content: is no text`]),
    ...(message['images'] === undefined || (message['images'] as readonly Json[]).every((image) => typeof image === 'string')
      ? []
      : [`${path}.images: holds what is no base64`]),
    ...calls.flatMap(({ function: called }, index) =>
      isObject(called) && typeof called['name'] === 'string' && isObject(called['arguments'])
        ? []
        : [`${path}.tool_calls[${index}]: has no name or no arguments object`],
    ),
  ];
}

/** There is no published description of this API in machine's words: this is its documentation's list (docs.ollama.com/api/chat). */
function requestFaults(body: JsonObject): readonly string[] {
  const options = isObject(body['options']) ? Object.keys(body['options']) : [];
  return [
    ...(typeof body['model'] === 'string' ? [] : ['.model: is no text']),
    ...(Array.isArray(body['messages']) ? [] : ['.messages: is no list']),
    ...Object.keys(body)
      .filter((name) => !MEMBERS.includes(name))
      .map((name) => `.${name}: is unknown`),
    ...options.filter((name) => !OPTIONS.includes(name)).map((name) => `.options.${name}: is unknown`),
    ...list(body['messages']).flatMap((message, index) => messageFaults(message, `.messages[${index}]`)),
    ...list(body['tools']).flatMap((tool, index) =>
      isObject(tool['function']) && isObject(tool['function']['parameters']) ? [] : [`.tools[${index}].function.parameters: is missing`],
    ),
  ];
}

export const ollamaChat: ConformingProtocol = {
  id: 'ollama-chat',
  matches: ({ provider, endpoint }) => provider === 'ollama' && endpoint === 'api-chat',
  events: ndjsonEvents,
  frame: framed,
  read,
  sawEnd: (events) => events.some(({ data }) => data.includes('"done":true')),
  sameRequest,
  requestFaults,
  models: ['qwen3'],
  unreadable: new Map(),
};
