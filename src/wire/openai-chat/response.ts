import type { Json, JsonObject } from '../../core/json.ts';
import type { AudioPart, ImagePart, Part, ToolCallPart } from '../../canonical/part.ts';
import type { CanonicalResponse, Choice } from '../../canonical/response.ts';
import { FieldFault, Fields, ownMembers } from '../fields.ts';
import type { AnswerContext } from '../protocol.ts';
import { inputOfArguments, isCustomCall } from '../free-text-tool.ts';
import { encodeAnnotations, sourcesOf } from './annotations.ts';
import { encodeAudio } from './audio.ts';
import { decodeAnnotation, decodeAssistant } from './content-decode.ts';
import { encodeToolCall } from './content-encode.ts';
import { decodeFinish, encodeFinish } from './finish.ts';
import { encodeImage } from './images.ts';
import { signedCalls } from './messages-encode.ts';
import { PROTOCOL } from './names.ts';
import { encodeReasoning, holdsReasoning } from './reasoning.ts';
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

/** Sources that stand beside the answer are those of its last text, if it names none of its own. */
function withSources(choice: Choice, sources: readonly JsonObject[]): Choice {
  const last = choice.parts.findLastIndex((part) => part.type === 'text');
  const text = choice.parts[last];
  if (sources.length === 0 || text?.type !== 'text' || text.citations !== undefined) return choice;
  return { ...choice, parts: choice.parts.with(last, { ...text, citations: sources.map(decodeAnnotation) }) };
}

/** `usage` stays in the extension too: providers say more in it than is counted. */
export function decodeResponse(value: JsonObject): CanonicalResponse {
  const body = new Fields(value, '');
  if (body.peek('choices') === undefined) throw new FieldFault('choices', 'must be a list, but is missing');
  const usage = openaiUsage(body.peek('usage'));
  const sources = sourcesOf(value);
  const serviceTier = body.peek('service_tier');
  if (body.peek('id') === '') body.respell('id');
  const response = {
    id: body.string('id') ?? '',
    model: body.string('model') ?? '',
    created: body.number('created'),
    choices: body.requiredArray('choices').map((choice, index) => withSources(decodeChoice(choice, `choices[${index}]`), sources)),
    usage,
    serviceTier: typeof serviceTier === 'string' && serviceTier !== '' ? serviceTier : undefined,
  };
  return { ...response, extensions: body.extensions(PROTOCOL) };
}

const textOf = (parts: readonly Part[]): string | null => {
  const texts = parts.filter((part) => part.type === 'text');
  return texts.length === 0 ? null : texts.map((part) => part.text).join('');
};

/** A call of the function that stood for a client's free-text tool is a call of that tool. */
const asAsked = (call: ToolCallPart, context: AnswerContext): ToolCallPart =>
  call.kind === 'function' && isCustomCall(context, call.name)
    ? { ...call, kind: 'custom', arguments: inputOfArguments(call.arguments) }
    : call;

const encodeCalls = (parts: readonly Part[], context: AnswerContext): readonly JsonObject[] =>
  signedCalls(parts).map(([call, signature], index) =>
    encodeToolCall(asAsked(call, context), `call_${context.requestId}_${index}`, signature),
  );

/** Parts of other protocols that have no words here (a server tool's call and result, a file) are left out of the answer. */
function encodeMessage(choice: Choice, context: AnswerContext): JsonObject {
  const { parts } = choice;
  const own = ownMembers(choice.messageExtensions, PROTOCOL);
  const calls = encodeCalls(parts, context);
  const refusal = parts.find((part) => part.type === 'refusal');
  const images = parts.filter((part): part is ImagePart => part.type === 'image').map(encodeImage);
  const spoken = parts.filter((part): part is AudioPart => part.type === 'audio');
  return {
    role: 'assistant',
    content: textOf(parts),
    refusal: refusal?.text ?? null,
    ...(holdsReasoning(own) ? {} : encodeReasoning(parts)),
    tool_calls: calls.length === 0 ? undefined : calls,
    annotations: encodeAnnotations(parts),
    images: images.length === 0 ? undefined : images.filter((image) => image !== undefined),
    audio: encodeAudio(spoken, `audio_${context.requestId}`, context.created),
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
