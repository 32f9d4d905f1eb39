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

/** The reverse, exactly: `12.5` → `12_500_000_000_000n`. Undefined for what is no plain decimal number with at most twelve decimals. */
export function parseDollars(text: string): Picodollars | undefined {
  const match = /^(\d{1,15})(?:\.(\d{1,12}))?$/.exec(text);
  return match === null ? undefined : picodollars(BigInt(`${match[1]}${(match[2] ?? '').padEnd(12, '0')}`));
}
