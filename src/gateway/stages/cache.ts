import type { Deps } from '../deps.ts';
import { pass, type Hit, type Inspected, type Missed } from '../steps.ts';

export type Found = { readonly kind: 'hit'; readonly hit: Hit } | { readonly kind: 'missed'; readonly missed: Missed };

export async function lookUp(inspected: Inspected, { cache }: Pick<Deps, 'cache'>): Promise<Found> {
  const { decoded } = inspected;
  const answer = await cache.find(inspected);
  if (answer === undefined) return { kind: 'missed', missed: pass<Missed>({ decoded }) };
  return { kind: 'hit', hit: pass<Hit>({ exchange: decoded.exchange, answer }) };
}
