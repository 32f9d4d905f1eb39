/** Vertex AI's countTokens: the question itself, without the wrapper of the Gemini API, and the same answer. */
import type { CountRequest, CountResponse } from '../../canonical/call.ts';
import { understood } from '../fields.ts';
import { encodeRequest as encodeQuestion } from '../gemini/request-encode.ts';
import { decodeRequest, decodeResponse, encodeResponse, sizeOf } from '../gemini-count-tokens/codec.ts';
import type { CallCodec, Encoded, EncodeTarget } from '../protocol.ts';

const PROTOCOL = 'vertex-count-tokens';

function encodeRequest({ source, conversation }: CountRequest, target: EncodeTarget): Encoded {
  const { body, dropped } = encodeQuestion(conversation, target);
  return { body: source === PROTOCOL ? body : sizeOf(body), dropped };
}

export const vertexCountTokensCodec = {
  protocol: PROTOCOL,
  decodeRequest: (body) => understood(() => ({ ...decodeRequest(body), source: PROTOCOL })),
  encodeRequest,
  decodeResponse: (body) => understood(() => decodeResponse(body)),
  encodeResponse,
} as const satisfies CallCodec<CountRequest, CountResponse>;
