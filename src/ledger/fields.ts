import { isJsonObject, type Json, type JsonObject } from '../core/json.ts';
import { fail, ok, type Result } from '../core/result.ts';

/** Reads one field at a time of what another process sent; whatever is not exactly right is refused by the field's name. */

/** Ids of keys, organizations, teams, credentials, providers, rules. */
const ID = /^[A-Za-z0-9*][A-Za-z0-9._:*-]{0,127}$/;
const MAX_DURATION_MS = 7 * 86_400_000;
const MAX_TEXT = 256;
// oxlint-disable-next-line no-control-regex -- these are the characters to find
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g;
// oxlint-disable-next-line no-control-regex -- these are the characters to find
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;

class Refused extends Error {
  override readonly name = 'Refused';
}

/** Runs a check and gives its refusal as a value. */
export function checked<T>(check: () => T): Result<T, string> {
  try {
    return ok(check());
  } catch (error) {
    if (error instanceof Refused) return fail(error.message);
    throw error;
  }
}

export const refuse = (field: string): never => {
  throw new Refused(field);
};

export const object = (value: Json | undefined, field: string): JsonObject => (isJsonObject(value) ? value : refuse(field));

/** What `read` makes of each item of a list of at most `max`. */
export function list<T>(value: Json | undefined, field: string, max: number, read: (item: Json) => T): readonly T[] {
  if (!Array.isArray(value) || value.length > max) return refuse(field);
  return (value as readonly Json[]).map(read);
}

export function integer(from: JsonObject, field: string, max: number, min = 0): number {
  const value = from[field];
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max ? value : refuse(field);
}

/** Durations are measured with fractions and stored in whole milliseconds. */
export function duration(from: JsonObject, field: string): number {
  const value = from[field];
  return typeof value === 'number' && value >= 0 && value <= MAX_DURATION_MS ? Math.round(value) : refuse(field);
}

export const flag = (from: JsonObject, field: string): boolean => {
  const value = from[field];
  return typeof value === 'boolean' ? value : refuse(field);
};

export function matching<T extends string>(from: JsonObject, field: string, pattern: RegExp): T {
  const value = from[field];
  return typeof value === 'string' && pattern.test(value) ? (value as T) : refuse(field);
}

export const id = <T extends string>(from: JsonObject, field: string): T => matching<T>(from, field, ID);

/** An id, or '' where the sender has none. */
export function idOrNone<T extends string>(from: JsonObject, field: string): T {
  return from[field] === '' ? ('' as T) : matching<T>(from, field, ID);
}

/** Text that clients choose, such as a model name: shortened and cleared of control characters, because only its label depends on it. */
export function label(from: JsonObject, field: string): string {
  const value = from[field];
  if (typeof value !== 'string') return refuse(field);
  // Nearly all are as they should be.
  if (value.length <= MAX_TEXT && !CONTROL.test(value) && value.isWellFormed()) return value;
  return value.slice(0, MAX_TEXT).replace(CONTROLS, ' ').toWellFormed();
}

/** Text by which money is counted: taken as it is or not at all, because two texts must never become one. */
export function exactText(value: Json | undefined, field: string, max: number): string {
  const right = typeof value === 'string' && value.length > 0 && value.length <= max && value.isWellFormed() && !CONTROL.test(value);
  return right ? value : refuse(field);
}

export const generation = (from: JsonObject, field: string): string => {
  const value = from[field];
  return typeof value === 'string' && value.length > 0 && value.length <= MAX_TEXT ? value : refuse(field);
};

export function oneOf<T extends string>(from: JsonObject, field: string, allowed: readonly T[]): T {
  const value = from[field];
  return allowed.find((one) => one === value) ?? refuse(field);
}
