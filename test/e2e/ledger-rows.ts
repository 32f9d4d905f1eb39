import type { RunningNode } from './node.ts';

/** What the ledger says of calls, by request. */
export interface LedgerRow {
  readonly request_id: string;
  readonly state: string;
  readonly outcome: string;
  readonly status: number;
  readonly endpoint: string;
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly cached_input_tokens: number;
}

const PAGE = 1000;
const WAIT_MS = 15_000;

/** All rows of a node once there are `expected` requests in them and both sources have told of each, or when that took too long. */
export async function ledgerRows(node: RunningNode, expected: number): Promise<ReadonlyMap<string, readonly LedgerRow[]>> {
  const deadline = Date.now() + WAIT_MS;
  for (;;) {
    const rows = await readRows(node);
    const byRequest = new Map<string, LedgerRow[]>();
    for (const row of rows) byRequest.set(row.request_id, [...(byRequest.get(row.request_id) ?? []), row]);
    const isSettled = byRequest.size >= expected && rows.every(({ state }) => state === 'confirmed');
    if (isSettled || Date.now() > deadline) return byRequest;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

async function readRows(node: RunningNode): Promise<readonly LedgerRow[]> {
  const rows: LedgerRow[] = [];
  for (let before = ''; ;) {
    const { body } = await node.admin('GET', `/admin/v1/usage/rows?limit=${PAGE}&since=1d${before}`);
    rows.push(...(body['rows'] as LedgerRow[]));
    if (typeof body['next'] !== 'string') return rows;
    before = `&before=${encodeURIComponent(body['next'])}`;
  }
}
