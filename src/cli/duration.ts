import { usageError } from './failure.ts';

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };

/** `90s`, `15m`, `12h`, `7d`, `2w` → seconds. `option` is named when it is none of them. */
export function seconds(text: string, option: string): number {
  const match = /^(\d{1,6})([smhdw])$/.exec(text);
  const unit = UNITS[match?.[2] ?? ''];
  if (match === null || unit === undefined) throw usageError(`${option} is not a time.`, 'Write it like 90s, 15m, 12h, 7d or 2w.');
  return Number(match[1]) * unit;
}
