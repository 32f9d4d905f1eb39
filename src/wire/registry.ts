/**
 * Wire protocols: one folder each, all behind the same contracts (`protocol.ts`). Here are those that can be translated; what every protocol has, translated
 * or not, is in `native.ts`. Adding a protocol is a folder and a line in each table.
 */
import { anthropicMessagesCodec } from './anthropic-messages/codec.ts';
import { openaiChatCodec } from './openai-chat/codec.ts';
import type { Codec, WireProtocolId } from './protocol.ts';

/** A protocol without a codec reaches only providers that speak it. */
const CODECS: Readonly<Partial<Record<WireProtocolId, Codec>>> = {
  'openai-chat': openaiChatCodec,
  'anthropic-messages': anthropicMessagesCodec,
};

export const codecFor = (protocol: WireProtocolId): Codec | undefined => CODECS[protocol];
