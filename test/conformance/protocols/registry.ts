import { WIRE_PROTOCOLS, type WireProtocolId } from '../../../src/wire/protocol.ts';
import { anthropicMessages } from './anthropic-messages.ts';
import { bedrockConverse } from './bedrock-converse.ts';
import { cohereChat } from './cohere-chat.ts';
import { gemini } from './gemini.ts';
import { mistralChat } from './mistral-chat.ts';
import { ollamaChat } from './ollama-chat.ts';
import { openaiChat } from './openai-chat.ts';
import { openaiResponses } from './openai-responses.ts';
import type { ConformingProtocol } from './protocol.ts';

/** Every protocol of conversations that the suite holds to recorded traffic. A protocol is added with one import and one entry, once its codec is registered. */
const REGISTERED: readonly ConformingProtocol[] = [
  bedrockConverse,
  cohereChat,
  gemini,
  mistralChat,
  ollamaChat,
  openaiChat,
  openaiResponses,
  anthropicMessages,
];

/** In the product's own order, so that pages made from them do not depend on the order of registration. */
export const PROTOCOLS: readonly ConformingProtocol[] = REGISTERED.toSorted(
  ({ id: one }, { id: other }) => WIRE_PROTOCOLS.indexOf(one) - WIRE_PROTOCOLS.indexOf(other),
);

/** Those whose official clients read our translations; of the others only providers speak. */
const CLIENT_IDS: ReadonlySet<WireProtocolId> = new Set(['openai-chat', 'openai-responses', 'anthropic-messages', 'gemini']);
export const CLIENT_PROTOCOLS: readonly ConformingProtocol[] = PROTOCOLS.filter(({ id }) => CLIENT_IDS.has(id));
