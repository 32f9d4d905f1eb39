import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { encodeSse } from '../../src/http/sse.ts';
import type { SseEvent } from '../../src/wire/protocol.ts';

/** What an official client hands to its user from the bytes of an answer, in words that both protocols share. */
export interface Reading {
  /** A refusal is text too: Anthropic has no other place for it. */
  readonly text: string;
  readonly thinking: string;
  readonly tools: readonly { readonly id: string; readonly name: string; readonly input: unknown }[];
  readonly stop: 'stop' | 'length' | 'tool_calls' | 'content_filter' | undefined;
  /** Undefined: the client was given no figures. */
  readonly usage: { readonly input: number; readonly output: number; readonly cached: number } | undefined;
}

export type Read = (body: Buffer, stream: boolean) => Promise<Reading>;

const answering = (body: Buffer, stream: boolean) => async () =>
  new Response(new Uint8Array(body), { headers: { 'content-type': stream ? 'text/event-stream' : 'application/json' } });

const parsed = (text: string): unknown => {
  if (text === '') return {};
  try {
    return JSON.parse(text);
  } catch {
    // Models write tool arguments that are not JSON; both protocols then hand on the text.
    return text;
  }
};

/** How Anthropic's and OpenAI's words for the end of an answer correspond (docs/reference/fidelity.md). */
const STOPS: ReadonlyMap<string, Reading['stop']> = new Map([
  ['end_turn', 'stop'],
  ['stop_sequence', 'stop'],
  ['pause_turn', 'stop'],
  ['max_tokens', 'length'],
  ['model_context_window_exceeded', 'length'],
  ['tool_use', 'tool_calls'],
  ['refusal', 'content_filter'],
  ['stop', 'stop'],
  ['eos', 'stop'],
  ['', 'stop'],
  ['length', 'length'],
  ['tool_calls', 'tool_calls'],
  ['content_filter', 'content_filter'],
]);

export const readAnthropic: Read = async (body, stream) => {
  const client = new Anthropic({ apiKey: 'none', maxRetries: 0, fetch: answering(body, stream) });
  const ask = { model: 'any', max_tokens: 1, messages: [{ role: 'user' as const, content: 'any' }] };
  const message = stream ? await client.messages.stream(ask).finalMessage() : await client.messages.create(ask);
  const { usage } = message;
  return {
    text: message.content.map((block) => (block.type === 'text' ? block.text : '')).join(''),
    thinking: message.content.map((block) => (block.type === 'thinking' ? block.thinking : '')).join(''),
    tools: message.content.flatMap((block) => (block.type === 'tool_use' ? [{ id: block.id, name: block.name, input: block.input }] : [])),
    stop: STOPS.get(message.stop_reason ?? ''),
    usage: {
      input: usage.input_tokens + (usage.cache_read_input_tokens ?? 0) + (usage.cache_creation_input_tokens ?? 0),
      output: usage.output_tokens,
      cached: usage.cache_read_input_tokens ?? 0,
    },
  };
};

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
function openaiUsage(usage: OpenAI.CompletionUsage | null | undefined): Reading['usage'] {
  if (usage === undefined || usage === null) return undefined;
  const { prompt_tokens: input, completion_tokens: completion, total_tokens: total } = usage;
  const others = usage as unknown as { prompt_cache_hit_tokens?: number; cached_tokens?: number };
  const reasoning = usage.completion_tokens_details?.reasoning_tokens ?? 0;
  // xAI on Azure says that more was read from the cache than was read at all.
  const cached = Math.min(usage.prompt_tokens_details?.cached_tokens || others.prompt_cache_hit_tokens || others.cached_tokens || 0, input);
  return { input, output: Math.max(completion, total - input, reasoning > completion ? completion + reasoning : 0), cached };
}

export const readOpenai: Read = async (body, stream) => {
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
    name: call.type === 'function' ? call.function.name : '',
    input: call.type === 'function' ? parsed(call.function.arguments) : '',
  }));
  const refusal = choice?.message.refusal ?? '';
  const stop = STOPS.get(choice?.finish_reason ?? '');
  return {
    text: (choice?.message.content ?? '') + refusal,
    thinking: stream ? streamed : reasoningOf(choice?.message ?? {}),
    tools,
    stop: stop !== 'stop' ? stop : tools.length > 0 ? 'tool_calls' : refusal === '' ? stop : 'content_filter',
    usage: openaiUsage(completion.usage),
  };
};

export const framed = (events: readonly SseEvent[]): Buffer => Buffer.concat(events.map(encodeSse));
