import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts';
import type { CanonicalEvent, PartHead } from '../../canonical/event.ts';
import type { RedactedThinkingPart } from '../../canonical/part.ts';
import { decodeAnnotation } from './content-decode.ts';
import { decodeFinish } from './finish.ts';
import { PROTOCOL } from './names.ts';
import { audioFormat } from './audio.ts';
import { decodeImages } from './images.ts';
import { decodeDetail, googleSignature, plainReasoning, readDetails } from './reasoning.ts';

/** The part that deltas go to. `key` tells tool calls and reasoning details apart; `plain`: the reasoning's text comes in a plain field. */
type OpenPart =
  | { readonly kind: 'text' | 'refusal' | 'audio' | 'whole'; readonly part: number }
  | { readonly kind: 'thinking'; readonly part: number; readonly key: number; readonly plain: boolean; readonly signed: boolean }
  | { readonly kind: 'tool'; readonly part: number; readonly key: number; readonly id: string };

export interface ChoiceState {
  readonly index: number;
  /** Parts begun so far. */
  readonly parts: number;
  readonly open: OpenPart | undefined;
  readonly hasToolCalls: boolean;
  /** The last reasoning that only its vendor can read: a signature may be told twice, in the details and on its call. */
  readonly signature: string | undefined;
  /** Held back to the end, since some providers send usage, filter results or text after it. */
  readonly rawFinish: string | undefined;
}

type Events = CanonicalEvent[];

function closePart(choice: ChoiceState, events: Events): ChoiceState {
  const { open } = choice;
  if (open === undefined) return choice;
  events.push({ type: 'part_end', choice: choice.index, part: open.part });
  return { ...choice, open: undefined };
}

function openPart(choice: ChoiceState, head: PartHead, open: OpenPart, events: Events): ChoiceState {
  const closed = closePart(choice, events);
  events.push({ type: 'part_start', choice: choice.index, part: open.part, head });
  return { ...closed, open, parts: open.part + 1 };
}

/** A part that is whole in its head. */
const wholePart = (choice: ChoiceState, head: PartHead, events: Events): ChoiceState =>
  closePart(openPart(choice, head, { kind: 'whole', part: choice.parts }, events), events);

function redacted(choice: ChoiceState, part: RedactedThinkingPart | undefined, events: Events): ChoiceState {
  if (part === undefined || part.data === choice.signature) return choice;
  return { ...wholePart(choice, part, events), signature: part.data };
}

function words(choice: ChoiceState, kind: 'text' | 'refusal', text: Json | undefined, events: Events): ChoiceState {
  if (typeof text !== 'string' || text === '') return choice;
  const opened = choice.open?.kind === kind ? choice : openPart(choice, { type: kind }, { kind, part: choice.parts }, events);
  const part = opened.open?.part ?? 0;
  events.push({ type: kind === 'text' ? 'text_delta' : 'refusal_delta', choice: choice.index, part, text });
  return opened;
}

const isPart = (value: Json | undefined, type: string): value is JsonObject => isJsonObject(value) && value['type'] === type;

/** `content` is a string; a list of parts, as Mistral sends while it thinks, gives its texts. */
function content(choice: ChoiceState, value: Json | undefined, events: Events): ChoiceState {
  if (!Array.isArray(value)) return words(choice, 'text', value, events);
  let after = choice;
  for (const part of value as readonly Json[]) if (isPart(part, 'text')) after = words(after, 'text', part['text'], events);
  return after;
}

/** Where a piece of reasoning comes from: a plain field or `reasoning_details`, with their index and format. */
interface ThinkingSource {
  readonly key: number | undefined;
  readonly plain: boolean;
  readonly format: string | undefined;
}

/** A new block begins when the last one was signed or the provider counts on. */
function thinkingPart(choice: ChoiceState, { key, plain, format }: ThinkingSource, events: Events): ChoiceState {
  const { open } = choice;
  const goesOn = open?.kind === 'thinking' && !open.signed && (key === undefined || open.key === -1 || key === open.key);
  if (!goesOn)
    return openPart(
      choice,
      { type: 'thinking', format },
      { kind: 'thinking', part: choice.parts, key: key ?? -1, plain, signed: false },
      events,
    );
  if (open.key === -1 && key !== undefined) return { ...choice, open: { ...open, key } };
  return choice;
}

function thinkingText(choice: ChoiceState, text: string, source: ThinkingSource, events: Events): ChoiceState {
  const opened = thinkingPart(choice, source, events);
  events.push({ type: 'thinking_delta', choice: choice.index, part: opened.open?.part ?? 0, text });
  return opened;
}

/** One entry of `reasoning_details`. Its text counts only where no plain field says the same. */
function detail(choice: ChoiceState, value: JsonObject, hasPlain: boolean, events: Events): ChoiceState {
  const decoded = decodeDetail(value);
  if (decoded === undefined) return choice;
  if (decoded.type === 'redacted_thinking') return redacted(choice, decoded, events);
  const key = typeof value['index'] === 'number' ? value['index'] : undefined;
  const repeats = hasPlain || (choice.open?.kind === 'thinking' && choice.open.plain);
  const { format } = decoded;
  const spoken = repeats || decoded.text === '' ? choice : thinkingText(choice, decoded.text, { key, plain: false, format }, events);
  if (decoded.signature === undefined) return spoken;
  const opened = thinkingPart(spoken, { key: repeats ? undefined : key, plain: hasPlain, format }, events);
  const { open } = opened;
  if (open?.kind !== 'thinking') return opened;
  events.push({ type: 'signature', choice: choice.index, part: open.part, signature: decoded.signature, format });
  return { ...opened, open: { ...open, signed: true } };
}

function reasoning(choice: ChoiceState, delta: JsonObject, events: Events): ChoiceState {
  const plain = plainReasoning(delta);
  const details = readDetails(delta);
  const { index: key, format } = details[0] ?? {};
  let after = choice;
  if (plain !== undefined) {
    const source = { key: typeof key === 'number' ? key : undefined, plain: true, format: str(format) || undefined };
    after = thinkingText(after, plain, source, events);
  }
  for (const value of details) after = detail(after, value, plain !== undefined, events);
  return after;
}

const str = (value: Json | undefined): string => (typeof value === 'string' ? value : '');

interface Call {
  readonly id: string;
  readonly name: string;
  readonly kind: 'function' | 'custom';
  readonly key: number;
  readonly signature: RedactedThinkingPart | undefined;
}

function beginCall(choice: ChoiceState, { id, name, kind, key, signature }: Call, events: Events): ChoiceState {
  const signed = redacted(choice, signature, events);
  const opened = openPart(signed, { type: 'tool_call', id, name, kind }, { kind: 'tool', part: signed.parts, key, id }, events);
  return { ...opened, hasToolCalls: true };
}

/** The whole fragment of a call: `index` may be missing where calls come whole, and several calls may then share one. */
function toolCall(choice: ChoiceState, call: JsonObject, at: number, events: Events): ChoiceState {
  const inner = isJsonObject(call['function']) ? call['function'] : isJsonObject(call['custom']) ? call['custom'] : {};
  const key = typeof call['index'] === 'number' ? call['index'] : at;
  const [id, name] = [str(call['id']), str(inner['name'])];
  const { open } = choice;
  const goesOn = open?.kind === 'tool' && open.key === key && (id === '' || id === open.id || name === '');
  if (!goesOn && name === '') {
    events.push({
      type: 'error',
      kind: 'upstream',
      code: null,
      message: 'The provider sent a piece of a tool call that it had not begun or had ended.',
      cut: false,
    });
    return choice;
  }
  const kind = call['type'] === 'custom' ? 'custom' : 'function';
  const opened = goesOn ? choice : beginCall(choice, { id, name, kind, key, signature: googleSignature(call) }, events);
  const text = str(inner['arguments']) || str(inner['input']);
  if (text !== '') events.push({ type: 'arguments_delta', choice: choice.index, part: opened.open?.part ?? 0, text });
  return opened;
}

/** Citations hang on the text that is open, or on the last part there was. */
function annotations(choice: ChoiceState, value: Json | undefined, events: Events): ChoiceState {
  if (!Array.isArray(value)) return choice;
  const natives = (value as readonly Json[]).filter(isJsonObject);
  if (natives.length === 0) return choice;
  const opened = choice.open?.kind === 'text' ? choice : openPart(choice, { type: 'text' }, { kind: 'text', part: choice.parts }, events);
  for (const native of natives)
    events.push({ type: 'citation', choice: choice.index, part: opened.open?.part ?? 0, citation: decodeAnnotation(native) });
  return opened;
}

/** Spoken answers: the sound in pieces, each a part; id and transcript, which only this protocol has, in between. */
function audio(choice: ChoiceState, value: Json | undefined, events: Events): ChoiceState {
  if (!isJsonObject(value) || Object.keys(value).length === 0) return choice;
  const { data, ...rest } = value;
  let after = choice;
  if (Object.keys(rest).length > 0) {
    const head = { type: 'other', protocol: PROTOCOL, value: { type: 'audio' } } as const;
    after = after.open?.kind === 'audio' ? after : openPart(after, head, { kind: 'audio', part: after.parts }, events);
    events.push({ type: 'other_delta', choice: after.index, part: after.open?.part ?? 0, protocol: PROTOCOL, value: rest });
  }
  if (typeof data !== 'string' || data === '') return after;
  return wholePart(after, { type: 'audio', data, format: audioFormat(data) }, events);
}

/** One chunk's choice, in the order in which its members follow each other in an answer. Members without a meaning here are passed over. */
export function stepChoice(choice: ChoiceState, chunk: JsonObject, events: Events): ChoiceState {
  const delta = isJsonObject(chunk['delta']) ? chunk['delta'] : {};
  let after = redacted(reasoning(choice, delta, events), googleSignature(delta), events);
  after = content(after, delta['content'], events);
  after = words(after, 'refusal', delta['refusal'], events);
  for (const image of decodeImages(delta['images'])) after = wholePart(after, image, events);
  after = audio(after, delta['audio'], events);
  after = annotations(after, delta['annotations'], events);
  const calls = Array.isArray(delta['tool_calls']) ? (delta['tool_calls'] as readonly Json[]) : [];
  calls.forEach((call, at) => {
    if (isJsonObject(call)) after = toolCall(after, call, at, events);
  });
  const logprobs = chunk['logprobs'];
  if (isJsonObject(logprobs)) events.push({ type: 'logprobs', choice: choice.index, logprobs });
  const raw = chunk['finish_reason'];
  return typeof raw === 'string' && raw !== '' && raw !== after.rawFinish ? { ...after, rawFinish: raw } : after;
}

/** What a choice still owes when the stream is whole. `sources` stand beside the answer and belong to the text that is open. */
export function finishChoice(choice: ChoiceState, sources: readonly JsonObject[]): readonly CanonicalEvent[] {
  const events: Events = [];
  if (choice.open?.kind === 'text') annotations(choice, sources, events);
  closePart(choice, events);
  if (choice.rawFinish !== undefined)
    events.push({ type: 'finish', choice: choice.index, finish: decodeFinish(choice.rawFinish, choice.hasToolCalls) });
  return events;
}
