import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts';

const objects = (value: Json | undefined): readonly JsonObject[] =>
  Array.isArray(value) ? (value as readonly Json[]).filter(isJsonObject) : [];

const bytesOf = (token: Json | undefined): readonly number[] | null => (typeof token === 'string' ? [...Buffer.from(token)] : null);

const decodeToken = ({ token, logProbability }: JsonObject): JsonObject => ({
  token: token ?? '',
  logprob: logProbability ?? 0,
  bytes: bytesOf(token),
});

/** Gemini's `logprobsResult` in OpenAI's shape; Google's two lists run side by side. */
export function decodeLogprobs(result: Json | undefined): JsonObject | undefined {
  if (!isJsonObject(result)) return undefined;
  const tops = objects(result['topCandidates']);
  const content = objects(result['chosenCandidates']).map((chosen, index) => ({
    ...decodeToken(chosen),
    top_logprobs: objects(tops[index]?.['candidates']).map(decodeToken),
  }));
  return { content, refusal: null };
}

const encodeToken = ({ token, logprob }: JsonObject): JsonObject => ({ token, logProbability: logprob });

/** OpenAI's shape as `logprobsResult`. */
export function encodeLogprobs(logprobs: JsonObject | undefined): JsonObject | undefined {
  const content = objects(logprobs?.['content']);
  if (content.length === 0) return undefined;
  return {
    chosenCandidates: content.map(encodeToken),
    topCandidates: content.map((token) => ({ candidates: objects(token['top_logprobs']).map(encodeToken) })),
  };
}
