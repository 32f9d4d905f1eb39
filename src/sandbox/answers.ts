import type { Json, JsonObject } from '../core/json.ts';
import { isJsonObject } from '../core/json.ts';
import { ECHO, type Behaviour } from './models.ts';
import { argumentsFor, idOf, lastUserText, piecesOf, promptTokens, textOf, tokensOf, vectorOf, words } from './text.ts';

/**
 * What the sandbox says, as data: a whole answer, and the events of the same answer streamed.
 * Shapes: the OpenAI API reference, chat completions, completions and embeddings.
 */

export interface Answer {
  readonly whole: JsonObject;
  /** Bodies of the `data:` lines, without the final `[DONE]`. */
  readonly events: readonly JsonObject[];
}

interface Reply {
  readonly pieces: readonly string[];
  readonly finish: string;
  readonly refusal: string | null;
  readonly toolCall: JsonObject | null;
}

const REFUSAL = 'I can’t help with that.';
/** Fixed, so that answers are the same at any time: 1 January 2026. */
const CREATED = 1_767_225_600;
const DEFAULT_DIMENSIONS = 1536;
const MAX_DIMENSIONS = 4096;

/** The share of the prompt that counts as read from the provider's cache: none below this size, then whole blocks of 128. */
const CACHE_FROM_TOKENS = 1024;

function usageOf(input: number, output: number): JsonObject {
  const cached = input < CACHE_FROM_TOKENS ? 0 : Math.floor(input / 128) * 128;
  return {
    prompt_tokens: input,
    completion_tokens: output,
    total_tokens: input + output,
    prompt_tokens_details: { cached_tokens: cached, audio_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: 0, audio_tokens: 0, accepted_prediction_tokens: 0, rejected_prediction_tokens: 0 },
  };
}

const list = (value: Json | undefined): readonly Json[] => (Array.isArray(value) ? (value as readonly Json[]) : []);

const wantsUsage = (request: JsonObject): boolean =>
  isJsonObject(request['stream_options']) && request['stream_options']['include_usage'] === true;

function limitOf(request: JsonObject): number {
  const limit = request['max_completion_tokens'] ?? request['max_tokens'];
  return typeof limit === 'number' && limit > 0 ? limit : Infinity;
}

/** A reply cut at the request's token limit, as a provider cuts it. */
function replyFor(request: JsonObject, behaviour: Behaviour, echo: string): Reply {
  if (behaviour.kind === 'refuse') return { pieces: [], finish: 'content_filter', refusal: REFUSAL, toolCall: null };
  const toolCall = behaviour.kind === 'tools' ? toolCallFor(request) : null;
  if (toolCall !== null) return { pieces: [], finish: 'tool_calls', refusal: null, toolCall };
  const count = behaviour.kind === 'answer' ? behaviour.words : 'echo';
  const all =
    count === 'echo'
      ? piecesOf(echo === '' ? 'Hello from the sandbox.' : echo)
      : words(count).map((word, i) => (i === 0 ? word : ` ${word}`));
  const pieces: string[] = [];
  for (let tokens = 0, i = 0; i < all.length; i++) {
    tokens += tokensOf(all[i] as string);
    if (tokens > limitOf(request)) return { pieces, finish: 'length', refusal: null, toolCall: null };
    pieces.push(all[i] as string);
  }
  return { pieces, finish: 'stop', refusal: null, toolCall: null };
}

function toolCallFor(request: JsonObject): JsonObject | null {
  const tool = list(request['tools']).find(isJsonObject);
  const about = tool?.['function'];
  if (!isJsonObject(about)) return null;
  const name = String(about['name']);
  return { id: idOf('call', name), type: 'function', function: { name, arguments: JSON.stringify(argumentsFor(about['parameters'])) } };
}

function outputTokens({ pieces, refusal, toolCall }: Reply): number {
  const call = toolCall === null ? 0 : tokensOf(JSON.stringify(toolCall['function']));
  return pieces.reduce((sum, piece) => sum + tokensOf(piece), 0) + tokensOf(refusal ?? '') + call;
}

export function chatAnswer(request: JsonObject, model: string, behaviour: Behaviour): Answer {
  const messages = list(request['messages']);
  const reply = replyFor(request, behaviour, lastUserText(messages));
  const usage = usageOf(promptTokens(messages), outputTokens(reply));
  const base = { id: idOf('chatcmpl', JSON.stringify(messages)), created: CREATED, model, system_fingerprint: 'fp_sandbox' };
  const message = {
    role: 'assistant',
    content: reply.pieces.length === 0 ? null : reply.pieces.join(''),
    refusal: reply.refusal,
    ...(reply.toolCall === null ? {} : { tool_calls: [reply.toolCall] }),
  };
  return {
    whole: { ...base, object: 'chat.completion', choices: [{ index: 0, message, logprobs: null, finish_reason: reply.finish }], usage },
    events: chatEvents(base, reply, wantsUsage(request) ? usage : null),
  };
}

function chatEvents(base: JsonObject, reply: Reply, usage: JsonObject | null): JsonObject[] {
  // With include_usage every other chunk carries `usage: null` (API reference, stream_options).
  const extra = usage === null ? {} : { usage: null };
  const chunk = (delta: JsonObject, finish: string | null): JsonObject => ({
    ...base,
    object: 'chat.completion.chunk',
    choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
    ...extra,
  });
  const events = [chunk({ role: 'assistant', content: reply.toolCall === null ? '' : null, refusal: null }, null)];
  for (const piece of reply.pieces) events.push(chunk({ content: piece }, null));
  if (reply.refusal !== null) events.push(chunk({ refusal: reply.refusal }, null));
  if (reply.toolCall !== null) events.push(...toolEvents(reply.toolCall).map((delta) => chunk(delta, null)));
  events.push(chunk({}, reply.finish));
  if (usage !== null) events.push({ ...base, object: 'chat.completion.chunk', choices: [], usage });
  return events;
}

/** The call's name first, then its arguments in parts. */
function toolEvents(call: JsonObject): JsonObject[] {
  const about = call['function'] as { readonly name: string; readonly arguments: string };
  const parts = about.arguments.match(/.{1,12}/gs) ?? [];
  return [
    { tool_calls: [{ index: 0, id: call['id'], type: 'function', function: { name: about.name, arguments: '' } }] },
    ...parts.map((part) => ({ tool_calls: [{ index: 0, function: { arguments: part } }] })),
  ];
}

export function completionAnswer(request: JsonObject, model: string, behaviour: Behaviour): Answer {
  const prompt = Array.isArray(request['prompt']) ? list(request['prompt']).map(String).join('\n') : textOf(request['prompt']);
  const reply = replyFor(request, behaviour.kind === 'tools' ? ECHO : behaviour, prompt);
  const usage = usageOf(tokensOf(prompt), outputTokens(reply));
  const base = { id: idOf('cmpl', prompt), object: 'text_completion', created: CREATED, model, system_fingerprint: 'fp_sandbox' };
  const choice = (text: string, finish: string | null): JsonObject => ({ index: 0, text, logprobs: null, finish_reason: finish });
  const pieces = reply.refusal === null ? reply.pieces : [reply.refusal];
  return {
    whole: { ...base, choices: [choice(pieces.join(''), reply.finish)], usage },
    events: [
      ...pieces.map((piece) => ({ ...base, choices: [choice(piece, null)] })),
      { ...base, choices: [choice('', reply.finish)] },
      ...(wantsUsage(request) ? [{ ...base, choices: [], usage }] : []),
    ],
  };
}

export function embeddingsAnswer(request: JsonObject, model: string): JsonObject {
  const inputs = Array.isArray(request['input']) ? list(request['input']) : [request['input'] ?? ''];
  const texts = inputs.map((input) => (typeof input === 'string' ? input : JSON.stringify(input)));
  const asked = request['dimensions'];
  const dimensions = typeof asked === 'number' && asked >= 1 ? Math.min(Math.floor(asked), MAX_DIMENSIONS) : DEFAULT_DIMENSIONS;
  const encode = (values: readonly number[]): Json =>
    request['encoding_format'] === 'base64' ? Buffer.from(Float32Array.from(values).buffer).toString('base64') : values;
  const tokens = texts.reduce((sum, text) => sum + tokensOf(text), 0);
  return {
    object: 'list',
    data: texts.map((text, index) => ({ object: 'embedding', index, embedding: encode(vectorOf(text, dimensions)) })),
    model,
    usage: { prompt_tokens: tokens, total_tokens: tokens },
  };
}
