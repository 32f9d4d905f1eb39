import { anthropicErrors } from './anthropic-messages/errors.ts';
import { anthropicMessagesPassThrough } from './anthropic-messages/pass-through.ts';
import { openaiErrors } from './openai-chat/errors.ts';
import { openaiChatPassThrough } from './openai-chat/pass-through.ts';
import { openaiCompletionsErrors } from './openai-completions/errors.ts';
import { openaiCompletionsPassThrough } from './openai-completions/pass-through.ts';
import { openaiEmbeddingsErrors } from './openai-embeddings/errors.ts';
import { openaiEmbeddingsPassThrough } from './openai-embeddings/pass-through.ts';
import type { ErrorCodec, PassThrough, WireProtocolId } from './protocol.ts';

/** What every protocol has, also one that is never translated: its errors and how its bytes pass. */
export interface NativeProtocol {
  readonly passThrough: PassThrough;
  readonly errors: ErrorCodec;
}

export const NATIVE: Readonly<Record<WireProtocolId, NativeProtocol>> = {
  'openai-chat': { passThrough: openaiChatPassThrough, errors: openaiErrors },
  'openai-completions': { passThrough: openaiCompletionsPassThrough, errors: openaiCompletionsErrors },
  'openai-embeddings': { passThrough: openaiEmbeddingsPassThrough, errors: openaiEmbeddingsErrors },
  'anthropic-messages': { passThrough: anthropicMessagesPassThrough, errors: anthropicErrors },
};
