import { readOperatorPrices, type OperatorPrices } from '../../../accounting/operator-prices.ts';
import { effectiveRates, listedFor, type Found } from '../../../accounting/price.ts';
import type { PriceTable } from '../../../accounting/price-table.ts';
import type { ModelPriceView } from '../../../api/price-operations.ts';
import type { PriceConfig } from '../../../config/config.ts';
import { ratesView } from './view.ts';

interface Asked {
  readonly provider: string;
  readonly model: string;
  /** The model that bulkhead.yaml says is behind that name. */
  readonly baseModel: string | undefined;
  readonly list: string;
}

/** What the ledger would charge for a call of `at`, by the function that it charges with. */
export function modelPrice(asked: Asked, config: PriceConfig, table: PriceTable | undefined, at: number): ModelPriceView {
  const operator = operatorPrices(config, table);
  const { provider, model, baseModel, list } = asked;
  const context = { provider, credential: '', baseModel, operator };
  const found = effectiveRates(model, list, at, context);
  const facts = { provider, model, base_model: baseModel ?? null, list };
  const free = { source: null, seen: null, version: operator.label, all: [] };
  if (found === undefined) return { ...facts, ...free, known: true, entry: '', origin: 'free', now: ratesView({ input: 0, output: 0 }) };
  if (found.source.list !== OPERATOR && found.source.model === '') {
    const now = ratesView(operator.book.dearest(list));
    return { ...facts, ...free, known: false, entry: '', origin: 'unknown', now };
  }
  const listed = found.source.list === OPERATOR ? undefined : listedFor(model, list, context);
  return {
    ...facts,
    known: true,
    entry: found.source.model,
    origin: originOf(found),
    source: listed?.source ?? null,
    seen: listed?.seen ?? null,
    version: operator.label,
    now: ratesView({ ...found.rates, ...(found.source.from !== undefined && { from: found.source.from }) }),
    all: (listed?.prices ?? []).map(ratesView),
  };
}

/** The list that the operator's own prices say they are of. */
const OPERATOR = 'operator';

const originOf = ({ source }: Found): ModelPriceView['origin'] =>
  source.list === OPERATOR ? 'bulkhead.yaml' : source.file === true ? 'prices file' : 'built in';

/** As the ledger reads them; the version is the publisher's and no part of a price. */
function operatorPrices(config: PriceConfig, table: PriceTable | undefined): OperatorPrices {
  const read = readOperatorPrices(JSON.stringify({ kind: 'prices', version: 0, ...config, ...(table !== undefined && { table }) }));
  if (!read.ok) throw new Error(read.error);
  return read.value;
}
