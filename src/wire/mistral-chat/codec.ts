/** Mistral’s chat completions (docs.mistral.ai/api/endpoint/chat): OpenAI’s shape with content, reasoning and choices of tools of its own. */
import { understood } from '../fields.ts';
import type { Codec } from '../protocol.ts';
import { PROTOCOL } from './names.ts';
import { decodeRequest } from './request-decode.ts';
import { encodeRequest } from './request-encode.ts';
import { decodeResponse, encodeResponse } from './response.ts';
import { streamDecoder } from './stream-decode.ts';
import { streamEncoder } from './stream-encode.ts';

export const mistralChatCodec = {
  protocol: PROTOCOL,
  decodeRequest: (body) => understood(() => decodeRequest(body)),
  encodeRequest,
  decodeResponse: (body) => understood(() => decodeResponse(body)),
  encodeResponse,
  streamDecoder,
  streamEncoder,
} as const satisfies Codec;
