import type { Json, JsonObject } from '../../core/json.ts';
import type { StartEvent } from '../../canonical/event.ts';
import type { TokenUsage } from '../../core/usage.ts';
import type { Citation, Part, ThinkingPart } from '../../canonical/part.ts';
import type { Finish } from '../../canonical/response.ts';
import type { InputReader } from '../free-text-tool.ts';
import type { AnswerContext, SseEvent } from '../protocol.ts';
import { encodeFinish } from './finish.ts';
import { PROTOCOL } from './names.ts';
import { itemId, outputItem, textLength } from './output-encode.ts';

/*
 * Canonical parts as the events of items. What an item's last event holds is built of its parts by the functions that build a plain answer's items.
 */

/** A list that grows by one in constant time, newest first. */
interface Chain<T> {
  readonly value: T;
  readonly before: Chain<T> | undefined;
}

/** Oldest first. */
export function listed<T>(chain: Chain<T> | undefined): readonly T[] {
  const values: T[] = [];
  for (let at = chain; at !== undefined; at = at.before) values.push(at.value);
  return values.reverse();
}

/** A text or refusal being written. Citations without offsets stand for all of it and `wait` for its end, and so do those behind them. */
export interface OpenSpoken {
  readonly type: 'text' | 'refusal';
  readonly text: string;
  readonly citations: Chain<Citation> | undefined;
  readonly told: number;
  readonly waits: boolean;
}

type OpenItem =
  | {
      readonly kind: 'message';
      readonly base: number;
      readonly ended: Chain<Part> | undefined;
      readonly contents: number;
      readonly open: OpenSpoken | undefined;
    }
  | { readonly kind: 'reasoning'; readonly part: ThinkingPart }
  | {
      readonly kind: 'call';
      readonly part: Extract<Part, { type: 'tool_call' }>;
      readonly isCustom: boolean;
      readonly reader: InputReader | undefined;
    }
  | { readonly kind: 'other'; readonly first: Json; readonly last: Json | undefined };

export interface EncodeState {
  readonly context: AnswerContext;
  readonly head: StartEvent;
  readonly sequence: number;
  /** Items that have ended: the open one's `output_index`. */
  readonly index: number;
  readonly item: OpenItem | undefined;
  readonly parts: Chain<Part> | undefined;
  /** Length of all texts that have ended. */
  readonly base: number;
  readonly logprobs: Chain<Json> | undefined;
  readonly usage: TokenUsage | undefined;
  readonly finish: Finish | undefined;
}

export type Step = readonly [EncodeState, readonly SseEvent[]];
export type Event = readonly [type: string, members: JsonObject];

export const NONE: readonly SseEvent[] = [];

/** Events under the next numbers of the stream. */
export const emit = (state: EncodeState, ...events: readonly Event[]): Step => [
  { ...state, sequence: state.sequence + events.length },
  events.map(([type, members], at) => ({ event: type, data: JSON.stringify({ type, sequence_number: state.sequence + at, ...members }) })),
];

/** Steps one after the other. */
export function run(before: EncodeState, ...steps: readonly ((state: EncodeState) => Step)[]): Step {
  let state = before;
  const events: SseEvent[] = [];
  for (const step of steps) {
    const [next, given] = step(state);
    state = next;
    events.push(...given);
  }
  return [state, events];
}

const PREFIXES = { message: 'msg', reasoning: 'rs', call: 'fc', custom: 'ctc' } as const;

/** Where an event of the open item belongs. */
export function place(state: EncodeState): JsonObject {
  const { item } = state;
  const isCustom = item?.kind === 'call' && item.isCustom;
  if (item === undefined || item.kind === 'other') return { output_index: state.index };
  return { item_id: itemId(PREFIXES[isCustom ? 'custom' : item.kind], state), output_index: state.index };
}

/** The parts of an item that is whole. */
function partsOf(item: OpenItem): readonly Part[] {
  switch (item.kind) {
    case 'message':
      return listed(item.ended);
    case 'reasoning':
    case 'call':
      return [item.part];
    case 'other':
      return [{ type: 'other', protocol: PROTOCOL, value: item.last ?? item.first }];
  }
}

export function itemDone(state: EncodeState, parts: readonly Part[], base: number): Step {
  const { context, index } = state;
  const status = encodeFinish(state.finish).status;
  const logprobs = base === 0 ? listed(state.logprobs) : [];
  const item = outputItem(parts, { context, index, base, status, logprobs });
  const [after, events] = emit(state, ['response.output_item.done', { output_index: index, item }]);
  let chain = state.parts;
  for (const part of parts) chain = { value: part, before: chain };
  return [{ ...after, item: undefined, index: index + 1, parts: chain, base: base + textLength(parts) }, events];
}

/** A message stays open behind its texts, since the next text belongs to it: it ends here, before another item or the answer's end. */
export function endItem(state: EncodeState): Step {
  const { item } = state;
  if (item === undefined) return [state, NONE];
  return itemDone(state, partsOf(item), item.kind === 'message' ? item.base : state.base);
}
