import type { Json, JsonObject } from '../../core/json.ts';
import type { Part, ToolCallPart } from '../../canonical/part.ts';
import type { CanonicalResponse, Choice } from '../../canonical/response.ts';
import { FieldFault, Fields, ownMembers } from '../fields.ts';
import type { AnswerContext } from '../protocol.ts';
import { encodeAnnotations } from './annotations.ts';
import { decodeAssistant } from './content-decode.ts';
import { encodeToolCall } from './content-encode.ts';
import { decodeFinish, encodeFinish } from './finish.ts';
import { PROTOCOL } from './names.ts';
import { encodeReasoning, REASONING_FIELDS } from './reasoning.ts';
import { encodeUsage } from './usage-encode.ts';
import { openaiUsage } from './usage.ts';

function decodeChoice(value: Json, path: string): Choice {
  const choice = new Fields(value, path);
  const message = choice.fields('message') ?? choice.missing('message', 'an object');
  const parts = decodeAssistant(message);
  message.value('role');
  const raw = choice.string('finish_reason');
  const hasToolCalls = parts.some((part) => part.type === 'tool_call');
  return {
    index: choice.number('index') ?? 0,
    parts,
    finish: raw === undefined ? undefined : decodeFinish(raw, hasToolCalls),
    logprobs: choice.object('logprobs'),
    messageExtensions: message.extensions(PROTOCOL),
    extensions: choice.extensions(PROTOCOL),
  };
}

/** `usage` stays in the extension too: providers say more in it than is counted. */
export function decodeResponse(value: JsonObject): CanonicalResponse {
  const body = new Fields(value, '');
  if (body.peek('choices') === undefined) throw new FieldFault('choices', 'must be a list, but is missing');
  const usage = openaiUsage(body.peek('usage'));
  const serviceTier = body.peek('service_tier');
  if (body.peek('id') === '') body.respell('id');
  const response = {
    id: body.string('id') ?? '',
    model: body.string('model') ?? '',
    created: body.number('created'),
    choices: body.requiredArray('choices').map((choice, index) => decodeChoice(choice, `choices[${index}]`)),
    usage,
    serviceTier: typeof serviceTier === 'string' && serviceTier !== '' ? serviceTier : undefined,
  };
  return { ...response, extensions: body.extensions(PROTOCOL) };
}

const textOf = (parts: readonly Part[]): string | null => {
  const texts = parts.filter((part) => part.type === 'text');
  return texts.length === 0 ? null : texts.map((part) => part.text).join('');
};

/** Parts of other protocols that have no words here (a server tool's call and result) are left out of the answer. */
function encodeMessage(choice: Choice, context: AnswerContext): JsonObject {
  const { parts } = choice;
  const own = ownMembers(choice.messageExtensions, PROTOCOL);
  const calls = parts.filter((part): part is ToolCallPart => part.type === 'tool_call');
  const refusal = parts.find((part) => part.type === 'refusal');
  const reasoning = own !== undefined && REASONING_FIELDS.some((name) => name in own) ? {} : encodeReasoning(parts);
  return {
    role: 'assistant',
    content: textOf(parts),
    refusal: refusal?.text ?? null,
    ...reasoning,
    tool_calls: calls.length === 0 ? undefined : calls.map((call, index) => encodeToolCall(call, `call_${context.requestId}_${index}`)),
    annotations: encodeAnnotations(parts),
    ...own,
  };
}

const encodeChoice = (choice: Choice, context: AnswerContext): JsonObject => ({
  index: choice.index,
  message: encodeMessage(choice, context),
  logprobs: choice.logprobs ?? null,
  finish_reason: choice.finish === undefined ? null : encodeFinish(choice.finish),
  ...ownMembers(choice.extensions, PROTOCOL),
});

export const encodeResponse = (response: CanonicalResponse, context: AnswerContext): JsonObject => ({
  id: response.id === '' ? `chatcmpl-${context.requestId}` : response.id,
  object: 'chat.completion',
  created: response.created ?? context.created,
  model: response.model === '' ? context.model : response.model,
  choices: response.choices.map((choice) => encodeChoice(choice, context)),
  usage: response.usage === undefined ? undefined : encodeUsage(response.usage),
  service_tier: response.serviceTier,
  ...ownMembers(response.extensions, PROTOCOL),
});
