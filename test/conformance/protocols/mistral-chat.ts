import { HTTPClient, Mistral } from '@mistralai/mistralai';
import type { Json, JsonObject } from '../../../src/core/json.ts';
import type { SseEvent } from '../../../src/wire/protocol.ts';
import { ApiDescription } from '../api-description.ts';
import { answering, framed, parsed, sseEvents, type Read, type Reading, type StopReading } from '../reading.ts';
import { isObject, plain, sameContent } from '../same.ts';
import type { ConformingProtocol } from './protocol.ts';

const DESCRIPTION = new ApiDescription('mistral/openapi.json');

const STOPS: ReadonlyMap<string, StopReading> = new Map([
  ['stop', 'stop'],
  ['length', 'length'],
  ['model_length', 'length'],
  ['tool_calls', 'tool_calls'],
]);

interface Figures {
  readonly promptTokens?: number | undefined;
  readonly completionTokens?: number | undefined;
  readonly [others: string]: unknown;
}

function readUsage(usage: Figures | undefined): Reading['usage'] {
  if (usage === undefined) return undefined;
  const details = usage['prompt_tokens_details'] as { cached_tokens?: number } | null | undefined;
  const { promptTokens: input = 0, completionTokens: output = 0 } = usage;
  return { input, output, cached: details?.cached_tokens ?? 0 };
}

interface Chunk {
  readonly type?: string | undefined;
  readonly text?: string;
  readonly thinking?: readonly Chunk[];
}

const textOf = (chunk: unknown): string => (chunk as Chunk).text ?? '';
const isType = (chunk: unknown, type: string): boolean => (chunk as Chunk).type === type;

/** The text and the reasoning of a content: a string or a list of chunks. */
function said(content: unknown): { readonly text: string; readonly thinking: string } {
  if (!Array.isArray(content)) return { text: typeof content === 'string' ? content : '', thinking: '' };
  const thoughts = content.filter((chunk) => isType(chunk, 'thinking')).flatMap((chunk) => (chunk as Chunk).thinking ?? []);
  return {
    text: content
      .filter((chunk) => isType(chunk, 'text'))
      .map(textOf)
      .join(''),
    thinking: thoughts.map(textOf).join(''),
  };
}

const ASK = { model: 'any', messages: [{ role: 'user' as const, content: 'any' }] };

async function readAnswer(client: Mistral): Promise<Reading> {
  const { choices, usage } = await client.chat.complete(ASK);
  const choice = choices?.[0];
  const tools = (choice?.message?.toolCalls ?? []).map(({ id, function: { name, arguments: args } }) => ({
    id: id ?? '',
    name,
    input: typeof args === 'string' ? parsed(args) : args,
  }));
  return { ...said(choice?.message?.content), tools, stop: STOPS.get(choice?.finishReason ?? ''), usage: readUsage(usage) };
}

interface Call {
  readonly id: string;
  readonly name: string;
  args: string;
}

/** The SDK hands out chunks; a call begins with its name, and pieces follow under its index. The first choice is read. */
async function readStream(client: Mistral): Promise<Reading> {
  let [text, thinking] = ['', ''];
  let usage: Reading['usage'];
  let stop: StopReading;
  let whole = false;
  const calls = new Map<number, Call>();
  for await (const { data } of await client.chat.stream(ASK)) {
    usage = readUsage(data.usage) ?? usage;
    const choice = data.choices.find(({ index }) => index === 0);
    if (choice === undefined) continue;
    const words = said(choice.delta.content);
    text += words.text;
    thinking += words.thinking;
    for (const { id, index = 0, function: called } of choice.delta.toolCalls ?? []) {
      const args = typeof called.arguments === 'string' ? called.arguments : JSON.stringify(called.arguments);
      const known = calls.get(index);
      if (known === undefined) calls.set(index, { id: id ?? '', name: called.name, args });
      else known.args += args;
    }
    whole ||= choice.finishReason !== null;
    stop = STOPS.get(choice.finishReason ?? '') ?? stop;
  }
  if (!whole) throw new Error('the stream ended without a reason');
  const tools = [...calls.values()].map(({ id, name, args }) => ({ id, name, input: parsed(args) }));
  return { text, thinking, tools, stop, usage };
}

const read: Read = async (body, stream) => {
  const httpClient = new HTTPClient({ fetcher: answering(body, stream) });
  const client = new Mistral({ apiKey: 'none', httpClient, retryConfig: { strategy: 'none' } });
  return stream ? readStream(client) : readAnswer(client);
};

/** The last word is [DONE], or a reason to stop for every choice. */
function sawEnd(events: readonly SseEvent[]): boolean {
  if (events.some(({ data }) => data.trim() === '[DONE]')) return true;
  const started = new Set<number>();
  const finished = new Set<number>();
  for (const { data } of events) {
    for (const { index, finish_reason: reason } of (JSON.parse(data) as { choices?: { index: number; finish_reason?: string }[] })
      .choices ?? []) {
      started.add(index);
      if (reason) finished.add(index);
    }
  }
  return started.size > 0 && started.size === finished.size;
}

function sameMessage(value: Json): Json {
  if (!isObject(value)) return value;
  const message: Record<string, Json | undefined> = { ...value };
  if (message['content'] === null && message['role'] === 'assistant') delete message['content'];
  if (message['content'] !== undefined) message['content'] = sameContent(message['content']);
  return message;
}

/** A text alone and a list of that one text; a stop sequence alone and in a list; `stream: false` and nothing; an assistant without content and with null; a function that is not called one. */
function sameRequest(value: JsonObject): JsonObject {
  const body: Record<string, Json | undefined> = { ...plain(value) };
  if (typeof body['stop'] === 'string') body['stop'] = [body['stop']];
  if (body['stream'] === false) delete body['stream'];
  body['messages'] = (body['messages'] as readonly Json[]).map(sameMessage);
  if (Array.isArray(body['tools']))
    body['tools'] = (body['tools'] as readonly Json[]).map((tool) => (isObject(tool) ? { type: 'function', ...tool } : tool));
  return body;
}

export const mistralChat: ConformingProtocol = {
  id: 'mistral-chat',
  matches: ({ provider, endpoint }) => provider === 'mistral' && endpoint === 'chat-completions',
  events: sseEvents,
  frame: framed,
  read,
  sawEnd,
  sameRequest,
  requestFaults: (body) => DESCRIPTION.faults('ChatCompletionRequest', body),
  models: ['mistral-large-latest', 'magistral-medium-latest'],
  unreadable: new Map(),
};
