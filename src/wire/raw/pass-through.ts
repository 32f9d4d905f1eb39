import { isJsonObject, type JsonObject } from '../../core/json.ts';
import type { TokenUsage } from '../../core/usage.ts';
import { openaiUsage } from '../openai-chat/usage.ts';
import { mediaUsage } from '../openai-images/usage.ts';
import type { PassThrough } from '../protocol.ts';

const usageOf = ({ usage }: JsonObject): TokenUsage | undefined => openaiUsage(usage) ?? mediaUsage(usage);

/**
 * Whatever else a provider serves, untouched (`/{provider}/…`): nothing is known of it, so figures are taken where they look like those of a
 * known protocol, and the end of the bytes is the end.
 */
export const rawPassThrough: PassThrough = {
  requestMembers: ['model'],
  responseMembers: ['usage'],
  anyAnswer: true,
  usageOfResponse: (members) => (isJsonObject(members['usage']) ? usageOf(members) : undefined),
  mayMatter: () => true,
  readEvent: () => ({ finished: true }),
};
