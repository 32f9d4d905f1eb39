import type { Owners } from '../core/owner.ts';
import type { AdmissionPolicy, AdmissionRefusal } from '../core/rules.ts';
import type { BudgetMeter } from './budget-meter.ts';
import type { LimitMeter } from './limit-meter.ts';
import { budgetWords, dollarWords, measureWords, ownerWords, resetWords, roomWords, windowWords } from './words.ts';

type Names = AdmissionPolicy['names'];

/** The refusal of a limit that `cost` does not fit in. `now`: monotonic milliseconds. */
export function limitRefusal(meter: LimitMeter, owners: Owners, cost: number, now: number, names: Names): AdmissionRefusal {
  const { owner, amount, model, measure, id, windowMs } = meter.rule;
  const who = ownerWords(owner, names);
  if (measure === 'parallel') {
    return { code: 'too_many_parallel_requests', values: { owner: model === undefined ? who : `${who} (${model})`, limit: amount } };
  }
  const missing = cost - meter.available(owners, now);
  const seconds = Math.ceil(meter.msUntil(missing, now) / 1000);
  const window = windowWords(windowMs ?? 0);
  return {
    code: 'rate_limited',
    values: { owner: who, limit: amount, measure: measureWords(meter.rule, cost), window, seconds, rule: id },
  };
}

/** The refusal of a budget that `cost` does not fit in. `now`: Unix milliseconds. */
export function budgetRefusal(meter: BudgetMeter, cost: bigint, now: number, names: Names): AdmissionRefusal {
  const { rule } = meter;
  const { windowStart, resetsAt, ...sums } = meter.status(now);
  const [spent, held, amount] = [BigInt(sums.spent), BigInt(sums.reserved), BigInt(sums.amount)];
  const fitsAt = meter.fitsAt(cost, now);
  return {
    code: 'budget_exceeded',
    values: {
      owner: ownerWords(rule.owner, names),
      spent: dollarWords(spent),
      budget: dollarWords(amount),
      window: budgetWords(rule, windowStart),
      request: spent < amount ? roomWords(cost, amount - spent - held, held) : '',
      reset: resetWords(rule, resetsAt, fitsAt),
      rule: rule.id,
      seconds: fitsAt === null ? 0 : Math.max(1, Math.ceil((fitsAt - now) / 1000)),
    },
  };
}
