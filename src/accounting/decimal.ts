/**
 * `2.5`, `0.075`, `1e-7` as a whole number of 10⁻ᵈ, exactly: digits are moved, nothing is multiplied. Numbers are read by the digits that
 * stand for them. Undefined: negative, no number, or more than `decimals` decimals.
 */
export function scaledDecimal(value: string | number, decimals: number): bigint | undefined {
  const match = /^(\d{1,15})(?:\.(\d{1,20}))?(?:[eE]([+-]?\d{1,2}))?$/.exec(typeof value === 'number' ? String(value) : value);
  if (match === null) return undefined;
  const [, whole = '', fraction = '', exponent = '0'] = match;
  const digits = `${whole}${fraction}`;
  const shift = decimals + Number(exponent) - fraction.length;
  if (shift >= 0) return BigInt(digits + '0'.repeat(shift));
  const kept = digits.padStart(1 - shift, '0');
  return /^0*$/.test(kept.slice(shift)) ? BigInt(kept.slice(0, shift)) : undefined;
}
