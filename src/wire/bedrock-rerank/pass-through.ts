import type { PassThrough } from '../protocol.ts';

/** Rerank never streams, and is billed by queries, of which each request is one. */
export const bedrockRerankPassThrough: PassThrough = {
  requestMembers: [],
  responseMembers: [],
  usageOfResponse: () => undefined,
  mayMatter: () => false,
  readEvent: () => ({}),
};
