import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts';
import type { CanonicalEvent, PartHead } from '../../canonical/event.ts';
import { objectOf, thoughtOf } from './content-decode.ts';
import { decodeFinish } from './finish.ts';
import { PROTOCOL } from './names.ts';

type OpenPart =
  | { readonly kind: 'text' | 'thinking' | 'whole'; readonly part: number }
  | { readonly kind: 'tool'; readonly part: number; readonly key: number; readonly id: string };

export interface ChoiceState {
  readonly index: number;
  /** Parts begun so far. */
  readonly parts: number;
  readonly open: OpenPart | undefined;
  readonly hasToolCalls: boolean;
  /** Held back to the end, since figures come with it and text may follow. */
  readonly rawFinish: string | undefined;
}

type Events = CanonicalEvent[];

function closePart(choice: ChoiceState, events: Events): ChoiceState {
  if (choice.open === undefined) return choice;
  events.push({ type: 'part_end', choice: choice.index, part: choice.open.part });
  return { ...choice, open: undefined };
}

function openPart(choice: ChoiceState, head: PartHead, open: OpenPart, events: Events): ChoiceState {
  const closed = closePart(choice, events);
  events.push({ type: 'part_start', choice: choice.index, part: open.part, head });
  return { ...closed, open, parts: open.part + 1 };
}

function words(choice: ChoiceState, kind: 'text' | 'thinking', text: Json | undefined, events: Events): ChoiceState {
  if (typeof text !== 'string' || text === '') return choice;
  const opened = choice.open?.kind === kind ? choice : openPart(choice, { type: kind }, { kind, part: choice.parts }, events);
  const part = opened.open?.part ?? 0;
  events.push({ type: kind === 'text' ? 'text_delta' : 'thinking_delta', choice: choice.index, part, text });
  return opened;
}

/** A chunk without words (a reference) is whole in itself. */
function chunk(choice: ChoiceState, value: JsonObject, events: Events): ChoiceState {
  if (value['type'] === 'text') return words(choice, 'text', value['text'], events);
  if (value['type'] === 'thinking') return words(choice, 'thinking', thoughtOf(value['thinking']), events);
  const head = { type: 'other', protocol: PROTOCOL, value } as const;
  return closePart(openPart(choice, head, { kind: 'whole', part: choice.parts }, events), events);
}

/** `content` is a string, or a list of chunks while the model thinks. */
function content(choice: ChoiceState, value: Json | undefined, events: Events): ChoiceState {
  if (!Array.isArray(value)) return words(choice, 'text', value, events);
  return (value as readonly Json[]).filter(isJsonObject).reduce((after, item) => chunk(after, item, events), choice);
}

const str = (value: Json | undefined): string => (typeof value === 'string' ? value : '');
/** An object where the text should be is that text. */
const argumentsText = (value: Json | undefined): string => (isJsonObject(value) ? JSON.stringify(value) : str(value));

/** A whole call, or a piece of one: a piece names no tool, and goes on with the call of its index. */
function toolCall(choice: ChoiceState, call: JsonObject, at: number, events: Events): ChoiceState {
  const inner = objectOf(call['function']);
  const key = typeof call['index'] === 'number' ? call['index'] : at;
  const [id, name] = [str(call['id']), str(inner['name'])];
  const { open } = choice;
  const goesOn = open?.kind === 'tool' && open.key === key && (name === '' || (id !== '' && id === open.id));
  if (!goesOn && name === '') {
    const message = 'The provider sent a piece of a tool call that it had not begun or had ended.';
    events.push({ type: 'error', kind: 'upstream', code: null, message, cut: false });
    return choice;
  }
  const head = { type: 'tool_call', id, name, kind: 'function' } as const;
  const opened = goesOn ? choice : { ...openPart(choice, head, { kind: 'tool', part: choice.parts, key, id }, events), hasToolCalls: true };
  const text = argumentsText(inner['arguments']);
  if (text !== '') events.push({ type: 'arguments_delta', choice: choice.index, part: opened.open?.part ?? 0, text });
  return opened;
}

/** One chunk's choice. Members without a meaning here are passed over. */
export function stepChoice(choice: ChoiceState, value: JsonObject, events: Events): ChoiceState {
  const delta = objectOf(value['delta']);
  let after = content(choice, delta['content'], events);
  const calls = Array.isArray(delta['tool_calls']) ? (delta['tool_calls'] as readonly Json[]) : [];
  calls.forEach((call, at) => {
    if (isJsonObject(call)) after = toolCall(after, call, at, events);
  });
  const raw = value['finish_reason'];
  return typeof raw === 'string' && raw !== '' && raw !== after.rawFinish ? { ...after, rawFinish: raw } : after;
}

/** What a choice still owes when the stream is whole. */
export function finishChoice(choice: ChoiceState): readonly CanonicalEvent[] {
  const events: Events = [];
  closePart(choice, events);
  if (choice.rawFinish !== undefined)
    events.push({ type: 'finish', choice: choice.index, finish: decodeFinish(choice.rawFinish, choice.hasToolCalls) });
  return events;
}
