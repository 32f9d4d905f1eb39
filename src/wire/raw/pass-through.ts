import { isJsonObject, type JsonObject } from '../../core/json.ts';
import { NO_USAGE, type TokenUsage } from '../../core/usage.ts';
import { openaiUsage } from '../openai-chat/usage.ts';
import { rerankUsage } from '../cohere-rerank/codec.ts';
import { mediaUsage } from '../openai-images/usage.ts';
import { unitCount, unitsOf, withServed } from '../served.ts';
import type { PassThrough } from '../protocol.ts';

/** Mistral's OCR counts pages. */
function pagesOf({ usage_info: info }: JsonObject): TokenUsage | undefined {
  const pages = unitsOf('page', isJsonObject(info) ? unitCount(info['pages_processed']) : 0);
  return pages === undefined ? undefined : withServed(NO_USAGE, undefined, pages);
}

const usageOf = ({ usage }: JsonObject): TokenUsage | undefined =>
  isJsonObject(usage) ? (openaiUsage(usage) ?? mediaUsage(usage)) : undefined;

/**
 * Whatever else a provider serves, untouched (`/{provider}/…`): nothing is known of it, so figures are taken where they look like those of a
 * known protocol, and the end of the bytes is the end.
 */
export const rawPassThrough: PassThrough = {
  requestMembers: ['model'],
  responseMembers: ['usage', 'usage_info', 'meta'],
  anyAnswer: true,
  usageOfResponse: (members) => usageOf(members) ?? pagesOf(members) ?? rerankUsage(members['meta']),
  mayMatter: () => true,
  readEvent: () => ({ finished: true }),
};
