import type { Json } from '../../core/json.ts';
import type { Part, RedactedThinkingPart, ThinkingPart } from '../../canonical/part.ts';

/**
 * Where in an answer a piece of reasoning stands, since this protocol keeps reasoning, text and calls apart: how much of the text and how many calls are before it.
 * It travels in the `id` of the detail, which clients send back as it is. Anthropic and Gemini want their signed reasoning back where it was.
 */
export interface Place {
  /** UTF-16 units of the whole text. */
  readonly text: number;
  readonly calls: number;
}

const ID = /^part_(\d{1,9})_(\d{1,6})$/;

/** Undefined: at the head, where reasoning stands without an id too. */
export const placeId = ({ text, calls }: Place): string | undefined => (text === 0 && calls === 0 ? undefined : `part_${text}_${calls}`);

export function placeOf(id: Json | undefined): Place | undefined {
  const match = typeof id === 'string' ? ID.exec(id) : null;
  return match === null ? undefined : { text: Number(match[1]), calls: Number(match[2]) };
}

/** Reasoning and where it stands: at a place that we gave it, before the call whose id it bears (OpenRouter's Gemini), or else at the head. */
export interface PlacedReasoning {
  readonly part: ThinkingPart | RedactedThinkingPart;
  readonly place: Place | undefined;
  readonly id: string | undefined;
}

/** A call and what comes right before it. */
interface CallWithSignature {
  readonly id: string;
  readonly parts: readonly Part[];
}

export interface Arranged {
  readonly parts: readonly Part[];
  /** A text was divided to let reasoning in between. */
  readonly divided: boolean;
}

/** Reasoning between the parts of the content, by how much text is before it. */
function amongContent(placed: readonly PlacedReasoning[], content: readonly Part[]): Arranged {
  const parts: Part[] = [];
  let [next, seen, divided] = [0, 0, false];
  /** Takes the reasoning that stands no later than `last` units into the text; gives where the text goes on. */
  const take = (last: number, onto: (at: number) => void): void => {
    for (let entry = placed[next]; entry !== undefined && (entry.place?.text ?? 0) <= last; entry = placed[++next]) {
      onto(entry.place?.text ?? 0);
      parts.push(entry.part);
    }
  };
  for (const part of content) {
    take(seen, () => undefined);
    if (part.type !== 'text') {
      parts.push(part);
      continue;
    }
    const begin = seen;
    take(begin + part.text.length - 1, (at) => {
      if (at <= seen) return;
      parts.push({ type: 'text', text: part.text.slice(seen - begin, at - begin) });
      [seen, divided] = [at, true];
    });
    parts.push(seen === begin ? part : { ...part, text: part.text.slice(seen - begin) });
    seen = begin + part.text.length;
  }
  return { parts: [...parts, ...placed.slice(next).map((entry) => entry.part)], divided };
}

/** The same signature may be told in a detail and on the call. */
const unrepeated = (told: readonly Part[], parts: readonly Part[]): readonly Part[] =>
  parts.filter(
    (part) => part.type !== 'redacted_thinking' || !told.some((other) => other.type === 'redacted_thinking' && other.data === part.data),
  );

/** An assistant's message in one row. A place beyond the end of the text, which the client may have trimmed, is the end. */
export function arrange(placed: readonly PlacedReasoning[], content: readonly Part[], calls: readonly CallWithSignature[]): Arranged {
  const callById = new Map(calls.map(({ id }, index) => [id, index]));
  const callOf = ({ id, place }: PlacedReasoning): number | undefined => {
    if (place !== undefined) return place.calls === 0 ? undefined : Math.min(place.calls, calls.length);
    return id === undefined ? undefined : callById.get(id);
  };
  const beforeCall = Map.groupBy(placed, callOf);
  const { parts, divided } = amongContent(beforeCall.get(undefined) ?? [], content);
  const rest = [...calls, undefined].flatMap((call, index) => {
    const own = (beforeCall.get(index) ?? []).map(({ part }) => part);
    return [...own, ...unrepeated(own, call?.parts ?? [])];
  });
  return { parts: [...parts, ...rest], divided };
}
