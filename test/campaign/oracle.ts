import assert from 'node:assert/strict';
import type { RunningNode } from '../e2e/node.ts';
import type { ReplayUpstream } from '../replay/upstream.ts';
import { wait } from './load.ts';

/** The provider's own list of request ids, which the ledger is held against. */

interface Row {
  readonly request_id: string;
  readonly attempt: number;
  readonly state: string;
  readonly outcome: string;
  readonly cost_usd: string;
}

/** Waits until no row is open any more, then compares. Gives what the rows cost together, in millionths of a cent. */
export async function compare(
  what: string,
  { node, upstream, surplusAllowed }: { readonly node: RunningNode; readonly upstream: ReplayUpstream; readonly surplusAllowed: number },
  told: string,
): Promise<bigint> {
  const seen = new Set(upstream.seen.map(({ requestId }) => requestId as string));
  const rows = await settledRows(node, seen);
  const counts = Map.groupBy(rows, (row) => `${row.request_id}/${row.attempt}`);
  const known = new Set(rows.map((row) => row.request_id));
  const surplus = rows.filter((row) => !seen.has(row.request_id));
  const unconfirmed = rows.filter((row) => row.state === 'unconfirmed').length;
  console.log(
    `${what}: ${seen.size} requests seen by the provider, ${rows.length} rows, ${unconfirmed} unconfirmed, ${surplus.length} surplus (at most ${surplusAllowed}); ${told}`,
  );
  const none = (found: readonly unknown[], wrong: string): void => assert.deepEqual(found, [], `${what}: ${wrong}`);
  none(
    [...seen].filter((id) => !known.has(id)),
    'requests that the provider saw are not in the ledger',
  );
  none(
    [...counts].filter(([, those]) => those.length !== 1).map(([id]) => id),
    'rows are doubled',
  );
  none(
    rows.filter(({ state }) => state === 'open'),
    'rows stay open',
  );
  none(
    surplus.filter((row) => row.state !== 'unconfirmed' && row.outcome === 'ok'),
    'surplus rows are not marked',
  );
  assert.ok(surplus.length <= surplusAllowed, `${what}: ${surplus.length} rows that the provider did not see`);
  return rows.reduce((sum, row) => sum + fine(row.cost_usd), 0n);
}

const FINE_DIGITS = 8;

/** Dollars as text in millionths of a cent, exactly; a price of the campaign has no finer ones. */
export function fine(dollars: string): bigint {
  const [whole = '0', part = ''] = dollars.split('.');
  assert.match(part.slice(FINE_DIGITS), /^0*$/, `${dollars} is finer than the campaign's prices`);
  return BigInt(whole + part.slice(0, FINE_DIGITS).padEnd(FINE_DIGITS, '0'));
}

const CENT = 1_000_000n;
/** Millionths of a cent in whole cents, rounded up, so that nothing beyond a budget is lost to rounding. */
export const cents = (amount: bigint): bigint => (amount + CENT - 1n) / CENT;

/** The most of these times that lie in any stretch of this length. */
export function mostIn(times: readonly number[], stretchMs: number): number {
  const sorted = [...times].sort((a, b) => a - b);
  let [most, first] = [0, 0];
  for (const [last, at] of sorted.entries()) {
    while (at - (sorted[first] as number) >= stretchMs) first++;
    most = Math.max(most, last - first + 1);
  }
  return most;
}

/** All rows, once there is one of each id and none is open; what there is after two minutes otherwise. */
async function settledRows(node: RunningNode, seen: ReadonlySet<string>): Promise<readonly Row[]> {
  let rows: readonly Row[] = [];
  for (let tries = 0; tries < 240; tries++) {
    rows = (await allRows(node)) ?? [];
    const known = new Set(rows.map((row) => row.request_id));
    if (rows.every(({ state }) => state !== 'open' && state !== 'usage-first') && [...seen].every((id) => known.has(id))) break;
    await wait(500);
  }
  return rows;
}

/** Undefined: the ledger is just coming back from a crash, and control says so. */
async function allRows(node: RunningNode): Promise<readonly Row[] | undefined> {
  const rows: Row[] = [];
  let before: string | null = null;
  do {
    const { status, body } = await node.admin(
      'GET',
      `/admin/v1/usage/rows?limit=1000&since=1d${before === null ? '' : `&before=${encodeURIComponent(before)}`}`,
    );
    if (status === 503) return undefined;
    assert.equal(status, 200, JSON.stringify(body));
    rows.push(...(body['rows'] as Row[]));
    before = (body['next'] as string | undefined) ?? null;
  } while (before !== null);
  return rows;
}
