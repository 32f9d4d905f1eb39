import type { Json, JsonObject } from '../../core/json.ts';
import type { Part, ToolCallPart } from '../../canonical/part.ts';
import type { CanonicalResponse, Choice } from '../../canonical/response.ts';
import { Fields, ownMembers } from '../fields.ts';
import { openaiUsage } from '../openai-chat/usage.ts';
import { encodeUsage } from '../openai-chat/usage-encode.ts';
import type { AnswerContext } from '../protocol.ts';
import { decodeAssistant } from './content-decode.ts';
import { asContent, encodeThought, encodeToolCall } from './content-encode.ts';
import { decodeFinish, encodeFinish } from './finish.ts';
import { PROTOCOL } from './names.ts';

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
    messageExtensions: message.extensions(PROTOCOL),
    extensions: choice.extensions(PROTOCOL),
  };
}

/** `usage` stays in the extension too: Mistral says more in it than is counted. */
export function decodeResponse(value: JsonObject): CanonicalResponse {
  const body = new Fields(value, '');
  const response = {
    id: body.string('id') ?? '',
    model: body.string('model') ?? '',
    created: body.number('created'),
    choices: body.requiredArray('choices').map((choice, index) => decodeChoice(choice, `choices[${index}]`)),
    usage: openaiUsage(body.peek('usage')),
  };
  return { ...response, extensions: body.extensions(PROTOCOL) };
}

function encodeChunk(part: Part): JsonObject | undefined {
  switch (part.type) {
    case 'text':
    case 'refusal':
      return { type: 'text', text: part.text, ...ownMembers(part.extensions, PROTOCOL) };
    case 'thinking':
      return { ...encodeThought(part.text), ...ownMembers(part.extensions, PROTOCOL) };
    case 'other':
      return part.protocol === PROTOCOL ? (part.value as JsonObject) : undefined;
    default:
      return undefined;
  }
}

function encodeMessage(choice: Choice, context: AnswerContext): JsonObject {
  const calls = choice.parts.filter((part): part is ToolCallPart => part.type === 'tool_call');
  const chunks = choice.parts.map(encodeChunk).filter((chunk) => chunk !== undefined);
  return {
    role: 'assistant',
    content: chunks.length === 0 ? null : asContent(chunks),
    tool_calls:
      calls.length === 0
        ? undefined
        : calls.map((call, index) => encodeToolCall(call, call.id === '' ? `call_${context.requestId}_${index}` : call.id)),
    ...ownMembers(choice.messageExtensions, PROTOCOL),
  };
}

const encodeChoice = (choice: Choice, context: AnswerContext): JsonObject => ({
  index: choice.index,
  message: encodeMessage(choice, context),
  finish_reason: choice.finish === undefined ? null : encodeFinish(choice.finish),
  ...ownMembers(choice.extensions, PROTOCOL),
});

export const encodeResponse = (response: CanonicalResponse, context: AnswerContext): JsonObject => ({
  id: response.id === '' ? context.requestId : response.id,
  object: 'chat.completion',
  created: response.created ?? context.created,
  model: response.model === '' ? context.model : response.model,
  choices: response.choices.map((choice) => encodeChoice(choice, context)),
  usage: response.usage === undefined ? undefined : encodeUsage(response.usage),
  ...ownMembers(response.extensions, PROTOCOL),
});
