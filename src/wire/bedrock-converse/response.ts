import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts';
import { NO_USAGE } from '../../core/usage.ts';
import type { CanonicalResponse } from '../../canonical/response.ts';
import { Fields, ownMembers } from '../fields.ts';
import type { AnswerContext } from '../protocol.ts';
import { encodeAnswer } from './answer-encode.ts';
import { decodeBlocks } from './content-decode.ts';
import { decodeFinish, encodeFinish } from './finish.ts';
import { PROTOCOL } from './names.ts';
import { converseUsage, encodeUsage } from './usage.ts';

/** Anthropic's models tell it to who asks for it (`additionalModelResponseFieldPaths`), in answers and streams at different depths. */
export function stopSequenceOf(added: Json | undefined): string | undefined {
  const fields = isJsonObject(added) ? added : {};
  const delta = isJsonObject(fields['delta']) ? fields['delta'] : {};
  const sequence = fields['stop_sequence'] ?? delta['stop_sequence'];
  return typeof sequence === 'string' ? sequence : undefined;
}

const tierOf = (tier: Json | undefined): string | undefined => {
  const type = isJsonObject(tier) ? tier['type'] : undefined;
  return typeof type === 'string' ? type : undefined;
};

/** `usage` and `serviceTier` stay in the extension too: they say more than is taken from them. An answer names neither itself nor its model. */
export function decodeResponse(value: JsonObject): CanonicalResponse {
  const body = new Fields(value, '');
  const output = body.fields('output') ?? body.missing('output', 'an object');
  const message = output.fields('message') ?? output.missing('message', 'an object');
  const parts = decodeBlocks(message.requiredArray('content'), message.at('content'));
  message.value('role');
  const raw = body.string('stopReason');
  const finish = raw === undefined ? undefined : decodeFinish(raw, stopSequenceOf(body.peek('additionalModelResponseFields')));
  const extensions = output.extensions(PROTOCOL);
  return {
    id: '',
    model: '',
    choices: [{ index: 0, parts, finish, messageExtensions: message.extensions(PROTOCOL), extensions }],
    usage: converseUsage(body.peek('usage')),
    serviceTier: tierOf(body.peek('serviceTier')),
    extensions: body.extensions(PROTOCOL),
  };
}

/** The first choice: an answer has only one here. Metrics are demanded; what the provider took is not known where it does not say. */
export function encodeResponse(response: CanonicalResponse, context: AnswerContext): JsonObject {
  const choice = response.choices[0];
  const parts = choice?.parts ?? [];
  const sequence = choice?.finish?.stopSequence;
  const hasRefusal = parts.some((part) => part.type === 'refusal');
  const message = { role: 'assistant', content: encodeAnswer(parts, context), ...ownMembers(choice?.messageExtensions, PROTOCOL) };
  return {
    output: { message, ...ownMembers(choice?.extensions, PROTOCOL) },
    stopReason: choice?.finish === undefined ? 'end_turn' : encodeFinish(choice.finish, hasRefusal),
    usage: encodeUsage(response.usage ?? NO_USAGE),
    metrics: { latencyMs: 0 },
    additionalModelResponseFields: sequence === undefined ? undefined : { stop_sequence: sequence },
    serviceTier: response.serviceTier === undefined ? undefined : { type: response.serviceTier },
    ...ownMembers(response.extensions, PROTOCOL),
  };
}
