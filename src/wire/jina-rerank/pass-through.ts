import type { PassThrough } from '../protocol.ts';
import { openaiUsage } from '../openai-chat/usage.ts';

/** Reranking never streams. */
export const jinaRerankPassThrough: PassThrough = {
  requestMembers: ['model'],
  responseMembers: ['usage'],
  usageOfResponse: (members) => openaiUsage(members['usage']),
  mayMatter: () => false,
  readEvent: () => ({}),
};
