import { CATALOGUE } from '../../../accounting/catalogue.ts';
import { compareTables } from '../../../accounting/compare-tables.ts';
import { BUILT_IN } from '../../../accounting/price-book.ts';
import type { PricesView } from '../../../api/price-operations.ts';
import { loadPriceFile } from '../../../config/price-file.ts';
import type { ConfigProblem } from '../../../config/config.ts';
import { BulkheadError } from '../../../core/errors.ts';
import type { ControlDeps } from '../../deps.ts';
import type { Handlers } from '../../http/router.ts';
import { SANDBOX } from '../../snapshot.ts';
import { effective } from '../credentials/service.ts';
import { modelPrice } from './model-price.ts';
import { ratesView } from './view.ts';

type Names = 'prices.show' | 'prices.model' | 'prices.compare' | 'prices.apply' | 'prices.reset';

/** Which prices are in force, and the operator's table of list prices. */
export const priceRoutes = (deps: ControlDeps): Handlers<Names> => ({
  'prices.show': () => Promise.resolve(show(deps)),
  'prices.model': ({ query: { provider, model } }) => {
    const { models, prices, providers } = effective(deps);
    const list = provider === SANDBOX ? SANDBOX : providers.find(({ id }) => id === provider)?.priceList;
    if (list === undefined) return Promise.reject(new BulkheadError('resource_missing', { resource: 'provider', id: provider }));
    const targets = models.flatMap((one) => one.targets).filter((target) => target.provider === provider && target.model === model);
    const baseModel = targets.find((target) => target.baseModel !== undefined)?.baseModel;
    return Promise.resolve(modelPrice({ provider, model, baseModel, list }, prices, deps.listPrices.current?.table, deps.clock.now()));
  },
  'prices.compare': ({ body: { name, text } }) => {
    const read = loadPriceFile(text, name);
    if (!read.ok) return Promise.resolve({ version: null, problems: copied(read.error), changes: [], same: 0 });
    const { changes, same } = compareTables(deps.listPrices.current?.table, read.value);
    const words = changes.map(({ before, after, ...change }) => ({
      ...change,
      before: before.map(ratesView),
      after: after.map(ratesView),
    }));
    return Promise.resolve({ version: read.value.version, problems: [], changes: words, same });
  },
  'prices.apply': async ({ body: { name, text }, by }) => {
    const given = await deps.listPrices.give(by, name, text);
    return given.ok
      ? { applied: true, version: given.value.version, problems: [] }
      : { applied: false, version: null, problems: copied(given.error) };
  },
  'prices.reset': async ({ by }) => {
    await deps.listPrices.reset(by);
    return { reset: true };
  },
});

const copied = (problems: readonly ConfigProblem[]) => problems.map((problem) => ({ ...problem }));

function show(deps: ControlDeps): PricesView {
  const { prices, unknownPrice } = effective(deps);
  const { current, problems } = deps.listPrices;
  const lists = [...BUILT_IN.names];
  return {
    built_in: {
      version: BUILT_IN.version,
      source: CATALOGUE.source,
      lists: lists.length,
      models: lists.reduce((sum, list) => sum + BUILT_IN.models(list).length, 0),
    },
    table:
      current === undefined
        ? null
        : {
            version: current.table.version,
            name: current.name,
            origin: current.origin,
            source: current.table.source,
            models: Object.values(current.table.lists).reduce((sum, { models }) => sum + models.length, 0),
            applied_at: new Date(current.appliedAt).toISOString(),
          },
    entries: prices.entries.length,
    discounts: prices.discounts.length,
    margins: prices.margins.length,
    unknown_price: unknownPrice,
    problems: copied(problems),
  };
}
