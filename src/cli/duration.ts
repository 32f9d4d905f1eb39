import { usageError } from './failure.ts';

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };

/** `90s`, `15m`, `12h`, `7d`, `2w` → seconds. `option` is named when it is none of them. */
export function seconds(text: string, option: string): number {
  const match = /^(\d{1,6})([smhdw])$/.exec(text);
  const unit = UNITS[match?.[2] ?? ''];
  if (match === null || unit === undefined) throw usageError(`${option} is not a time.`, 'Write it like 90s, 15m, 12h, 7d or 2w.');
  return Number(match[1]) * unit;
}

const WINDOWS: Readonly<Record<string, string>> = { second: '1s', minute: '1m', hour: '1h', day: '1d' };

/** The window of a limit, also by the word for one of its unit; the server judges the rest. */
export const limitWindow = (text: string): string => (Object.hasOwn(WINDOWS, text) ? (WINDOWS[text] as string) : text);

/** `7d` from now, or the RFC 3339 instant that it is. */
export const instantOf = (text: string, option: string, now = Date.now()): string =>
  text.includes('T') ? text : new Date(now + seconds(text, option) * 1000).toISOString();

/** A whole number above nothing. `option` is named when it is none. */
export function count(text: string, option: string): number {
  if (/^\d{1,15}$/.test(text) && Number(text) > 0) return Number(text);
  throw usageError(`${option} is not a whole number above 0.`, `Write it like ${option} 100.`);
}
