import { NO_USAGE } from '../../core/usage.ts';
import type { PassThrough } from '../protocol.ts';

/** Rerank never streams, and is billed by queries, of which each request is one. */
export const bedrockRerankPassThrough: PassThrough = {
  requestMembers: [],
  responseMembers: [],
  usageOfResponse: () => ({ ...NO_USAGE, units: { search: 1 } }),
  mayMatter: () => false,
  readEvent: () => ({}),
};
