import { isJsonObject, type Json, type JsonObject } from '../core/json.ts';
import { UNITS, type Unit } from '../core/usage.ts';
import type { Rate, Rates } from './catalogue.ts';
import { TOKEN_RATES } from './rate-names.ts';

/** Checks of what another process sent as prices. Each gives a value or throws `Malformed`; nothing of a table with one is used. */
export class Malformed extends Error {
  override readonly name = 'Malformed';
}

export const malformed = (part: string): never => {
  throw new Malformed(`its ${part} is malformed`);
};

const MOST_NAME = 256;

export function integer(from: JsonObject, name: string, max: number): number | undefined {
  const value = from[name];
  if (value === undefined) return undefined;
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= max ? value : malformed(name);
}

export function word(from: JsonObject, name: string): string | undefined {
  const value = from[name];
  return value === undefined || (typeof value === 'string' && value.length > 0 && value.length <= MOST_NAME) ? value : malformed(name);
}

export function objects(value: Json | undefined, name: string, most: number): readonly JsonObject[] {
  if (!Array.isArray(value) || value.length > most) return malformed(name);
  return (value as readonly Json[]).map((item) => (isJsonObject(item) ? item : malformed(name)));
}

/** Conditions that it may have, `from` and `daily`, are not read here. */
export function readRates(value: Json | undefined): Rates {
  if (!isJsonObject(value)) return malformed('rates');
  const tokens = TOKEN_RATES.flatMap((name) => (value[name] === undefined ? [] : [[name, readRate(value[name])] as const]));
  const request = integer(value, 'request', Number.MAX_SAFE_INTEGER);
  const units = value['units'] === undefined ? undefined : readUnits(value['units']);
  const once = value['once'] === undefined ? undefined : readOnce(value['once']);
  return {
    ...Object.fromEntries(tokens),
    ...(request === undefined ? {} : { request }),
    ...(units === undefined ? {} : { units }),
    ...(once === undefined ? {} : { once }),
  };
}

/** A number, or a base followed by pairs of (above how many input tokens, price), the starts rising. */
function readRate(value: Json | undefined): Rate {
  const numbers = Array.isArray(value) ? (value as readonly Json[]) : [value];
  const whole = numbers.map((one) => (typeof one === 'number' && Number.isSafeInteger(one) && one >= 0 ? one : malformed('rate')));
  const starts = whole.filter((_, place) => place % 2 === 1);
  if (whole.length % 2 === 0 || starts.some((start, place) => place > 0 && start <= (starts[place - 1] ?? 0))) return malformed('rate');
  return Array.isArray(value) ? whole : (whole[0] ?? malformed('rate'));
}

function readUnits(value: Json): NonNullable<Rates['units']> {
  if (!isJsonObject(value)) return malformed('units');
  const units: Partial<Record<Unit, number>> = {};
  for (const unit of UNITS) {
    const rate = integer(value, unit, Number.MAX_SAFE_INTEGER);
    if (rate !== undefined) units[unit] = rate;
  }
  return units;
}

function readOnce(value: Json): readonly Unit[] {
  if (!Array.isArray(value)) return malformed('once');
  return (value as readonly Json[]).map((name) => UNITS.find((unit) => unit === name) ?? malformed('once'));
}
