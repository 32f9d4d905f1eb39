import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts';
import type { CanonicalEvent, PartHead } from '../../canonical/event.ts';
import { Fields } from '../fields.ts';
import { answerCallId } from './call-ids.ts';
import { decodeCitations } from './citations.ts';
import { decodePart, decodeThought, isOwn } from './content-decode.ts';
import { decodeFinish, finishWord } from './finish.ts';
import { decodeLogprobs } from './logprobs.ts';
import { PROTOCOL, tagged } from './names.ts';
import { argumentsOf, withPieces, type Pieces } from './partial-arguments.ts';
import { readSignature } from './signature.ts';
import { memberOf } from './spelling.ts';

/** The part that deltas go to. A call whose arguments come in pieces stays open until its last. */
type OpenPart =
  | { readonly kind: 'text'; readonly part: number }
  | { readonly kind: 'thinking'; readonly part: number; readonly signed: boolean }
  | { readonly kind: 'call'; readonly part: number; readonly pieces: Pieces | undefined };

export interface CandidateState {
  readonly index: number;
  readonly responseId: string;
  /** Parts begun so far, and calls among them. */
  readonly parts: number;
  readonly calls: number;
  readonly open: OpenPart | undefined;
  /** Its words so far: citations are placed by their bytes. */
  readonly text: string;
  /** Chunks with citations so far. */
  readonly cited: number;
  /** Held back to the end: older models say it with every chunk. */
  readonly rawFinish: string | undefined;
}

export const newCandidate = (index: number, responseId: string): CandidateState => ({
  index,
  responseId,
  parts: 0,
  calls: 0,
  open: undefined,
  text: '',
  cited: 0,
  rawFinish: undefined,
});

type Events = CanonicalEvent[];

function close(candidate: CandidateState, events: Events): CandidateState {
  const { open, index: choice } = candidate;
  if (open === undefined) return candidate;
  if (open.kind === 'call') events.push({ type: 'arguments_delta', choice, part: open.part, text: argumentsOf(open.pieces) });
  events.push({ type: 'part_end', choice, part: open.part });
  return { ...candidate, open: undefined };
}

function begin(candidate: CandidateState, head: PartHead, events: Events): CandidateState {
  const closed = close(candidate, events);
  events.push({ type: 'part_start', choice: closed.index, part: closed.parts, head });
  return { ...closed, parts: closed.parts + 1 };
}

function whole(candidate: CandidateState, head: PartHead, events: Events): CandidateState {
  const begun = begin(candidate, head, events);
  events.push({ type: 'part_end', choice: begun.index, part: begun.parts - 1 });
  return begun;
}

function openText(candidate: CandidateState, events: Events): CandidateState & { readonly open: OpenPart } {
  if (candidate.open?.kind === 'text') return { ...candidate, open: candidate.open };
  const begun = begin(candidate, { type: 'text' }, events);
  return { ...begun, open: { kind: 'text', part: begun.parts - 1 } };
}

function text(candidate: CandidateState, words: string, events: Events): CandidateState {
  if (words === '') return candidate;
  const opened = openText(candidate, events);
  events.push({ type: 'text_delta', choice: opened.index, part: opened.open.part, text: words });
  return { ...opened, text: opened.text + words };
}

/** A new block begins when the last one was signed. */
function thought(candidate: CandidateState, value: JsonObject, events: Events): CandidateState {
  const decoded = decodeThought(new Fields(value, 'part'));
  if (decoded.type !== 'thinking' || (decoded.text === '' && decoded.signature === undefined)) return candidate;
  const { open: before } = candidate;
  const goesOn = before?.kind === 'thinking' && !before.signed;
  const begun = goesOn ? candidate : begin(candidate, { type: 'thinking' }, events);
  const part = goesOn ? before.part : begun.parts - 1;
  const { index: choice } = begun;
  if (decoded.text !== '') events.push({ type: 'thinking_delta', choice, part, text: decoded.text });
  if (decoded.signature !== undefined)
    events.push({ type: 'signature', choice, part, signature: decoded.signature, format: decoded.format });
  return { ...begun, open: { kind: 'thinking', part, signed: decoded.signature !== undefined } };
}

/** A piece of a call that is open, or its end. */
function callPiece(candidate: CandidateState, call: JsonObject, events: Events): CandidateState {
  const { open } = candidate;
  if (open?.kind !== 'call') return candidate;
  const pieces = withPieces(open.pieces, call['partialArgs']);
  const grown: CandidateState = { ...candidate, open: { ...open, pieces } };
  return call['willContinue'] === true ? grown : close(grown, events);
}

function call(candidate: CandidateState, member: JsonObject, events: Events): CandidateState {
  const { name, id, args, willContinue } = member;
  if (typeof name !== 'string' || name === '') return callPiece(candidate, member, events);
  const calls = candidate.calls + 1;
  const callId = typeof id === 'string' && id !== '' ? id : answerCallId(candidate.responseId, candidate.index, calls);
  const begun = { ...begin(candidate, { type: 'tool_call', id: callId, name, kind: 'function' }, events), calls };
  const part = begun.parts - 1;
  const pieces = withPieces(undefined, member['partialArgs']);
  if (willContinue === true || pieces !== undefined) {
    const opened: CandidateState = { ...begun, open: { kind: 'call', part, pieces } };
    return willContinue === true ? opened : close(opened, events);
  }
  events.push({ type: 'arguments_delta', choice: begun.index, part, text: JSON.stringify(isJsonObject(args) ? args : {}) });
  events.push({ type: 'part_end', choice: begun.index, part });
  return begun;
}

const NO_CALLS = { called: (): string => '' };

/** A part without deltas. Films have no head in a stream and stay Google's own. */
function headOf(value: JsonObject): PartHead {
  const [part] = decodePart(value, 'part', NO_CALLS);
  return part?.type === 'image' || part?.type === 'audio' || part?.type === 'file'
    ? part
    : { type: 'other', protocol: PROTOCOL, value: tagged(value) };
}

function signature(candidate: CandidateState, value: JsonObject, events: Events): CandidateState {
  const signed = memberOf(value, 'thoughtSignature');
  if (typeof signed !== 'string' || signed === '') return candidate;
  return whole(candidate, { type: 'redacted_thinking', ...readSignature(signed) }, events);
}

function onePart(candidate: CandidateState, value: JsonObject, events: Events): CandidateState {
  if (Object.keys(value).length === 0) return candidate;
  if (isOwn(value)) return whole(candidate, headOf(value), events);
  if (value['thought'] === true) return thought(candidate, value, events);
  const signed = signature(candidate, value, events);
  const member = memberOf(value, 'functionCall');
  if (isJsonObject(member)) return call(signed, member, events);
  if (typeof value['text'] === 'string') return text(signed, value['text'], events);
  const { thoughtSignature: _signature, ...unsigned } = value;
  return whole(signed, headOf(unsigned), events);
}

/** Placing citations takes a look at the whole text. Gemini cites a few times in an answer; who does so with every word is not followed. */
const MOST_PLACED = 64;

/** Citations hang on the text that is open; where none is, on one without words. */
function cite(candidate: CandidateState, chunk: JsonObject, events: Events): CandidateState {
  const citations = decodeCitations(chunk, candidate.cited < MOST_PLACED ? candidate.text : undefined);
  if (citations.length === 0) return candidate;
  const opened = openText({ ...candidate, cited: candidate.cited + 1 }, events);
  for (const citation of citations) events.push({ type: 'citation', choice: opened.index, part: opened.open.part, citation });
  return opened;
}

/** A signature alone, which ends the text that the chunk's citations belong to. */
const isBareSignature = (value: JsonObject): boolean => value['text'] === '' && memberOf(value, 'thoughtSignature') !== undefined;

function partsOf(chunk: JsonObject): readonly JsonObject[] {
  const parts = isJsonObject(chunk['content']) ? chunk['content']['parts'] : undefined;
  return Array.isArray(parts) ? (parts as readonly Json[]).filter(isJsonObject) : [];
}

/** One chunk's candidate, in the order in which its members follow each other in an answer. Throws FieldFault for parts that are not what they say. */
export function stepCandidate(before: CandidateState, chunk: JsonObject, events: Events): CandidateState {
  const parts = partsOf(chunk);
  const bare = parts.findIndex(isBareSignature);
  let after = before;
  for (const part of bare === -1 ? parts : parts.slice(0, bare)) after = onePart(after, part, events);
  after = cite(after, chunk, events);
  for (const part of bare === -1 ? [] : parts.slice(bare)) after = onePart(after, part, events);
  const logprobs = decodeLogprobs(chunk['logprobsResult']);
  if (logprobs !== undefined) events.push({ type: 'logprobs', choice: after.index, logprobs });
  const raw = finishWord(chunk['finishReason']);
  return raw === undefined || raw === after.rawFinish ? after : { ...after, rawFinish: raw };
}

/** What a candidate still owes when the stream is whole. */
export function finishCandidate(candidate: CandidateState): readonly CanonicalEvent[] {
  const events: Events = [];
  close(candidate, events);
  if (candidate.rawFinish !== undefined)
    events.push({ type: 'finish', choice: candidate.index, finish: decodeFinish(candidate.rawFinish, candidate.calls > 0) });
  return events;
}
