import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts';
import type { CanonicalEvent, PartHead } from '../../canonical/event.ts';
import type { SignatureFormat } from '../../canonical/part.ts';

/*
 * One item of a stream as canonical parts. Providers say everything up to three times (deltas, the end of a part, the end of the item); what was said once is not
 * said again, and what came at an end only is said then.
 */

/** The item that events go to. */
type OpenItem =
  | { readonly kind: 'message'; readonly output: number; readonly contents: number; readonly open: OpenContent | undefined }
  | {
      readonly kind: 'reasoning';
      readonly output: number;
      readonly format: SignatureFormat;
      readonly signs: boolean;
      readonly open: OpenThinking | undefined;
    }
  | { readonly kind: 'call'; readonly output: number; readonly part: number; readonly said: boolean }
  | { readonly kind: 'other'; readonly output: number; readonly part: number };

interface OpenContent {
  readonly part: number;
  readonly type: 'text' | 'refusal';
  readonly length: number;
  readonly citations: number;
}

/** `source`: summary and reasoning itself are not said both. `said`: the section that is open has words. */
export interface OpenThinking {
  readonly part: number;
  readonly source: 'summary' | 'content';
  readonly said: boolean;
}

export interface AnswerState {
  /** Parts begun so far. */
  readonly parts: number;
  /** Length of all texts that have ended: citations are placed by it. */
  readonly base: number;
  readonly item: OpenItem | undefined;
  readonly hasToolCalls: boolean;
}

export type Events = CanonicalEvent[];
export type Item<Kind extends OpenItem['kind']> = Extract<OpenItem, { readonly kind: Kind }>;

export const str = (value: Json | undefined): string => (typeof value === 'string' ? value : '');
export const list = (value: Json | undefined): readonly JsonObject[] =>
  Array.isArray(value) ? (value as readonly Json[]).filter(isJsonObject) : [];

export function begin(state: AnswerState, head: PartHead, events: Events): AnswerState {
  events.push({ type: 'part_start', choice: 0, part: state.parts, head });
  return { ...state, parts: state.parts + 1 };
}

export const endPart = (part: number, events: Events): void => {
  events.push({ type: 'part_end', choice: 0, part });
};
