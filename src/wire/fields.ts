import { isJsonObject, type Json, type JsonObject } from '../core/json.ts';
import { fail, ok, type Result } from '../core/result.ts';
import type { Extensions } from '../canonical/part.ts';
import type { FieldError } from './protocol.ts';

/** A body that a codec cannot understand. Never leaves the codecs: `understood` turns it into a result. */
export class FieldFault extends Error {
  override readonly name = 'FieldFault';
  readonly fault: FieldError;

  constructor(field: string, reason: string) {
    super(`${field}: ${reason}`);
    this.fault = { field, reason };
  }
}

/** The border of a decoder: what it gave, or the field it stumbled over. */
export function understood<T>(decode: () => T): Result<T, FieldError> {
  try {
    return ok(decode());
  } catch (error) {
    if (error instanceof FieldFault) return fail(error.fault);
    throw error;
  }
}

/**
 * Reads the members of one object. A member counts as taken when it was read and is not null; `extensions` holds
 * all others, nulls included, so that nothing that was not understood is lost.
 */
export class Fields {
  readonly #object: JsonObject;
  readonly #taken = new Set<string>();
  readonly #respelled = new Set<string>();
  #lostInside: readonly string[] = [];
  readonly path: string;

  constructor(value: Json | undefined, path: string) {
    if (!isJsonObject(value)) throw new FieldFault(path === '' ? 'body' : path, 'must be an object');
    this.#object = value;
    this.path = path;
  }

  /** The member's own path. */
  at(name: string): string {
    return this.path === '' ? name : `${this.path}.${name}`;
  }

  value(name: string): Json | undefined {
    const value = this.#object[name];
    if (value === undefined || value === null) return undefined;
    this.#taken.add(name);
    return value;
  }

  /** Looks without taking. */
  peek(name: string): Json | undefined {
    return this.#object[name] ?? undefined;
  }

  string(name: string): string | undefined {
    const value = this.value(name);
    if (value === undefined || typeof value === 'string') return value;
    throw new FieldFault(this.at(name), 'must be a string');
  }

  number(name: string): number | undefined {
    const value = this.value(name);
    if (value === undefined || typeof value === 'number') return value;
    throw new FieldFault(this.at(name), 'must be a number');
  }

  boolean(name: string): boolean | undefined {
    const value = this.value(name);
    if (value === undefined || typeof value === 'boolean') return value;
    throw new FieldFault(this.at(name), 'must be true or false');
  }

  array(name: string): readonly Json[] | undefined {
    const value = this.value(name);
    if (value === undefined || Array.isArray(value)) return value as readonly Json[] | undefined;
    throw new FieldFault(this.at(name), 'must be a list');
  }

  object(name: string): JsonObject | undefined {
    const value = this.value(name);
    if (value === undefined || isJsonObject(value)) return value;
    throw new FieldFault(this.at(name), 'must be an object');
  }

  fields(name: string): Fields | undefined {
    const value = this.value(name);
    return value === undefined ? undefined : new Fields(value, this.at(name));
  }

  requiredString(name: string): string {
    return this.string(name) ?? this.missing(name, 'a string');
  }

  requiredArray(name: string): readonly Json[] {
    return this.array(name) ?? this.missing(name, 'a list');
  }

  missing(name: string, what: string): never {
    throw new FieldFault(this.at(name), `must be ${what}, but is missing`);
  }

  /** The member is understood, but an encoder of this protocol would spell it otherwise: it is kept as it came. */
  respell(...names: readonly string[]): void {
    for (const name of names) if (this.#object[name] !== undefined) this.#respelled.add(name);
  }

  /** `inner` was read from the member `name`: what is left in it is kept with the whole member. */
  within(name: string, inner: Fields): void {
    const lost = inner.lost();
    if (!inner.hasRest()) return;
    this.respell(name);
    this.#lostInside = [...this.#lostInside, ...lost.map((left) => `${name}.${left}`)];
  }

  /** The member was looked into but not understood after all. */
  untake(name: string): void {
    this.#taken.delete(name);
  }

  hasRest(): boolean {
    return this.#respelled.size > 0 || Object.entries(this.#object).some(([name, value]) => value !== undefined && !this.#taken.has(name));
  }

  /** Names of what was not understood. A null says nothing, so nothing is lost with it. */
  lost(): readonly string[] {
    const untaken = Object.entries(this.#object).filter(
      ([name, value]) => value !== undefined && value !== null && !this.#taken.has(name) && !this.#respelled.has(name),
    );
    return [...untaken.map(([name]) => name), ...this.#lostInside];
  }

  extensions(protocol: string): Extensions | undefined {
    const left = Object.entries(this.#object).filter(
      ([name, value]) => value !== undefined && (!this.#taken.has(name) || this.#respelled.has(name)),
    );
    // fromEntries defines own members, so a key named __proto__ stays a key.
    return left.length === 0 ? undefined : { [protocol]: { members: Object.fromEntries(left), lost: this.lost() } };
  }
}

/** What goes back over the members that an encoder wrote, if the object came in its own protocol. */
export const ownMembers = (extensions: Extensions | undefined, protocol: string): JsonObject | undefined => extensions?.[protocol]?.members;
