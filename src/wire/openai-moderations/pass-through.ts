import type { PassThrough } from '../protocol.ts';

/** Moderations (developers.openai.com/api/reference/moderations): free of charge at OpenAI, and without figures. */
export const openaiModerationsPassThrough: PassThrough = {
  requestMembers: ['model'],
  responseMembers: [],
  usageOfResponse: () => undefined,
  mayMatter: () => false,
  readEvent: () => ({}),
};
