import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts';

/** Google's `Schema` writes these as the text of a 64-bit number. */
const COUNTS: ReadonlySet<string> = new Set(['minItems', 'maxItems', 'minLength', 'maxLength', 'minProperties', 'maxProperties']);

const mapped = (value: Json | undefined): Json | undefined =>
  isJsonObject(value) ? Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, schemaOf(inner)])) : value;

const schemaOf = (value: Json | undefined): Json | undefined => (isJsonObject(value) ? jsonSchemaOf(value) : value);

function typeOf(type: Json | undefined, nullable: Json | undefined): Json | undefined {
  const plain = typeof type === 'string' ? type.toLowerCase() : type;
  if (plain === 'type_unspecified') return undefined;
  return nullable === true && typeof plain === 'string' && plain !== 'null' ? [plain, 'null'] : plain;
}

function member(name: string, value: Json | undefined, nullable: Json | undefined): readonly [string, Json | undefined] | undefined {
  switch (name) {
    case 'nullable':
    case 'propertyOrdering':
    case 'property_ordering':
      return undefined;
    case 'type':
      return ['type', typeOf(value, nullable)];
    case 'example':
      return ['examples', [value ?? null]];
    case 'properties':
      return ['properties', mapped(value)];
    case 'items':
      return ['items', schemaOf(value)];
    case 'anyOf':
    case 'any_of':
      return ['anyOf', Array.isArray(value) ? (value as readonly Json[]).map((inner) => schemaOf(inner) ?? null) : value];
    default:
      return [name, COUNTS.has(name) && typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value];
  }
}

/** Google's `Schema` (a subset of OpenAPI 3.0: types in capitals, `nullable`) as JSON Schema. The order of properties is lost where it was said apart. */
export function jsonSchemaOf(schema: JsonObject): JsonObject {
  const nullable = schema['nullable'];
  const members = Object.entries(schema)
    .map(([name, value]) => member(name, value, nullable))
    .filter((pair) => pair !== undefined);
  return Object.fromEntries(members);
}
