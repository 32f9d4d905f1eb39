import { openaiChatPassThrough } from '../openai-chat/pass-through.ts';
import type { PassThrough } from '../protocol.ts';

/** The figures and the end of a stream are OpenAI's. */
export const mistralChatPassThrough: PassThrough = {
  ...openaiChatPassThrough,
  requestMembers: ['model', 'stream', 'max_tokens', 'n'],
  responseMembers: ['usage'],
};
