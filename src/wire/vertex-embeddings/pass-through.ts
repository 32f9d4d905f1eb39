import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts';
import type { TokenUsage } from '../../core/usage.ts';
import { readTokens } from '../gemini-embeddings/vectors.ts';
import { tokenCount } from '../openai-chat/usage.ts';
import type { PassThrough } from '../protocol.ts';

/** Each vector says how many tokens its text had. */
function tokensOf(prediction: Json): number {
  const embeddings = isJsonObject(prediction) ? prediction['embeddings'] : undefined;
  const statistics = isJsonObject(embeddings) ? embeddings['statistics'] : undefined;
  return isJsonObject(statistics) ? tokenCount(statistics['token_count']) : 0;
}

function usageOfResponse({ predictions }: JsonObject): TokenUsage | undefined {
  const tokens = Array.isArray(predictions) ? (predictions as readonly Json[]).reduce<number>((sum, one) => sum + tokensOf(one), 0) : 0;
  return tokens === 0 ? undefined : readTokens(tokens);
}

/** Embeddings are never streamed. */
export const vertexEmbeddingsPassThrough: PassThrough = {
  requestMembers: ['model'],
  responseMembers: ['predictions'],
  usageOfResponse,
  mayMatter: () => false,
  readEvent: () => ({}),
};
