import type { JsonObject } from '../../core/json.ts';
import type { CanonicalResponse, Choice } from '../../canonical/response.ts';
import { Fields, ownMembers } from '../fields.ts';
import type { AnswerContext } from '../protocol.ts';
import { encodeCitations } from './citations.ts';
import { decodeAssistant, isPlan } from './content-decode.ts';
import { encodeToolCall, sortAssistant } from './content-encode.ts';
import { decodeFinish, encodeFinish } from './finish.ts';
import { decodeLogprobs, encodeLogprobs } from './logprobs.ts';
import { PROTOCOL } from './names.ts';
import { cohereUsage, encodeUsage } from './usage.ts';

/** `usage` and `logprobs` stay in the extension too: what is billed, and the numbers of tokens, are Cohere's own. */
export function decodeResponse(value: JsonObject): CanonicalResponse {
  const body = new Fields(value, '');
  const message = body.fields('message') ?? body.missing('message', 'an object');
  const parts = decodeAssistant(message);
  message.value('role');
  if (typeof message.peek('content') === 'string') message.respell('content');
  const raw = body.string('finish_reason');
  const choice: Choice = {
    index: 0,
    parts,
    finish: raw === undefined ? undefined : decodeFinish(raw),
    logprobs: decodeLogprobs(body.peek('logprobs')),
    messageExtensions: message.extensions(PROTOCOL),
  };
  const response = { id: body.string('id') ?? '', model: '', choices: [choice], usage: cohereUsage(body.peek('usage')) };
  return { ...response, extensions: body.extensions(PROTOCOL) };
}

/** Items of `content` are what was said; images, sound and what only another protocol has are left out. */
function encodeMessage(choice: Choice, context: AnswerContext): JsonObject {
  const { spoken, contents, plan, calls } = sortAssistant(choice.parts, isPlan);
  const content = spoken.flatMap((part): readonly JsonObject[] => {
    if (part.type === 'other') return part.protocol === PROTOCOL ? [part.value as JsonObject] : [];
    const own = 'extensions' in part ? ownMembers(part.extensions, PROTOCOL) : undefined;
    if (part.type === 'thinking') return [{ type: 'thinking', thinking: part.text, ...own }];
    return part.type === 'text' || part.type === 'refusal' ? [{ type: 'text', text: part.text, ...own }] : [];
  });
  return {
    role: 'assistant',
    content: content.length === 0 ? undefined : content,
    tool_plan: plan,
    tool_calls: calls.length === 0 ? undefined : calls.map((call, index) => encodeToolCall(call, `call_${context.requestId}_${index}`)),
    citations: encodeCitations(choice.parts, contents),
    ...ownMembers(choice.messageExtensions, PROTOCOL),
  };
}

/** The first choice: an answer has only one here. */
export function encodeResponse(response: CanonicalResponse, context: AnswerContext): JsonObject {
  const choice = response.choices[0] ?? { index: 0, parts: [] };
  return {
    id: response.id === '' ? context.requestId : response.id,
    message: encodeMessage(choice, context),
    finish_reason: choice.finish === undefined ? undefined : encodeFinish(choice.finish),
    logprobs: choice.logprobs === undefined ? undefined : encodeLogprobs(choice.logprobs),
    usage: response.usage === undefined ? undefined : encodeUsage(response.usage),
    ...ownMembers(response.extensions, PROTOCOL),
  };
}
