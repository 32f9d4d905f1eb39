import { isJsonObject, type Json } from './json.ts';

/**
 * JSON whose whole numbers keep their digits where they are not ours to read: in what a model or a tool wrote, and in schemas. Such a number becomes an
 * object that `JSON.stringify` writes as it was (`JSON.rawJSON`); everything else is as `JSON.parse` gives it.
 */

interface RawJson {
  readonly rawJSON: string;
}

declare global {
  interface JSON {
    rawJSON(text: string): RawJson;
    isRawJSON(value: unknown): value is RawJson;
  }
}

/** Only text that may have such a number is read the slow way. */
const LONG_NUMBER = /[:,[\s]-?\d{16,}\s*[,\]}]/;
const WHOLE = /^-?\d+$/;

/** Members that hold what is only carried: arguments and results of tools, and schemas, by the names that they have in any of the protocols. */
const CARRIED: ReadonlySet<string> = new Set([
  'args',
  'arguments',
  'input',
  'inputSchema',
  'input_schema',
  'json',
  'json_schema',
  'parameters',
  'parametersJsonSchema',
  'response',
  'responseJsonSchema',
  'responseSchema',
  'response_schema',
  'schema',
]);

/** A body or an event. Throws what `JSON.parse` throws. */
export function parseExact(text: string): unknown {
  return LONG_NUMBER.test(text) ? readable(JSON.parse(text, keepDigits) as Json) : JSON.parse(text);
}

/** What is carried as a whole, such as the arguments of a call. Throws what `JSON.parse` throws. */
export const parseCarried = (text: string): unknown => (LONG_NUMBER.test(text) ? JSON.parse(text, keepDigits) : JSON.parse(text));

function keepDigits(_key: string, value: unknown, { source }: { readonly source?: string } = {}): unknown {
  const isLost = typeof value === 'number' && source !== undefined && !Number.isSafeInteger(value) && WHOLE.test(source);
  return isLost && String(value) !== source ? JSON.rawJSON(source) : value;
}

/** Numbers for whoever reads them, but for what is carried. Changes the value in place. */
function readable(value: Json): Json {
  if (Array.isArray(value)) {
    const list = value as Json[];
    for (const [index, item] of list.entries()) list[index] = readable(item);
    return list;
  }
  if (JSON.isRawJSON(value)) return Number(value.rawJSON);
  if (!isJsonObject(value)) return value;
  const object = value as { [name: string]: Json | undefined };
  for (const [name, item] of Object.entries(object)) if (item !== undefined && !CARRIED.has(name)) object[name] = readable(item);
  return value;
}
