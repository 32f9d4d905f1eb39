declare const brand: unique symbol;

/** 10⁻¹² of a US dollar, a whole number. The only unit of money inside Bulkhead. */
export type Picodollars = bigint & { readonly [brand]: 'Picodollars' };

const PICODOLLARS_PER_DOLLAR = 1_000_000_000_000n;

export const picodollars = (amount: bigint): Picodollars => amount as Picodollars;

/** Decimal dollars without rounding: `1_250_000n` → `0.00000125`. At least two decimals. */
export function formatDollars(amount: Picodollars): string {
  const sign = amount < 0n ? '-' : '';
  const absolute: bigint = amount < 0n ? 0n - amount : amount;
  const whole = absolute / PICODOLLARS_PER_DOLLAR;
  const fraction = (absolute % PICODOLLARS_PER_DOLLAR).toString().padStart(12, '0');
  const trimmed = fraction.replace(/0+$/, '').padEnd(2, '0');
  return `${sign}${whole}.${trimmed}`;
}
