import fs from 'node:fs';
import type { Json, JsonObject } from '../../src/core/json.ts';

/** An Amazon service's description of its API (shared/specs, botocore's `service-2.json`), and whether a request satisfies one of its shapes. */

const SPECS = new URL('../../../shared/specs/', import.meta.url);

interface Shape {
  readonly type: string;
  readonly document?: boolean;
  readonly union?: boolean;
  readonly members?: Readonly<Record<string, { readonly shape: string; readonly location?: string }>>;
  readonly required?: readonly string[];
  readonly member?: { readonly shape: string };
  readonly key?: { readonly shape: string };
  readonly value?: { readonly shape: string };
  readonly enum?: readonly string[];
  readonly pattern?: string;
  readonly min?: number;
  readonly max?: number;
}

const isObject = (value: Json | undefined): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value);

const SCALARS: Readonly<Record<string, string>> = {
  string: 'string',
  blob: 'string',
  boolean: 'boolean',
  integer: 'number',
  long: 'number',
  float: 'number',
  double: 'number',
};

export class AwsDescription {
  readonly #shapes: Readonly<Record<string, Shape>>;

  constructor(file: string) {
    const document = JSON.parse(fs.readFileSync(new URL(file, SPECS), 'utf8')) as { shapes: Record<string, Shape> };
    this.#shapes = document.shapes;
  }

  /** What is wrong with the body; empty when nothing is. Members that stand in the path are not asked for. */
  faults(name: string, value: Json, path = ''): readonly string[] {
    const shape = this.#shapes[name];
    if (shape === undefined) throw new Error(`the description has no shape ${name}`);
    if (shape.document === true) return [];
    switch (shape.type) {
      case 'structure':
        return isObject(value) ? this.#structure(shape, value, path) : [`${path}: is no object`];
      case 'list':
        return Array.isArray(value) ? this.#list(shape, value as readonly Json[], path) : [`${path}: is no list`];
      case 'map':
        return isObject(value) ? this.#map(shape, value, path) : [`${path}: is no object`];
      default:
        return this.#scalar(shape, value, path);
    }
  }

  #structure(shape: Shape, value: JsonObject, path: string): readonly string[] {
    const known = shape.members ?? {};
    const inBody = (name: string): boolean => known[name]?.location === undefined;
    const missing = (shape.required ?? []).filter((name) => inBody(name) && value[name] === undefined);
    const said = Object.entries(value);
    const inner = said.flatMap(([name, member]) => {
      const shapeName = known[name]?.shape;
      return shapeName === undefined ? [`${path}.${name}: is unknown`] : this.faults(shapeName, member ?? null, `${path}.${name}`);
    });
    const choice = shape.union === true && said.length !== 1 ? [`${path}: has ${said.length} members, not one`] : [];
    return [...missing.map((name) => `${path}.${name}: is missing`), ...choice, ...inner];
  }

  #list(shape: Shape, value: readonly Json[], path: string): readonly string[] {
    const size = this.#size(shape, value.length, path);
    return [...size, ...value.flatMap((item, index) => this.faults(shape.member?.shape ?? '', item, `${path}[${index}]`))];
  }

  #map(shape: Shape, value: JsonObject, path: string): readonly string[] {
    const size = this.#size(shape, Object.keys(value).length, path);
    const inner = Object.entries(value).flatMap(([name, member]) => [
      ...this.faults(shape.key?.shape ?? '', name, `${path} key`),
      ...this.faults(shape.value?.shape ?? '', member ?? null, `${path}.${name}`),
    ]);
    return [...size, ...inner];
  }

  #scalar(shape: Shape, value: Json, path: string): readonly string[] {
    const wanted = SCALARS[shape.type];
    if (wanted === undefined || typeof value !== wanted) return [`${path}: ${JSON.stringify(value)} is no ${shape.type}`];
    if (typeof value === 'number') {
      const isWhole = shape.type === 'float' || shape.type === 'double' || Number.isInteger(value);
      return [...(isWhole ? [] : [`${path}: is no whole number`]), ...this.#size(shape, value, path)];
    }
    if (typeof value !== 'string' || shape.type === 'blob') return [];
    const isListed = shape.enum === undefined || shape.enum.includes(value);
    const matches = shape.pattern === undefined || new RegExp(`^(?:${shape.pattern})$`).test(value);
    return [
      ...(isListed ? [] : [`${path}: ${value} is none of ${shape.enum?.join()}`]),
      ...(matches ? [] : [`${path}: ${value} does not match ${shape.pattern}`]),
      ...this.#size(shape, value.length, path),
    ];
  }

  #size({ min = -Infinity, max = Infinity }: Shape, size: number, path: string): readonly string[] {
    return size < min || size > max ? [`${path}: ${size} is not from ${min} to ${max}`] : [];
  }
}
