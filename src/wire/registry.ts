/**
 * Wire protocols: one folder each, all behind the same contracts (`protocol.ts`). The gateway asks here for what it needs to pass a protocol's bytes
 * through, to say an error in it, or to translate it. Adding a protocol is a folder and a line in each table.
 */
import { anthropicMessagesCodec } from './anthropic-messages/codec.ts';
import { NATIVE } from './native.ts';
import { openaiChatCodec } from './openai-chat/codec.ts';
import type { Codec, ErrorCodec, PassThrough, WireProtocolId } from './protocol.ts';

/** Protocols without a codec are not translated: their requests reach only providers that speak them. */
const CODECS: Readonly<Partial<Record<WireProtocolId, Codec>>> = {
  'openai-chat': openaiChatCodec,
  'anthropic-messages': anthropicMessagesCodec,
};

export const codecFor = (protocol: WireProtocolId): Codec | undefined => CODECS[protocol];
export const errorCodecFor = (protocol: WireProtocolId): ErrorCodec => NATIVE[protocol].errors;
export const passThroughFor = (protocol: WireProtocolId): PassThrough => NATIVE[protocol].passThrough;
