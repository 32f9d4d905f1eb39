import type { JsonObject } from '../../core/json.ts';
import type { TokenUsage } from '../../core/usage.ts';
import type { CanonicalEvent, PartHead, PartStartEvent, StartEvent } from '../../canonical/event.ts';
import type { Citation } from '../../canonical/part.ts';
import type { Finish } from '../../canonical/response.ts';
import type { AnswerContext, SseEvent, StreamEncoder } from '../protocol.ts';
import { encodeAnswerPart } from './answer-encode.ts';
import { encodeCitations, type Placed } from './citations.ts';
import { geminiErrors } from './errors.ts';
import { blockReasonOf, encodeFinish } from './finish.ts';
import { encodeLogprobs } from './logprobs.ts';
import { PROTOCOL } from './names.ts';
import { bareSignature, signForClient, takesSignature } from './signature.ts';
import { timeOf } from './response.ts';
import { encodeUsage, tierWord } from './usage.ts';

/** Citations of a choice, newest first. */
interface Cited {
  readonly citation: Citation;
  /** Where the part begins that it stands on. */
  readonly start: number;
  readonly before: Cited | undefined;
}

interface ChoiceState {
  readonly index: number;
  readonly head: PartHead | undefined;
  /** A call's arguments so far: it is sent whole when they are. */
  readonly args: string;
  /** Its words so far, and how many there were when the open part began. */
  readonly text: string;
  readonly start: number;
  /** A signature that waits for the part that it signs. */
  readonly pending: string | undefined;
  /** Of other protocols: sent at the end, when it is known how far they reach. */
  readonly cited: Cited | undefined;
  /** Gemini's own: sent together with the next word. */
  readonly citedHere: Cited | undefined;
  readonly hasRefusal: boolean;
  /** Sent with the last chunk, as Gemini does. */
  readonly finish: Finish | undefined;
}

export interface EncodeState {
  readonly context: AnswerContext;
  readonly started: StartEvent | undefined;
  /** The members that every chunk repeats. */
  readonly tail: JsonObject;
  readonly choices: readonly ChoiceState[];
  readonly usage: TokenUsage | undefined;
}

type Step = readonly [EncodeState, readonly SseEvent[]];

const NONE: readonly SseEvent[] = [];

const choiceOf = (state: EncodeState, index: number): ChoiceState =>
  state.choices.find((choice) => choice.index === index) ?? {
    index,
    head: undefined,
    args: '',
    text: '',
    start: 0,
    pending: undefined,
    cited: undefined,
    citedHere: undefined,
    hasRefusal: false,
    finish: undefined,
  };

function put(state: EncodeState, choice: ChoiceState): EncodeState {
  const at = state.choices.findIndex(({ index }) => index === choice.index);
  return { ...state, choices: at === -1 ? [...state.choices, choice] : state.choices.with(at, choice) };
}

const chunk = (state: EncodeState, members: JsonObject): SseEvent => ({ data: JSON.stringify({ ...state.tail, ...members }) });

const candidate = (choice: ChoiceState, members: JsonObject): JsonObject => ({
  ...members,
  index: choice.index === 0 ? undefined : choice.index,
});

const say = (state: EncodeState, choice: ChoiceState, parts: readonly JsonObject[]): SseEvent =>
  chunk(state, { candidates: [candidate(choice, { content: { parts, role: 'model' } })] });

/** A part that takes the signature that waits for it. */
function saySigned(state: EncodeState, choice: ChoiceState, part: JsonObject): Step {
  if (choice.pending === undefined) return [put(state, choice), [say(state, choice, [part])]];
  const said = say(state, choice, [{ ...part, thoughtSignature: choice.pending }]);
  return [put(state, { ...choice, pending: undefined }), [said]];
}

function start(state: EncodeState, event: StartEvent): Step {
  const { id, model, created, serviceTier } = event;
  const tail = {
    usageMetadata: serviceTier === undefined ? undefined : { serviceTier: tierWord(serviceTier) },
    modelVersion: model || undefined,
    createTime: timeOf(created),
    responseId: id || undefined,
  };
  return [{ ...state, started: event, tail }, NONE];
}

/** What has its signature elsewhere leaves the one that waits on an empty text. */
function partStart(state: EncodeState, { choice: index, head }: PartStartEvent): Step {
  const before = choiceOf(state, index);
  const isRefusal = head.type === 'refusal';
  const choice = { ...before, head, args: '', start: before.text.length, hasRefusal: before.hasRefusal || isRefusal };
  if (head.type === 'redacted_thinking') return redacted(state, choice, signForClient(head.data, head.format));
  const part = wholePart(head);
  const stands = choice.pending !== undefined && !takesSignature(head) && (head.type === 'thinking' || part !== undefined);
  const first = stands && choice.pending !== undefined ? [say(state, choice, [bareSignature(choice.pending)])] : NONE;
  const kept = stands ? { ...choice, pending: undefined } : choice;
  if (part === undefined) return [put(state, kept), first];
  const [after, said] = saySigned(state, kept, part);
  return [after, [...first, ...said]];
}

function redacted(state: EncodeState, choice: ChoiceState, signature: string | undefined): Step {
  if (signature === undefined) return [put(state, choice), NONE];
  const first = choice.pending === undefined ? NONE : [say(state, choice, [bareSignature(choice.pending)])];
  return [put(state, { ...choice, pending: signature }), first];
}

/** A part that is whole in its head; undefined: it comes in deltas, or has no place here. */
const wholePart = (head: PartHead): JsonObject | undefined =>
  head.type === 'image' || head.type === 'audio' || head.type === 'file' || head.type === 'other' ? encodeAnswerPart(head) : undefined;

/** A refusal's words do not count where citations are placed. */
function words(state: EncodeState, index: number, text: string, isRefusal: boolean): Step {
  const choice = choiceOf(state, index);
  return saySigned(state, isRefusal ? choice : { ...choice, text: choice.text + text }, { text });
}

const thinking = (state: EncodeState, index: number, part: JsonObject): Step => [
  state,
  [say(state, choiceOf(state, index), [{ ...part, thought: true }])],
];

function signature(state: EncodeState, event: Extract<CanonicalEvent, { type: 'signature' }>): Step {
  const thoughtSignature = signForClient(event.signature, event.format);
  return thoughtSignature === undefined ? [state, NONE] : thinking(state, event.choice, { text: '', thoughtSignature });
}

function callArguments(state: EncodeState, index: number, text: string): Step {
  const choice = choiceOf(state, index);
  return [put(state, { ...choice, args: choice.args + text }), NONE];
}

function citation(state: EncodeState, index: number, cited: Citation): Step {
  const choice = choiceOf(state, index);
  const { start: from, citedHere, cited: others } = choice;
  const grown =
    cited.protocol === PROTOCOL
      ? { ...choice, citedHere: { citation: cited, start: from, before: citedHere } }
      : { ...choice, cited: { citation: cited, start: from, before: others } };
  return [put(state, grown), NONE];
}

/** Sends what the choice cited, before anything else is said of it. */
function flushed(state: EncodeState, choice: ChoiceState): Step {
  if (choice.citedHere === undefined) return [state, NONE];
  const members = encodeCitations(placedIn(choice.citedHere, choice.text), choice.text);
  return [put(state, { ...choice, citedHere: undefined }), [chunk(state, { candidates: [candidate(choice, members)] })]];
}

function partEnd(state: EncodeState, index: number): Step {
  const choice = choiceOf(state, index);
  const { head, args } = choice;
  const closed = { ...choice, head: undefined, args: '' };
  if (head?.type !== 'tool_call') return [put(state, closed), NONE];
  const call = encodeAnswerPart({ ...head, arguments: args });
  return call === undefined ? [put(state, closed), NONE] : saySigned(state, closed, call);
}

/** A citation without offsets stands on its part, as far as the next one that was cited or the end. */
function placedIn(cited: Cited | undefined, text: string): readonly Placed[] {
  const placed: Placed[] = [];
  let [end, from] = [text.length, -1];
  for (let at = cited; at !== undefined; at = at.before) {
    if (from !== -1 && at.start !== from) end = from;
    from = at.start;
    placed.push({ citation: at.citation, start: at.start, end });
  }
  return placed.reverse();
}

/** The end of a candidate. A client of this protocol takes a stream without a reason for a cut one. */
function lastOf(choice: ChoiceState): JsonObject {
  const { pending, finish, hasRefusal } = choice;
  return candidate(choice, {
    content: pending === undefined ? undefined : { parts: [bareSignature(pending)], role: 'model' },
    finishReason: finish === undefined ? 'STOP' : encodeFinish(finish, hasRefusal),
    ...encodeCitations(placedIn(choice.cited, choice.text), choice.text),
  });
}

function end(state: EncodeState): Step {
  const { choices, usage, started } = state;
  const blocked = choices.map(({ finish }) => blockReasonOf(finish)).find((reason) => reason !== undefined);
  const open = choices.filter(({ finish }) => blockReasonOf(finish) === undefined);
  const members = {
    candidates: open.length === 0 ? undefined : open.map(lastOf),
    promptFeedback: blocked === undefined ? undefined : { blockReason: blocked },
    ...(usage === undefined ? {} : { usageMetadata: encodeUsage(usage, started?.serviceTier) }),
  };
  return [state, [chunk(state, members)]];
}

const failure = (state: EncodeState, { kind, code, message }: Extract<CanonicalEvent, { type: 'error' }>): readonly SseEvent[] =>
  geminiErrors.encodeStreamError({ status: 502, kind, code, message, param: null }, state.context.requestId);

function step(before: EncodeState, event: CanonicalEvent): Step {
  if (event.type === 'citation' || !('choice' in event)) return sayOne(before, event);
  const [state, first] = flushed(before, choiceOf(before, event.choice));
  const [after, said] = sayOne(state, event);
  return first.length === 0 ? [after, said] : [after, [...first, ...said]];
}

function sayOne(state: EncodeState, event: CanonicalEvent): Step {
  switch (event.type) {
    case 'start':
      return start(state, event);
    case 'part_start':
      return partStart(state, event);
    case 'text_delta':
      return words(state, event.choice, event.text, false);
    case 'refusal_delta':
      return words(state, event.choice, event.text, true);
    case 'thinking_delta':
      return thinking(state, event.choice, { text: event.text });
    case 'signature':
      return signature(state, event);
    case 'arguments_delta':
      return callArguments(state, event.choice, event.text);
    case 'citation':
      return citation(state, event.choice, event.citation);
    case 'part_end':
      return partEnd(state, event.choice);
    case 'logprobs': {
      const choice = choiceOf(state, event.choice);
      return [state, [chunk(state, { candidates: [candidate(choice, { logprobsResult: encodeLogprobs(event.logprobs) })] })]];
    }
    case 'usage':
      return [{ ...state, usage: event.usage }, NONE];
    case 'finish':
      return [put(state, { ...choiceOf(state, event.choice), finish: event.finish }), NONE];
    case 'error':
      return [state, failure(state, event)];
    case 'end':
      return end(state);
    // Deltas of parts that only another protocol has.
    case 'other_delta':
      return [state, NONE];
  }
}

export const streamEncoder: StreamEncoder<EncodeState> = {
  start: (context) => ({ context, started: undefined, tail: {}, choices: [], usage: undefined }),
  step,
};
