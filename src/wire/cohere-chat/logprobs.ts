import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts';

const numbers = (value: Json | undefined): readonly number[] =>
  Array.isArray(value) ? (value as readonly Json[]).filter((item) => typeof item === 'number') : [];

/** One of Cohere's items may stand for several tokens of one text: the text's probability is the product of theirs. */
function entry(item: JsonObject): JsonObject {
  const text = typeof item['text'] === 'string' ? item['text'] : '';
  const logprob = numbers(item['logprobs']).reduce((sum, value) => sum + value, 0);
  return { token: text, logprob, bytes: null, top_logprobs: [] };
}

/** Cohere's `logprobs` in OpenAI's shape; undefined: there are none. */
export function decodeLogprobs(value: Json | undefined): JsonObject | undefined {
  const items = (Array.isArray(value) ? (value as readonly Json[]) : [value ?? null]).filter(isJsonObject);
  return items.length === 0 ? undefined : { content: items.map(entry) };
}

/** Token numbers are Cohere's own: there are none for what others counted. */
export function encodeLogprobs(logprobs: JsonObject): readonly JsonObject[] {
  const content = Array.isArray(logprobs['content']) ? (logprobs['content'] as readonly Json[]).filter(isJsonObject) : [];
  return content.map(({ token, logprob }) => ({ text: token, token_ids: [], logprobs: [logprob ?? 0] }));
}
