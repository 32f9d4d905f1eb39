import { isJsonObject, type JsonObject } from '../../core/json.ts';
import type { TokenUsage } from '../../core/usage.ts';
import { tokenCount } from '../openai-chat/usage.ts';
import type { PassThrough } from '../protocol.ts';
import { readTokens } from './vectors.ts';

/** Only the newer models say how much they read. */
function usageOfResponse({ usageMetadata: usage }: JsonObject): TokenUsage | undefined {
  const count = isJsonObject(usage) ? usage['promptTokenCount'] : undefined;
  return typeof count === 'number' ? readTokens(tokenCount(count)) : undefined;
}

/** Embeddings are never streamed. */
export const geminiEmbeddingsPassThrough: PassThrough = {
  requestMembers: ['model'],
  responseMembers: ['usageMetadata'],
  usageOfResponse,
  mayMatter: () => false,
  readEvent: () => ({}),
};
