import { rowOf } from '../config/catalogue/catalogue.ts';
import type { ProviderKind } from './provider-kind.ts';

/** What a kind with code of its own takes from its row of the catalogue. Throws for a kind that has no row. */
export function listed(kind: string): Pick<ProviderKind, 'kind' | 'baseUrl' | 'auth' | 'priceList' | 'environment'> {
  const { baseUrl, auth, priceList, environment } = rowOf(kind);
  return { kind, baseUrl, auth, priceList, environment };
}
