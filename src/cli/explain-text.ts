import type { UsageExplain } from '../api/usage-explain.ts';
import { grouped, moment, table, type Column } from './table.ts';

type Attempt = UsageExplain['attempts'][number];

interface Line {
  readonly what: string;
  readonly quantity: string;
  readonly price: string;
  readonly amount: string;
}

const COLUMNS: readonly Column<Line>[] = [
  { title: 'what', cell: ({ what }) => what },
  { title: 'quantity', align: 'right', cell: ({ quantity }) => quantity },
  { title: 'usd each', align: 'right', cell: ({ price }) => price },
  { title: 'usd', align: 'right', cell: ({ amount }) => amount },
];

/** Tokens are priced per million by people; the sum is done per token. */
const words = (item: string): string => item.replaceAll('_', ' ');

const line = (what: string, amount: string, quantity = '', price = ''): Line => ({ what, quantity, price, amount });

function linesOf({ lines, discount, margin, provider_cost_usd: cost }: Attempt): readonly Line[] {
  return [
    ...lines.map(({ item, quantity, unit_price_usd: price, amount_usd: amount }) => line(words(item), amount, grouped(quantity), price)),
    ...(discount === null ? [] : [line(`discount ${discount.percent} %`, `-${discount.amount_usd}`)]),
    ...(margin === null ? [] : [line('what the provider costs', cost), line(`margin ${margin.percent} %`, margin.amount_usd)]),
  ];
}

function sourceOf({ price, adds_up: isSum }: Attempt): string {
  if (price === null)
    return isSum ? 'No prices were used.' : 'The row keeps no sum: it was written before sums were kept. Only its cost is known.';
  const list = price.list === 'operator' ? 'prices of bulkhead.yaml' : `${price.in_file ? 'prices file' : 'price list'} ${price.list}`;
  const parts = [
    price.model === '' ? `${list}: no price is known, the dearest of all counts` : `${list}, ${price.model}`,
    price.as === null ? '' : `as ${price.as}`,
    price.from === null ? '' : `since ${price.from.slice(0, 10)}`,
    price.tier === null ? '' : `served as ${price.tier}`,
    price.above_input_tokens === null ? '' : `above ${grouped(price.above_input_tokens)} input tokens`,
    `version ${price.version}`,
  ];
  const flag = !price.known && price.model !== '' ? '\nSome of it has no known price; the dearest counts for that.' : '';
  return parts.filter((part) => part !== '').join(' · ') + flag;
}

const NOTES: readonly (readonly [(attempt: Attempt) => boolean, string])[] = [
  [({ estimated, unconfirmed }) => estimated && !unconfirmed, 'Estimated: the provider told no figures, so that they were counted here.'],
  [({ unconfirmed }) => unconfirmed, 'Unconfirmed: only the vault saw this call; charged by its count of bytes.'],
  [({ price, adds_up: isSum }) => price !== null && !isSum, 'The parts do not come to the cost of the row.'],
];

function attemptText(attempt: Attempt): string {
  const head = `Attempt ${attempt.attempt}: ${attempt.model} at ${attempt.provider}, ${moment(attempt.started_at)}, ${attempt.state}`;
  const lines = linesOf(attempt);
  const body = lines.length === 0 ? `cost ${attempt.cost_usd} usd\n` : table(COLUMNS, lines, [line('cost', attempt.cost_usd)]);
  const notes = NOTES.flatMap(([holds, text]) => (holds(attempt) ? [`${text}\n`] : [])).join('');
  return `${head}\n${sourceOf(attempt)}\n\n${body}${notes}`;
}

/** The arithmetic of a request's cost for people. */
export function explainText({ attempts, cost_usd: cost }: UsageExplain): string {
  const total = attempts.length > 1 ? `\nTogether ${cost} usd\n` : '';
  return attempts.map(attemptText).join('\n') + total;
}
