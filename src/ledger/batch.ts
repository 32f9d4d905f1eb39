import type { CallFact } from './call-row.ts';
import type { WriteItem } from './write-items.ts';

export interface HeardCall {
  readonly requestId: string;
  readonly attempt: number;
  readonly facts: CallFact[];
}

/** The calls that one transaction touches: each is written once, however many facts there are about it. */
export class Batch {
  readonly #calls = new Map<string, HeardCall>();

  calls(): Iterable<HeardCall> {
    return this.#calls.values();
  }

  add(requestId: string, attempt: number, fact: CallFact): void {
    // Nearly every call is a first attempt, whose place needs no text of its own.
    const place = attempt === 1 ? requestId : `${requestId}/${attempt}`;
    const known = this.#calls.get(place);
    if (known === undefined) this.#calls.set(place, { requestId, attempt, facts: [fact] });
    else known.facts.push(fact);
  }

  attempts(requestId: string): number[] {
    return [...this.#calls.values()].filter((call) => call.requestId === requestId).map(({ attempt }) => attempt);
  }
}

export function addUsage(batch: Batch, { events, charged }: Extract<WriteItem, { readonly kind: 'usage' }>): void {
  for (const [place, event] of events.entries())
    batch.add(event.requestId, event.attempt, { fact: 'usage', event, charged: BigInt(charged?.[place] ?? 0) });
}
