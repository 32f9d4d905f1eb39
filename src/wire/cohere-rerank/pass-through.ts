import type { PassThrough } from '../protocol.ts';
import { rerankUsage } from './codec.ts';

/** Reranking never streams. */
export const cohereRerankPassThrough: PassThrough = {
  // The more documents, the dearer.
  requestMembers: ['model', 'documents'],
  responseMembers: ['meta'],
  usageOfResponse: (members) => rerankUsage(members['meta']),
  mayMatter: () => false,
  readEvent: () => ({}),
};
