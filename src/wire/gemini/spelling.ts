import type { JsonObject } from '../../core/json.ts';
import type { Fields } from '../fields.ts';

/*
 * Google's API takes each member in camelCase and, as the names of its protocol buffers, in snake_case. Both are read; what came in the
 * second spelling is kept in it.
 */

const snakeOf = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
const camelOf = (name: string): string => name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

/** Under which of its two names the object has the member. */
export function spelled(fields: Fields, name: string): string {
  if (fields.peek(name) !== undefined) return name;
  const snake = snakeOf(name);
  if (snake === name || fields.peek(snake) === undefined) return name;
  fields.respell(snake);
  return snake;
}

/** The member of an object that was not read by `Fields`. */
export const memberOf = (object: JsonObject, name: string): JsonObject[string] => object[name] ?? object[snakeOf(name)];

/** The object as it came over what an encoder wrote: a member in snake_case takes the place of its other spelling. */
export function over(encoded: JsonObject, own: JsonObject | undefined): JsonObject {
  if (own === undefined) return encoded;
  const replaced = new Set(
    Object.keys(own)
      .filter((name) => name.includes('_'))
      .map(camelOf),
  );
  if (replaced.size === 0) return { ...encoded, ...own };
  return { ...Object.fromEntries(Object.entries(encoded).filter(([name]) => !replaced.has(name))), ...own };
}
