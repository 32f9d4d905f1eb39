import { isJsonObject, type Json, type JsonObject } from '../core/json.ts';

const list = (value: Json | undefined): readonly Json[] => (Array.isArray(value) ? (value as readonly Json[]) : []);

/** Every object closed and every property required, at every depth: what OpenAI asks of a schema before it guarantees it (`strict`). */
export function isStrictSchema(schema: JsonObject): boolean {
  const properties = isJsonObject(schema['properties']) ? schema['properties'] : {};
  const names = Object.keys(properties);
  const required = new Set(list(schema['required']));
  const isObject = schema['type'] === 'object' || names.length > 0;
  if (isObject && (schema['additionalProperties'] !== false || !names.every((name) => required.has(name)))) return false;
  const definitions = isJsonObject(schema['$defs']) ? schema['$defs'] : {};
  const inner = [...Object.values(properties), ...Object.values(definitions), schema['items'], ...list(schema['anyOf'])];
  return inner.every((value) => !isJsonObject(value) || isStrictSchema(value));
}
