/** OpenAI's Responses API (developers.openai.com/api/reference/responses), as OpenAI and those that copied it speak it. */
import { understood } from '../fields.ts';
import type { Codec } from '../protocol.ts';
import { PROTOCOL } from './names.ts';
import { decodeRequest } from './request-decode.ts';
import { encodeRequest } from './request-encode.ts';
import { decodeResponse, encodeResponse } from './response.ts';
import { streamDecoder } from './stream-decode.ts';
import { streamEncoder } from './stream-encode.ts';

export const openaiResponsesCodec = {
  protocol: PROTOCOL,
  decodeRequest: (body) => understood(() => decodeRequest(body)),
  encodeRequest,
  decodeResponse: (body) => understood(() => decodeResponse(body)),
  encodeResponse,
  streamDecoder,
  streamEncoder,
} as const satisfies Codec;
