import type { ReserveRequest, ReserveTarget } from './admission.ts';

/** What a call may cost at most, at the prices of now. `known` false: taken from the dearest of its list. */
export type PriceOf = (target: ReserveTarget, most: Most) => { readonly picodollars: bigint; readonly known: boolean };

/** Upper bounds of one call. */
export type Most = Pick<ReserveRequest, 'maxInputTokens' | 'maxOutputTokens' | 'maxUnits'>;

/** A target and what the request costs there at most. */
export interface Quote {
  readonly target: ReserveTarget;
  readonly picodollars: bigint;
  readonly known: boolean;
}

/** A request without targets is priced as a model that nobody knows: not to say where it goes makes nothing free. */
export function quote(request: ReserveRequest, priceOf: PriceOf): readonly Quote[] {
  const { alias, targets } = request;
  const asked = targets === undefined || targets.length === 0 ? [{ provider: '', model: alias, priceList: '' }] : targets;
  return asked.map((target) => {
    const { picodollars, known } = priceOf(target, request);
    return { target, picodollars, known };
  });
}

/** The dearest at a provider, or at any. Undefined: the request does not go there. */
export function dearest(quotes: readonly Quote[], provider: string | undefined): bigint | undefined {
  let most: bigint | undefined;
  for (const { target, picodollars } of quotes) {
    if (provider !== undefined && target.provider !== '' && target.provider !== provider) continue;
    if (most === undefined || picodollars > most) most = picodollars;
  }
  return most;
}
