import { anthropicCountTokensPassThrough } from './anthropic-count-tokens/pass-through.ts';
import { anthropicErrors } from './anthropic-messages/errors.ts';
import { anthropicMessagesPassThrough } from './anthropic-messages/pass-through.ts';
import { bedrockErrors } from './bedrock-converse/errors.ts';
import { bedrockConversePassThrough } from './bedrock-converse/pass-through.ts';
import { bedrockEmbeddingsPassThrough } from './bedrock-embeddings/pass-through.ts';
import { bedrockRerankPassThrough } from './bedrock-rerank/pass-through.ts';
import { cohereErrors } from './cohere-chat/errors.ts';
import { cohereChatPassThrough } from './cohere-chat/pass-through.ts';
import { mistralErrors } from './mistral-chat/errors.ts';
import { mistralChatPassThrough } from './mistral-chat/pass-through.ts';
import { geminiCountTokensPassThrough } from './gemini-count-tokens/pass-through.ts';
import { geminiEmbeddingsPassThrough } from './gemini-embeddings/pass-through.ts';
import { vertexEmbeddingsPassThrough } from './vertex-embeddings/pass-through.ts';
import { geminiErrors } from './gemini/errors.ts';
import { geminiPassThrough } from './gemini/pass-through.ts';
import { ollamaErrors } from './ollama-chat/errors.ts';
import { ollamaChatPassThrough } from './ollama-chat/pass-through.ts';
import { cohereEmbeddingsPassThrough } from './cohere-embeddings/pass-through.ts';
import { cohereRerankPassThrough } from './cohere-rerank/pass-through.ts';
import { jinaRerankPassThrough } from './jina-rerank/pass-through.ts';
import { openaiErrors } from './openai-chat/errors.ts';
import { openaiChatPassThrough } from './openai-chat/pass-through.ts';
import { openaiCompletionsErrors } from './openai-completions/errors.ts';
import { openaiCompletionsPassThrough } from './openai-completions/pass-through.ts';
import { openaiEmbeddingsErrors } from './openai-embeddings/errors.ts';
import { openaiEmbeddingsPassThrough } from './openai-embeddings/pass-through.ts';
import { openaiAudioPassThrough } from './openai-audio/pass-through.ts';
import { openaiImagesPassThrough } from './openai-images/pass-through.ts';
import { openaiModerationsPassThrough } from './openai-moderations/pass-through.ts';
import { rawPassThrough } from './raw/pass-through.ts';
import { openaiResponsesErrors } from './openai-responses/errors.ts';
import { openaiResponsesPassThrough } from './openai-responses/pass-through.ts';
import type { ErrorCodec, PassThrough, WireProtocolId } from './protocol.ts';

/** What every protocol has, also one that is never translated: its errors and how its bytes pass. */
export interface NativeProtocol {
  readonly passThrough: PassThrough;
  readonly errors: ErrorCodec;
}

export const NATIVE = {
  'cohere-embeddings': { passThrough: cohereEmbeddingsPassThrough, errors: cohereErrors },
  'cohere-rerank': { passThrough: cohereRerankPassThrough, errors: cohereErrors },
  'jina-rerank': { passThrough: jinaRerankPassThrough, errors: openaiErrors },
  'ollama-chat': { passThrough: ollamaChatPassThrough, errors: ollamaErrors },
  'bedrock-converse': { passThrough: bedrockConversePassThrough, errors: bedrockErrors },
  'bedrock-embeddings': { passThrough: bedrockEmbeddingsPassThrough, errors: bedrockErrors },
  'bedrock-rerank': { passThrough: bedrockRerankPassThrough, errors: bedrockErrors },
  'mistral-chat': { passThrough: mistralChatPassThrough, errors: mistralErrors },
  'cohere-chat': { passThrough: cohereChatPassThrough, errors: cohereErrors },
  gemini: { passThrough: geminiPassThrough, errors: geminiErrors },
  'gemini-count-tokens': { passThrough: geminiCountTokensPassThrough, errors: geminiErrors },
  'gemini-embeddings': { passThrough: geminiEmbeddingsPassThrough, errors: geminiErrors },
  'vertex-count-tokens': { passThrough: geminiCountTokensPassThrough, errors: geminiErrors },
  'vertex-embeddings': { passThrough: vertexEmbeddingsPassThrough, errors: geminiErrors },
  'openai-chat': { passThrough: openaiChatPassThrough, errors: openaiErrors },
  'openai-completions': { passThrough: openaiCompletionsPassThrough, errors: openaiCompletionsErrors },
  'openai-embeddings': { passThrough: openaiEmbeddingsPassThrough, errors: openaiEmbeddingsErrors },
  'openai-moderations': { passThrough: openaiModerationsPassThrough, errors: openaiErrors },
  'openai-images': { passThrough: openaiImagesPassThrough, errors: openaiErrors },
  'openai-audio': { passThrough: openaiAudioPassThrough, errors: openaiErrors },
  raw: { passThrough: rawPassThrough, errors: openaiErrors },
  'openai-responses': { passThrough: openaiResponsesPassThrough, errors: openaiResponsesErrors },
  'anthropic-count-tokens': { passThrough: anthropicCountTokensPassThrough, errors: anthropicErrors },
  'anthropic-messages': { passThrough: anthropicMessagesPassThrough, errors: anthropicErrors },
} as Readonly<Record<WireProtocolId, NativeProtocol>>;
