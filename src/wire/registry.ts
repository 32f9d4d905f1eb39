/**
 * Wire protocols: one folder each, all behind the same contracts (`protocol.ts`). Here are those that can be translated; what every protocol has, translated
 * or not, is in `native.ts`. Adding a protocol is a folder and a line in each table.
 */
import type { CountRequest, CountResponse, EmbedRequest, EmbedResponse, RerankRequest, RerankResponse } from '../canonical/call.ts';
import { anthropicCountTokensCodec } from './anthropic-count-tokens/codec.ts';
import { anthropicMessagesCodec } from './anthropic-messages/codec.ts';
import { bedrockConverseCodec } from './bedrock-converse/codec.ts';
import { bedrockEmbeddingsCodec } from './bedrock-embeddings/codec.ts';
import { bedrockRerankCodec } from './bedrock-rerank/codec.ts';
import { cohereEmbeddingsCodec } from './cohere-embeddings/codec.ts';
import { cohereRerankCodec } from './cohere-rerank/codec.ts';
import { jinaRerankCodec } from './jina-rerank/codec.ts';
import { openaiEmbeddingsCodec } from './openai-embeddings/codec.ts';
import { cohereChatCodec } from './cohere-chat/codec.ts';
import { mistralChatCodec } from './mistral-chat/codec.ts';
import { geminiCountTokensCodec } from './gemini-count-tokens/codec.ts';
import { geminiEmbeddingsCodec } from './gemini-embeddings/codec.ts';
import { geminiCodec } from './gemini/codec.ts';
import { ollamaChatCodec } from './ollama-chat/codec.ts';
import { openaiChatCodec } from './openai-chat/codec.ts';
import { openaiResponsesCodec } from './openai-responses/codec.ts';
import type { CallCodec, Codec, WireProtocolId } from './protocol.ts';
import { vertexCountTokensCodec } from './vertex-count-tokens/codec.ts';
import { vertexEmbeddingsCodec } from './vertex-embeddings/codec.ts';

type Table<T> = Readonly<Partial<Record<WireProtocolId, T>>>;

/** Conversations. A protocol without a codec reaches only providers that speak it. */
const CODECS: Table<Codec> = {
  'cohere-chat': cohereChatCodec,
  'mistral-chat': mistralChatCodec,
  gemini: geminiCodec,
  'ollama-chat': ollamaChatCodec,
  'openai-chat': openaiChatCodec,
  'openai-responses': openaiResponsesCodec,
  'anthropic-messages': anthropicMessagesCodec,
  'bedrock-converse': bedrockConverseCodec,
};

const EMBED_CODECS: Table<CallCodec<EmbedRequest, EmbedResponse>> = {
  'openai-embeddings': openaiEmbeddingsCodec,
  'cohere-embeddings': cohereEmbeddingsCodec,
  'gemini-embeddings': geminiEmbeddingsCodec,
  'vertex-embeddings': vertexEmbeddingsCodec,
  'bedrock-embeddings': bedrockEmbeddingsCodec,
};

const RERANK_CODECS: Table<CallCodec<RerankRequest, RerankResponse>> = {
  'cohere-rerank': cohereRerankCodec,
  'jina-rerank': jinaRerankCodec,
  'bedrock-rerank': bedrockRerankCodec,
};

const COUNT_CODECS: Table<CallCodec<CountRequest, CountResponse>> = {
  'gemini-count-tokens': geminiCountTokensCodec,
  'vertex-count-tokens': vertexCountTokensCodec,
  'anthropic-count-tokens': anthropicCountTokensCodec,
};

export const codecFor = (protocol: WireProtocolId): Codec | undefined => CODECS[protocol];

/** A client's call and a provider's protocol that mean the same kind of thing: both are in the same one of these tables. */
type AnyCallCodec = CallCodec<unknown, unknown>;

export function callCodecs(
  client: WireProtocolId,
  provider: WireProtocolId,
): { readonly from: AnyCallCodec; readonly to: AnyCallCodec } | undefined {
  for (const table of [EMBED_CODECS, RERANK_CODECS, COUNT_CODECS] as readonly Table<AnyCallCodec>[]) {
    const [from, to] = [table[client], table[provider]];
    if (from !== undefined && to !== undefined) return { from, to };
  }
  return undefined;
}

/** Whether a client of one protocol can be served by a provider that speaks another. */
export const canTranslate = (client: WireProtocolId, provider: WireProtocolId): boolean =>
  (codecFor(client) !== undefined && codecFor(provider) !== undefined) || callCodecs(client, provider) !== undefined;
