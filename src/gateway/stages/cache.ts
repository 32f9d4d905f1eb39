import type { WholeAnswer } from '../answer.ts';
import type { Deps } from '../deps.ts';
import { pass, type Hit, type Inspected, type Missed } from '../steps.ts';

export type Found = { readonly kind: 'hit'; readonly hit: Hit } | { readonly kind: 'missed'; readonly missed: Missed };

export function lookUp(inspected: Inspected, { cache }: Pick<Deps, 'cache'>): Found | Promise<Found> {
  const answer = cache.find(inspected);
  return answer instanceof Promise ? answer.then((late) => found(inspected, late)) : found(inspected, answer);
}

function found({ decoded }: Inspected, answer: WholeAnswer | undefined): Found {
  if (answer === undefined) return { kind: 'missed', missed: pass<Missed>({ decoded }) };
  return { kind: 'hit', hit: pass<Hit>({ exchange: decoded.exchange, answer }) };
}
