/** Google's countTokens (ai.google.dev/api/tokens): contents alone or, under `generateContentRequest`, a whole question, answered by its size. Vertex takes the question as it is. */
import { isJsonObject, type JsonObject } from '../../core/json.ts';
import type { CountRequest, CountResponse } from '../../canonical/call.ts';
import { Fields, ownMembers, understood } from '../fields.ts';
import { modelPath } from '../gemini/names.ts';
import { decodeRequest as decodeQuestion } from '../gemini/request-decode.ts';
import { encodeRequest as encodeQuestion } from '../gemini/request-encode.ts';
import { spelled } from '../gemini/spelling.ts';
import { tokenCount } from '../openai-chat/usage.ts';
import type { CallCodec, Encoded, EncodeTarget } from '../protocol.ts';

const PROTOCOL = 'gemini-count-tokens';

/** The wrapper is kept as it came, so that a client's own request is written again in its form. */
export function decodeRequest(value: JsonObject): CountRequest {
  const body = new Fields(value, '');
  const wrapped = body.object(spelled(body, 'generateContentRequest'));
  if (wrapped === undefined) {
    const conversation = decodeQuestion(value);
    return { source: PROTOCOL, model: conversation.model, conversation };
  }
  const { extensions, ...conversation } = decodeQuestion(wrapped);
  const form = { [PROTOCOL]: { members: value, lost: [] } };
  return { source: PROTOCOL, model: conversation.model, conversation: { ...conversation, extensions: { ...extensions, ...form } } };
}

/** Sampling says nothing of a question's size. */
export const sizeOf = (question: JsonObject): JsonObject => ({ ...question, generationConfig: undefined, serviceTier: undefined });

/** The wrapper as it came, but for the model that it names. */
const renamed = (own: JsonObject, model: string): JsonObject =>
  Object.fromEntries(
    Object.entries(own).map(([name, value]) => [name, isJsonObject(value) && value['model'] !== undefined ? { ...value, model } : value]),
  );

function encodeRequest({ source, conversation }: CountRequest, target: EncodeTarget): Encoded {
  const { body, dropped } = encodeQuestion(conversation, target);
  const model = modelPath(target.model);
  if (source !== PROTOCOL) return { body: { generateContentRequest: { model, ...sizeOf(body) } }, dropped };
  const own = ownMembers(conversation.extensions, PROTOCOL);
  return { body: own === undefined ? body : renamed(own, model), dropped };
}

export function decodeResponse(value: JsonObject): CountResponse {
  const body = new Fields(value, '');
  // A number that is 0 is not written at all.
  const total = body.number('totalTokens');
  const cached = body.number('cachedContentTokenCount');
  return {
    inputTokens: tokenCount(total),
    cachedInputTokens: cached === undefined ? undefined : tokenCount(cached),
    extensions: body.extensions(PROTOCOL),
  };
}

export const encodeResponse = ({ inputTokens, cachedInputTokens, extensions }: CountResponse): JsonObject => ({
  totalTokens: inputTokens,
  cachedContentTokenCount: cachedInputTokens,
  ...ownMembers(extensions, PROTOCOL),
});

export const geminiCountTokensCodec = {
  protocol: PROTOCOL,
  decodeRequest: (body) => understood(() => decodeRequest(body)),
  encodeRequest,
  decodeResponse: (body) => understood(() => decodeResponse(body)),
  encodeResponse,
} as const satisfies CallCodec<CountRequest, CountResponse>;
