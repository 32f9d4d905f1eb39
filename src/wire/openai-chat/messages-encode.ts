import type { JsonObject } from '../../core/json.ts';
import { ANTHROPIC_SIGNATURE, GEMINI_SIGNATURE, type Part, type ToolCallPart, type ToolResultPart } from '../../canonical/part.ts';
import type { Message } from '../../canonical/request.ts';
import type { Dropped } from '../dropped.ts';
import { asFunctionCall, encodeContent, encodeToolCall } from './content-encode.ts';
import type { ModelTraits } from './models.ts';
import { PROTOCOL } from './names.ts';
import { encodeReasoning, holdsReasoning } from './reasoning.ts';

/** Whether reasoning can be sent to the model: in the vendor's own form if it is signed, as text if nobody signed it. */
function isReadable(part: Part, model: ModelTraits): boolean {
  const isOwn = 'format' in part && part.format !== undefined && part.format === model.signatures && model.details;
  switch (part.type) {
    case 'redacted_thinking':
      return isOwn;
    case 'thinking':
      return isOwn || (part.signature === undefined && part.format !== ANTHROPIC_SIGNATURE);
    default:
      return true;
  }
}

/**
 * Reasoning of earlier turns: sent on in the words of those that copied OpenAI's protocol and want it back. What another vendor signed is
 * worth nothing here and is left out; a signature alone says nothing that could be missed.
 */
function encodeThinking(parts: readonly Part[], dropped: Dropped, model: ModelTraits): JsonObject {
  if (dropped.sourceIs(PROTOCOL)) return encodeReasoning(parts);
  const isLost = (part: Part): boolean => part.type === 'thinking' && part.text !== '' && !isReadable(part, model);
  if (parts.some(isLost)) dropped.field('thinking');
  return encodeReasoning(parts.filter((part) => isReadable(part, model)));
}

/** Pairs of a call and Gemini's signature right before it. */
export const signedCalls = (parts: readonly Part[]): readonly (readonly [ToolCallPart, string | undefined])[] =>
  parts.flatMap((part, index) => {
    if (part.type !== 'tool_call') return [];
    const before = parts[index - 1];
    return [[part, before?.type === 'redacted_thinking' && before.format === GEMINI_SIGNATURE ? before.data : undefined] as const];
  });

function encodeCalls(parts: readonly Part[], dropped: Dropped, model: ModelTraits): readonly JsonObject[] | undefined {
  const isSame = dropped.sourceIs(PROTOCOL);
  const calls = signedCalls(parts).map(([call, signature], index) => {
    if (call.cache !== undefined) dropped.field('cacheMarker');
    dropped.extensions(call.extensions, 'part');
    const written = isSame || model.customTools ? call : asFunctionCall(call);
    return encodeToolCall(written, `call_${index}`, !isSame && model.signatures === GEMINI_SIGNATURE ? signature : undefined);
  });
  return calls.length === 0 ? undefined : calls;
}

const isSpoken = ({ type }: Part): boolean =>
  type === 'text' || type === 'other' || type === 'image' || type === 'file' || type === 'video';

function encodeAssistant(message: Message, dropped: Dropped, model: ModelTraits): JsonObject {
  const { parts } = message;
  const refusal = parts.find((part) => part.type === 'refusal');
  const own = dropped.extensions(message.extensions, 'message');
  // What came in `images` goes back there.
  const spoken = parts.filter((part) => isSpoken(part) && !(part.type === 'image' && own?.['images'] !== undefined));
  if (!dropped.sourceIs(PROTOCOL) && parts.some((part) => part.type === 'audio')) dropped.field('audio');
  const content = encodeContent(spoken, dropped, model);
  const calls = encodeCalls(parts, dropped, model);
  // OpenAI wants content where nothing else is said.
  const hasOther = calls !== undefined || refusal !== undefined || dropped.sourceIs(PROTOCOL);
  const thinking = holdsReasoning(own) ? {} : encodeThinking(parts, dropped, model);
  return {
    role: 'assistant',
    name: message.name,
    content: content.length > 0 || (dropped.sourceIs(PROTOCOL) && spoken.length > 0) ? content : hasOther ? null : '',
    ...thinking,
    refusal: refusal?.text,
    tool_calls: calls,
    ...own,
  };
}

const staysInResult = (part: Part): boolean => part.type === 'text' || part.type === 'other';

/** This protocol's tool messages hold text only: images and files of a result follow in a user message. */
function encodeToolResult(result: ToolResultPart, own: JsonObject | undefined, dropped: Dropped, model: ModelTraits): JsonObject {
  if (result.isError === true) dropped.field('toolResultError');
  if (result.cache !== undefined) dropped.field('cacheMarker');
  dropped.extensions(result.extensions, 'part');
  const parts = dropped.sourceIs(PROTOCOL) ? result.parts : result.parts.filter(staysInResult);
  const content = encodeContent(parts, dropped, model);
  return { role: 'tool', tool_call_id: result.callId, content: content.length === 0 ? '' : content, ...own };
}

/** Where every part of a message had to be left out, an empty text keeps its place. */
function contentOrEmpty(parts: readonly Part[], dropped: Dropped, model: ModelTraits): string | readonly JsonObject[] {
  const content = encodeContent(parts, dropped, model);
  return content.length === 0 && !dropped.sourceIs(PROTOCOL) ? '' : content;
}

/** Messages as they are written. `media` of tool results waits until the last result of a round is said: nothing may stand between a round's results. */
class Conversation {
  readonly #messages: JsonObject[] = [];
  #media: Part[] = [];
  readonly #dropped: Dropped;
  readonly #model: ModelTraits;

  constructor(dropped: Dropped, model: ModelTraits) {
    this.#dropped = dropped;
    this.#model = model;
  }

  /** A user's or tool's message: results first, each as a message of its own, then the rest. */
  #turn(message: Message): void {
    const [dropped, model] = [this.#dropped, this.#model];
    const results = message.parts.filter((part): part is ToolResultPart => part.type === 'tool_result');
    const own = dropped.extensions(message.extensions, 'message');
    if (results.length === 0) {
      this.#flush([]);
      this.#messages.push({ role: message.role, name: message.name, content: contentOrEmpty(message.parts, dropped, model), ...own });
      return;
    }
    for (const result of results) this.#messages.push(encodeToolResult(result, message.role === 'tool' ? own : undefined, dropped, model));
    if (!dropped.sourceIs(PROTOCOL)) this.#hold(results);
    const rest = message.parts.filter((part) => part.type !== 'tool_result');
    if (rest.length > 0) this.#flush(rest);
  }

  #hold(results: readonly ToolResultPart[]): void {
    for (const { parts } of results) for (const part of parts) if (!staysInResult(part)) this.#media.push(part);
  }

  #flush(rest: readonly Part[]): void {
    const content = encodeContent([...this.#media, ...rest], this.#dropped, this.#model);
    this.#media = [];
    if (content.length > 0) this.#messages.push({ role: 'user', content });
  }

  add(message: Message): void {
    if (message.role !== 'assistant') return this.#turn(message);
    this.#flush([]);
    this.#messages.push(encodeAssistant(message, this.#dropped, this.#model));
  }

  end(): readonly JsonObject[] {
    this.#flush([]);
    return this.#messages;
  }
}

export function encodeMessages(messages: readonly Message[], dropped: Dropped, model: ModelTraits): readonly JsonObject[] {
  const conversation = new Conversation(dropped, model);
  for (const message of messages) conversation.add(message);
  return conversation.end();
}
