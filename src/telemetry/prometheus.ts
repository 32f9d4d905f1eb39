import { isJsonObject, type Json, type JsonObject } from '../core/json.ts';
import type { FamilySnapshot, MetricKind } from './snapshot.ts';

/** A process's snapshot and the labels that say whose it is. They win over labels of the same name inside it. */
export interface MetricsPart {
  readonly labels: Readonly<Record<string, string>>;
  readonly snapshot: JsonObject;
}

const KINDS: readonly MetricKind[] = ['counter', 'gauge', 'histogram'];
const NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
const MALFORMED = 'bulkhead_metrics_malformed_families';

/**
 * The text exposition format 0.0.4 of all parts together: each family once, its series told apart by the parts' labels.
 * A snapshot comes from another process and may be wrong: a family that is not well-formed is left out and counted.
 */
export function renderPrometheus(parts: readonly MetricsPart[]): string {
  const families = new Map<string, { readonly first: FamilySnapshot; readonly lines: string[] }>();
  const malformed: { readonly part: MetricsPart; readonly count: number }[] = [];
  for (const part of parts) {
    let count = 0;
    for (const value of familiesOf(part.snapshot)) {
      const family = readFamily(value);
      const known = family === undefined ? undefined : (families.get(family.name) ?? { first: family, lines: [] });
      if (family === undefined || known === undefined || !fits(known.first, family) || family.name === MALFORMED) {
        count++;
        continue;
      }
      families.set(family.name, known);
      known.lines.push(...familyLines(family, part.labels));
    }
    if (count > 0) malformed.push({ part, count });
  }
  const text = [...families.values()].map(({ first, lines }) => heading(first.name, first.kind, first.help) + lines.join(''));
  if (malformed.length > 0) {
    text.push(heading(MALFORMED, 'gauge', 'Families of a process that were left out because they are not well-formed.'));
    for (const { part, count } of malformed) text.push(line(MALFORMED, pairs([], [], part.labels), count));
  }
  return text.join('');
}

const familiesOf = (snapshot: JsonObject): readonly Json[] => (Array.isArray(snapshot['families']) ? snapshot['families'] : [null]);

const fits = (first: FamilySnapshot, other: FamilySnapshot): boolean =>
  first.kind === other.kind && first.buckets.join() === other.buckets.join();

const heading = (name: string, kind: MetricKind, help: string): string =>
  `# HELP ${name} ${help.replace(/\\/g, '\\\\').replace(/\r?\n|\r/g, '\\n')}\n# TYPE ${name} ${kind}\n`;

function familyLines(family: FamilySnapshot, extra: Readonly<Record<string, string>>): string[] {
  return family.series.flatMap(({ labels, values }) => {
    const own = pairs(family.labels, labels, extra);
    if (family.kind !== 'histogram') return [line(family.name, own, values[0] as number)];
    let count = 0;
    const lines = family.buckets.map((bound, i) =>
      line(`${family.name}_bucket`, [...own, `le="${bound}"`], (count += values[i] as number)),
    );
    count += values[family.buckets.length] as number;
    lines.push(line(`${family.name}_bucket`, [...own, 'le="+Inf"'], count));
    lines.push(line(`${family.name}_sum`, own, values.at(-1) as number), line(`${family.name}_count`, own, count));
    return lines;
  });
}

const line = (name: string, labels: readonly string[], value: number): string =>
  `${name}${labels.length === 0 ? '' : `{${labels.join(',')}}`} ${value}\n`;

function pairs(names: readonly string[], values: readonly string[], extra: Readonly<Record<string, string>>): string[] {
  const own = names.flatMap((name, i) => (Object.hasOwn(extra, name) ? [] : [[name, values[i] as string] as const]));
  return [...Object.entries(extra), ...own].map(([name, value]) => `${name}="${escapeValue(value)}"`);
}

const escapeValue = (value: string): string =>
  value
    .replace(/\\/g, '\\\\')
    .replace(/"/g, '\\"')
    .replace(/\r?\n|\r/g, '\\n');

function readFamily(value: Json): FamilySnapshot | undefined {
  if (!isJsonObject(value)) return undefined;
  const { name, kind, help, labels = [], buckets = [], series } = value;
  const known = KINDS.find((item) => item === kind);
  if (typeof name !== 'string' || !NAME.test(name) || known === undefined || typeof help !== 'string') return undefined;
  if (!isListOf(labels, isLabelName) || !isListOf(buckets, isNumber) || !Array.isArray(series)) return undefined;
  const width = known === 'histogram' ? buckets.length + 2 : 1;
  const isSeries = (item: Json): item is JsonObject & FamilySnapshot['series'][number] =>
    isJsonObject(item) &&
    isListOf(item['labels'], isString) &&
    item['labels'].length === labels.length &&
    isListOf(item['values'], isNumber) &&
    item['values'].length === width;
  return series.every(isSeries) ? { name, kind: known, help, labels, buckets, series } : undefined;
}

const isString = (value: Json): value is string => typeof value === 'string';
const isNumber = (value: Json): value is number => typeof value === 'number';
const isLabelName = (value: Json): value is string => isString(value) && NAME.test(value) && value !== 'le';
const isListOf = <T extends Json>(value: Json | undefined, isItem: (item: Json) => item is T): value is readonly T[] =>
  Array.isArray(value) && value.every((item) => isItem(item as Json));
