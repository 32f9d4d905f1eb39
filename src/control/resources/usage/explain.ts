import type { UsageExplain } from '../../../api/usage-explain.ts';
import { lineCost } from '../../../accounting/charge.ts';
import type { Adjustment } from '../../../accounting/price.ts';
import { readPriceDetail, sumOf, type PriceDetail } from '../../../accounting/price-detail.ts';
import { formatDollars, picodollars } from '../../../core/money.ts';
import type { UsageRow } from '../../../ipc/messages/reports.ts';

/** Rows with the sum that each of them kept, done again. Pure. */
export function explain(requestId: string, rows: readonly UsageRow[]): UsageExplain {
  const total = rows.reduce((sum, row) => sum + BigInt(row.picodollars), 0n);
  return { request_id: requestId, cost_usd: dollars(total), attempts: rows.map(explainRow) };
}

const dollars = (amount: bigint): string => formatDollars(picodollars(amount));
const iso = (at: number | undefined): string | null => (at === undefined ? null : new Date(at).toISOString());

function explainRow(row: UsageRow): UsageExplain['attempts'][number] {
  const detail = readPriceDetail(row.priceDetail);
  const cost = BigInt(row.picodollars);
  return {
    attempt: row.attempt,
    state: row.state,
    provider: row.provider,
    model: row.model,
    started_at: new Date(row.startedAt).toISOString(),
    price: detail === undefined ? null : priceOf(row, detail),
    lines: (detail?.lines ?? []).map((line) => ({
      item: line.item,
      quantity: line.quantity,
      unit_price_usd: dollars(BigInt(line.rate)),
      amount_usd: dollars(lineCost(line)),
    })),
    discount: share(detail?.discount),
    provider_cost_usd: dollars(cost - (detail?.margin?.amount ?? 0n)),
    margin: share(detail?.margin),
    cost_usd: dollars(cost),
    adds_up: (detail === undefined ? 0n : sumOf(detail)) === cost,
    estimated: row.estimated,
    unconfirmed: row.state === 'unconfirmed',
  };
}

const priceOf = (row: UsageRow, { source }: PriceDetail): NonNullable<UsageExplain['attempts'][number]['price']> => ({
  list: source.list,
  model: source.model,
  as: source.as ?? null,
  in_file: source.file === true,
  version: row.priceVersion,
  known: row.priceKnown,
  from: iso(source.from),
  tier: source.tier ?? null,
  above_input_tokens: source.above ?? null,
});

/** Millionths as percent: `125000` is `12.5`. */
function percent(ppm: number): string {
  const digits = String(ppm).padStart(5, '0');
  return `${digits.slice(0, -4)}.${digits.slice(-4)}`.replace(/\.?0+$/, '');
}

const share = (one: Adjustment | undefined): { percent: string; amount_usd: string } | null =>
  one === undefined ? null : { percent: percent(one.ppm), amount_usd: dollars(one.amount) };
