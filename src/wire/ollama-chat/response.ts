import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts';
import type { Part } from '../../canonical/part.ts';
import type { CanonicalResponse, Choice } from '../../canonical/response.ts';
import { Fields, ownMembers } from '../fields.ts';
import type { AnswerContext } from '../protocol.ts';
import { decodeFinish, encodeFinish } from './finish.ts';
import { decodeMessageParts } from './message-decode.ts';
import { encodeToolCall } from './message-encode.ts';
import { PROTOCOL } from './names.ts';
import { encodeUsage, ollamaUsage } from './usage.ts';

/** Unix seconds of `created_at`; undefined where it is no date. */
export function secondsOf(value: Json | undefined): number | undefined {
  const time = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return Number.isNaN(time) ? undefined : Math.floor(time / 1000);
}

export const createdAt = (seconds: number): string => new Date(seconds * 1000).toISOString();

/** Ollama's entries are those of OpenAI's `content`. */
export function decodeLogprobs(value: Json | undefined): JsonObject | undefined {
  const entries = Array.isArray(value) ? (value as readonly Json[]).filter(isJsonObject) : [];
  return entries.length === 0 ? undefined : { content: entries };
}

export const encodeLogprobs = (logprobs: JsonObject): readonly Json[] =>
  Array.isArray(logprobs['content']) ? (logprobs['content'] as readonly Json[]) : [];

/** Durations, counts and the exact time stay in the extension too. */
export function decodeResponse(value: JsonObject): CanonicalResponse {
  const body = new Fields(value, '');
  const message = body.fields('message') ?? body.missing('message', 'an object');
  const parts = decodeMessageParts(message, () => '');
  message.value('role');
  const hasToolCalls = parts.some((part) => part.type === 'tool_call');
  const raw = body.string('done_reason');
  if (body.peek('done') === true) body.value('done');
  const choice: Choice = {
    index: 0,
    parts,
    finish: raw === undefined ? undefined : decodeFinish(raw, hasToolCalls),
    logprobs: decodeLogprobs(body.peek('logprobs')),
    messageExtensions: message.extensions(PROTOCOL),
  };
  const response = {
    id: '',
    model: body.string('model') ?? '',
    created: secondsOf(body.peek('created_at')),
    choices: [choice],
    usage: ollamaUsage(value),
  };
  return { ...response, extensions: body.extensions(PROTOCOL) };
}

const joined = (parts: readonly Part[], ...types: readonly Part['type'][]): string =>
  parts.map((part) => (types.includes(part.type) && 'text' in part ? part.text : '')).join('');

function encodeMessage({ parts, messageExtensions }: Choice): JsonObject {
  const thinking = joined(parts, 'thinking');
  const images = parts.flatMap((part) => (part.type === 'image' && part.source.kind === 'data' ? [part.source.data] : []));
  const calls = parts.filter((part) => part.type === 'tool_call');
  return {
    role: 'assistant',
    content: joined(parts, 'text', 'refusal'),
    thinking: thinking === '' ? undefined : thinking,
    images: images.length === 0 ? undefined : images,
    tool_calls: calls.length === 0 ? undefined : calls.map(encodeToolCall),
    ...ownMembers(messageExtensions, PROTOCOL),
  };
}

/** The first choice: an answer has only one here. */
export function encodeResponse(response: CanonicalResponse, context: AnswerContext): JsonObject {
  const choice = response.choices[0] ?? { index: 0, parts: [] };
  return {
    model: response.model === '' ? context.model : response.model,
    created_at: createdAt(response.created ?? context.created),
    message: encodeMessage(choice),
    done: true,
    done_reason: choice.finish === undefined ? undefined : encodeFinish(choice.finish),
    logprobs: choice.logprobs === undefined ? undefined : encodeLogprobs(choice.logprobs),
    ...(response.usage === undefined ? {} : encodeUsage(response.usage)),
    ...ownMembers(response.extensions, PROTOCOL),
  };
}
