import { openaiChatPassThrough } from '../openai-chat/pass-through.ts';
import type { PassThrough } from '../protocol.ts';

/** Legacy completions: chunks differ from chat only in `text`, which passes as bytes. */
export const openaiCompletionsPassThrough: PassThrough = {
  ...openaiChatPassThrough,
  requestMembers: ['model', 'stream', 'stream_options', 'max_tokens', 'n', 'best_of'],
};
