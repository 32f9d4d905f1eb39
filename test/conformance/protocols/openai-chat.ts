import OpenAI from 'openai';
import type { Json, JsonObject } from '../../../src/core/json.ts';
import type { SseEvent } from '../../../src/wire/protocol.ts';
import { ApiDescription } from '../api-description.ts';
import { answering, framed, parsed, sseEvents, type Read, type Reading, type StopReading } from '../reading.ts';
import { isObject, plain, sameContent } from '../same.ts';
import type { ConformingProtocol } from './protocol.ts';

const DESCRIPTION = new ApiDescription('openai/openapi.json');
const REQUEST = 'CreateChatCompletionRequest';
const MEMBERS = DESCRIPTION.members(REQUEST);

const STOPS: ReadonlyMap<string, StopReading> = new Map([
  ['stop', 'stop'],
  ['eos', 'stop'],
  ['length', 'length'],
  ['tool_calls', 'tool_calls'],
  ['content_filter', 'content_filter'],
]);

interface Reasoned {
  readonly reasoning_content?: string | null;
  readonly reasoning?: string | null;
  readonly reasoning_details?: readonly { readonly text?: string; readonly summary?: string }[];
}

const reasoningOf = (holder: unknown): string => {
  const { reasoning_content: content, reasoning, reasoning_details: details } = holder as Reasoned;
  // A later chunk that only signs repeats nothing.
  return (
    content ||
    reasoning ||
    (Array.isArray(details) ? details.map(({ text, summary }: { text?: string; summary?: string }) => text ?? summary ?? '').join('') : '')
  );
};

/** Reasoning that some providers leave out of `completion_tokens` is in the total, or larger than the completion. */
function readUsage(usage: OpenAI.CompletionUsage | null | undefined): Reading['usage'] {
  if (usage === undefined || usage === null) return undefined;
  const { prompt_tokens: input, completion_tokens: completion, total_tokens: total } = usage;
  const others = usage as unknown as { prompt_cache_hit_tokens?: number; cached_tokens?: number };
  const said = usage.completion_tokens_details?.reasoning_tokens ?? undefined;
  const reasoning = said ?? 0;
  // xAI on Azure says that more was read from the cache than was read at all.
  const cached = Math.min(usage.prompt_tokens_details?.cached_tokens || others.prompt_cache_hit_tokens || others.cached_tokens || 0, input);
  return {
    input,
    output: Math.max(completion, total - input, reasoning > completion ? completion + reasoning : 0),
    cached,
    reasoning: said,
  };
}

const read: Read = async (body, stream) => {
  const client = new OpenAI({ apiKey: 'none', maxRetries: 0, fetch: answering(body, stream) });
  const ask = { model: 'any', messages: [{ role: 'user' as const, content: 'any' }] };
  let streamed = '';
  const runner = stream ? client.chat.completions.stream(ask) : undefined;
  runner?.on('chunk', (chunk) => {
    for (const choice of chunk.choices ?? []) if (choice.index === 0) streamed += reasoningOf(choice.delta);
  });
  const completion = runner === undefined ? await client.chat.completions.create(ask) : await runner.finalChatCompletion();
  const choice = completion.choices[0];
  const calls = choice?.message.tool_calls ?? [];
  const tools = calls.map((call) => ({
    id: call.id,
    name: call.type === 'function' ? call.function.name : call.custom.name,
    // Other protocols have no free-text tools: there the text is the one member `input`.
    input: call.type === 'function' ? parsed(call.function.arguments) : { input: call.custom.input },
  }));
  const refusal = choice?.message.refusal ?? '';
  const stop = STOPS.get(choice?.finish_reason ?? '');
  return {
    text: (choice?.message.content ?? '') + refusal,
    thinking: stream ? streamed : reasoningOf(choice?.message ?? {}),
    tools,
    stop: stop !== 'stop' ? stop : tools.length > 0 ? 'tool_calls' : refusal === '' ? stop : 'content_filter',
    usage: readUsage(completion.usage),
  };
};

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

/**
 * A text alone and a list of that one text; an answer limit under OpenAI's older name; a stop sequence alone and in a list;
 * `stream: false`, `include_usage: false` and nothing; an assistant without content and with null.
 */
function sameRequest(value: JsonObject): JsonObject {
  const body: Record<string, Json | undefined> = { ...plain(value) };
  if (body['max_completion_tokens'] === undefined && typeof body['max_tokens'] === 'number') {
    body['max_completion_tokens'] = body['max_tokens'];
    delete body['max_tokens'];
  }
  if (typeof body['stop'] === 'string') body['stop'] = [body['stop']];
  if (body['stream'] === false) delete body['stream'];
  const options = body['stream_options'];
  if (isObject(options) && options['include_usage'] === false && Object.keys(options).length === 1) delete body['stream_options'];
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

export const openaiChat: ConformingProtocol = {
  id: 'openai-chat',
  matches: ({ protocol, endpoint }) => protocol === 'openai' && endpoint === 'chat-completions',
  events: sseEvents,
  frame: framed,
  read,
  sawEnd,
  sameRequest,
  requestFaults: (body) => [
    ...DESCRIPTION.faults(REQUEST, body),
    ...Object.keys(body)
      .filter((name) => !MEMBERS.has(name))
      .map((name) => `.${name}: is no member of ${REQUEST}`),
  ],
  models: ['gpt-5.6'],
  unreadable: new Map([
    ['groq/chat-completions/genai-compound-thinking-genstream-seed', 'no chunk names the role'],
    ['openai/chat-completions/genai-gpt-audio-genstream-maxtokens', 'a chunk has no choices'],
  ]),
};
