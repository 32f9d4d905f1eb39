import type { PassThrough } from '../protocol.ts';

/** A count costs nothing and is never streamed: there is nothing in its answer to read. */
export const geminiCountTokensPassThrough: PassThrough = {
  requestMembers: ['model'],
  responseMembers: [],
  usageOfResponse: () => undefined,
  mayMatter: () => false,
  readEvent: () => ({}),
};
