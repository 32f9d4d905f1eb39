import { isJsonObject, type JsonObject } from '../../core/json.ts';
import { NO_USAGE } from '../../core/usage.ts';
import type { Part } from '../../canonical/part.ts';
import type { CanonicalResponse } from '../../canonical/response.ts';
import { Fields, ownMembers } from '../fields.ts';
import type { AnswerContext } from '../protocol.ts';
import { decodeBlock } from './content-decode.ts';
import { encodeAnswer } from './answer-encode.ts';
import { decodeFinish, encodeFinish } from './finish.ts';
import { PROTOCOL } from './names.ts';
import { encodeUsage } from './usage-encode.ts';
import { anthropicUsage } from './usage.ts';

/** OpenAI calls the standard tier `default`. */
export function serviceTierOf(usage: unknown): string | undefined {
  const tier = isJsonObject(usage) ? usage['service_tier'] : undefined;
  return typeof tier !== 'string' ? undefined : tier === 'standard' ? 'default' : tier;
}

/** `usage` stays in the extension too: it says more than is counted. */
export function decodeResponse(value: JsonObject): CanonicalResponse {
  const body = new Fields(value, '');
  const usage = body.peek('usage');
  const parts = body.requiredArray('content').map((block, index) => decodeBlock(block, `content[${index}]`));
  const raw = body.string('stop_reason');
  const stopSequence = body.string('stop_sequence');
  const finish = raw === undefined ? undefined : decodeFinish(raw, stopSequence);
  const response = {
    id: body.string('id') ?? '',
    model: body.string('model') ?? '',
    choices: [{ index: 0, parts, finish }],
    usage: anthropicUsage(usage),
    serviceTier: serviceTierOf(usage),
  };
  return { ...response, extensions: body.extensions(PROTOCOL) };
}

/** The first choice: an answer has only one here. */
export function encodeResponse(response: CanonicalResponse, context: AnswerContext): JsonObject {
  const parts: readonly Part[] = response.choices[0]?.parts ?? [];
  const finish = response.choices[0]?.finish;
  const hasRefusal = parts.some((part) => part.type === 'refusal');
  return {
    id: response.id === '' ? `msg_${context.requestId}` : response.id,
    type: 'message',
    role: 'assistant',
    model: response.model === '' ? context.model : response.model,
    content: encodeAnswer(parts, context),
    stop_reason: finish === undefined ? null : encodeFinish(finish, hasRefusal),
    stop_sequence: finish?.stopSequence ?? null,
    usage: encodeUsage(response.usage ?? NO_USAGE),
    ...ownMembers(response.extensions, PROTOCOL),
  };
}
