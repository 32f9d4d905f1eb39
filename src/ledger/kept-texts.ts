import { readOperatorPrices, type OperatorPrices } from '../accounting/operator-prices.ts';
import { BulkheadError } from '../core/errors.ts';
import type { AdmissionPolicy } from '../core/rules.ts';
import { checkPolicy } from './check-rules.ts';
import type { Kept } from './signed-keeper.ts';

/** Without it nobody knows what is allowed, so that nothing is. */
export const KEPT_POLICY: Kept<AdmissionPolicy> = {
  file: 'admission-policy.json',
  field: 'policy',
  noun: 'admission policy',
  event: 'admission.policy_',
  withoutIt: 'nothing is admitted without it',
  busy: 'admission_unavailable',
  read: (text) => {
    const policy = checkPolicy(text);
    if (policy.ok) return policy.value;
    throw new BulkheadError('invalid_field', { field: policy.error, reason: 'it is not what an admission policy has there' });
  },
};

export const KEPT_PRICES: Kept<OperatorPrices> = {
  file: 'prices.json',
  field: 'prices',
  noun: 'operator’s price table',
  event: 'prices.',
  withoutIt: 'the catalogue alone holds',
  busy: 'ledger_unavailable',
  read: (text) => {
    const prices = readOperatorPrices(text);
    if (prices.ok) return prices.value;
    throw new BulkheadError('invalid_field', { field: 'prices', reason: prices.error });
  },
};
