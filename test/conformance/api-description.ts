import fs from 'node:fs';
import type { Json, JsonObject } from '../../src/core/json.ts';

/** A provider's published API description (shared/specs), and whether a request satisfies one of its schemas. */

const SPECS = new URL('../../../shared/specs/', import.meta.url);

interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly nullable?: boolean;
  readonly const?: Json;
  readonly enum?: readonly Json[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly pattern?: string;
}

interface Posting {
  readonly post?: { readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> } };
}

const isObject = (value: Json | undefined): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value);

const typeOf = (value: Json): string => (value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value);

export class ApiDescription {
  readonly #schemas: Readonly<Record<string, Schema>>;
  readonly #paths: Readonly<Record<string, Posting>>;

  constructor(file: string) {
    const document = JSON.parse(fs.readFileSync(new URL(file, SPECS), 'utf8')) as {
      components: { schemas: Record<string, Schema> };
      paths: Readonly<Record<string, Posting>>;
    };
    this.#schemas = document.components.schemas;
    this.#paths = document.paths;
  }

  /** What is wrong with the body of a POST to `path`, members that the description does not know included. */
  bodyFaults(path: string, body: JsonObject): readonly string[] {
    const schema = this.#paths[path]?.post?.requestBody?.content['application/json']?.schema;
    if (schema === undefined) throw new Error(`the description has no POST ${path} with a JSON body`);
    const known = new Set(this.#members(schema));
    const unknown = Object.keys(body).filter((name) => !known.has(name));
    return [...this.#check(schema, body, ''), ...unknown.map((name) => `.${name}: is unknown`)];
  }

  /** What is wrong with the value; empty when nothing is. */
  faults(name: string, value: Json): readonly string[] {
    return this.#check(this.#named(name), value, '');
  }

  /** Names of all members that the schema knows, through its `allOf`. */
  members(name: string): ReadonlySet<string> {
    return new Set(this.#members(this.#named(name)));
  }

  #named(name: string): Schema {
    const schema = this.#schemas[name];
    if (schema === undefined) throw new Error(`the description has no schema ${name}`);
    return schema;
  }

  #members(schema: Schema): readonly string[] {
    if (schema.$ref !== undefined) return this.#members(this.#resolved(schema.$ref));
    return [...Object.keys(schema.properties ?? {}), ...(schema.allOf ?? []).flatMap((inner) => this.#members(inner))];
  }

  #resolved(ref: string): Schema {
    return this.#named(ref.slice('#/components/schemas/'.length));
  }

  #check(schema: Schema, value: Json, path: string): readonly string[] {
    if (schema.$ref !== undefined) return this.#check(this.#resolved(schema.$ref), value, path);
    if (schema.nullable === true && value === null) return [];
    return [
      ...this.#scalar(schema, value, path),
      ...this.#object(schema, value, path),
      ...(schema.allOf ?? []).flatMap((inner) => this.#check(inner, value, path)),
      ...this.#choice(schema.anyOf ?? schema.oneOf, value, path),
      ...(Array.isArray(value) && schema.items !== undefined
        ? (value as readonly Json[]).flatMap((item, index) => this.#check(schema.items as Schema, item, `${path}[${index}]`))
        : []),
    ];
  }

  #scalar(schema: Schema, value: Json, path: string): readonly string[] {
    const faults: string[] = [];
    const types = schema.type === undefined ? [] : typeof schema.type === 'string' ? [schema.type] : schema.type;
    const actual = typeOf(value);
    const fits = types.length === 0 || types.includes(actual) || (types.includes('integer') && Number.isInteger(value));
    if (!fits) faults.push(`${path}: is ${actual}, not ${types.join(' or ')}`);
    if (schema.const !== undefined && value !== schema.const) faults.push(`${path}: is not ${JSON.stringify(schema.const)}`);
    if (schema.enum !== undefined && !schema.enum.includes(value))
      faults.push(`${path}: ${JSON.stringify(value)} is none of ${JSON.stringify(schema.enum)}`);
    if (typeof value === 'number' && (value < (schema.minimum ?? -Infinity) || value > (schema.maximum ?? Infinity)))
      faults.push(`${path}: ${value} is out of range`);
    if (typeof value === 'string') {
      if (value.length < (schema.minLength ?? 0) || value.length > (schema.maxLength ?? Infinity))
        faults.push(`${path}: its length is out of range`);
      if (schema.pattern !== undefined && !new RegExp(schema.pattern, 'u').test(value))
        faults.push(`${path}: ${value} does not match ${schema.pattern}`);
    }
    if (Array.isArray(value) && value.length < (schema.minItems ?? 0)) faults.push(`${path}: has too few items`);
    return faults;
  }

  #object(schema: Schema, value: Json, path: string): readonly string[] {
    if (!isObject(value)) return [];
    const missing = (schema.required ?? []).filter((name) => value[name] === undefined).map((name) => `${path}.${name}: is missing`);
    const known = schema.properties ?? {};
    const inner = Object.entries(value).flatMap(([name, member]) => {
      const property = known[name];
      if (property !== undefined) return this.#check(property, member ?? null, `${path}.${name}`);
      return schema.additionalProperties === false ? [`${path}.${name}: is unknown`] : [];
    });
    return [...missing, ...inner];
  }

  /** The faults of the branch that fits best: fewest, or else found deepest. */
  #choice(branches: readonly Schema[] | undefined, value: Json, path: string): readonly string[] {
    if (branches === undefined) return [];
    const tried = branches.map((branch) => this.#check(branch, value, path));
    const depth = (faults: readonly string[]): number => faults[0]?.indexOf(':') ?? 0;
    const isBetter = (one: readonly string[], other: readonly string[]): boolean =>
      one.length < other.length || (one.length === other.length && depth(one) > depth(other));
    return tried.reduce((best, faults) => (isBetter(faults, best) ? faults : best), tried[0] ?? []);
  }
}
