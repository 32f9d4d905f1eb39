import type { z } from 'zod';
import type { ConfigProblem } from './config.ts';
import type { ConfigDocument, Path } from './document.ts';
import { configSchema } from './schema.ts';
import { closest } from './suggest.ts';

/** Turns what the schema refuses into places, reasons and remedies. Values are never quoted. */
export const schemaProblems = (issues: readonly z.core.$ZodIssue[], document: ConfigDocument): readonly ConfigProblem[] =>
  issues.flatMap((issue) => problemsOf(innermost(issue), document));

/** Of a union's branches, the one that understood most of the value: a typo in `{ header: … }` is about `header`, not about `bearer`. */
export function innermost(issue: z.core.$ZodIssue): z.core.$ZodIssue {
  if (issue.code !== 'invalid_union') return issue;
  const deeper = issue.errors
    .flat()
    .filter((inner) => inner.path.length > 0 || inner.code === 'unrecognized_keys' || inner.code === 'invalid_format')
    .sort((a, b) => rank(b) - rank(a))[0];
  return deeper === undefined ? issue : innermost({ ...deeper, path: [...issue.path, ...deeper.path] });
}

const rank = (issue: z.core.$ZodIssue): number => issue.path.length + (issue.code === 'unrecognized_keys' ? 10 : 0);

function problemsOf(issue: z.core.$ZodIssue, document: ConfigDocument): readonly ConfigProblem[] {
  const path = issue.path;
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey(path, key, document));
  const field = pathText(path);
  if (issue.code === 'invalid_key') {
    return [
      {
        ...document.placeOfKey(path),
        reason: `the name ${quoteName(path.at(-1))} is not allowed`,
        remedy: `A name here ${issue.issues[0]?.message ?? 'must be plain'}.`,
      },
    ];
  }
  return [{ ...document.placeOf(path), reason: reasonOf(issue, field, document), remedy: meantOf(issue, document) ?? remedyOf(path) }];
}

function unknownKey(path: Path, key: string, document: ConfigDocument): ConfigProblem {
  const known = knownKeys(path);
  const meant = closest(key, known);
  const where = path.length === 0 ? '' : ` in ${pathText(path)}`;
  return {
    ...document.placeOfKey([...path, key]),
    reason: `unknown key ${quoteName(key)}${where}`,
    remedy: remedyOfUnknown(key, meant, known),
  };
}

function remedyOfUnknown(key: string, meant: string | undefined, known: readonly string[]): string {
  if (/key|secret|token|password/i.test(key) && meant === undefined)
    return 'No secret belongs in this file. Add it with: bulkhead credential add <name>.';
  return meant === undefined ? `Known here: ${known.join(', ')}.` : `Did you mean ${meant}?`;
}

/** Lists longer than this are not recited. */
const MANY_VALUES = 12;

/** The name that a misspelled one of a long list was probably meant to be. */
function meantOf(issue: z.core.$ZodIssue, document: ConfigDocument): string | undefined {
  const value = valueAt(document.value, issue.path);
  if (issue.code !== 'invalid_value' || issue.values.length <= MANY_VALUES || typeof value !== 'string') return undefined;
  const meant = closest(value, issue.values.map(String));
  return meant === undefined ? undefined : `Did you mean ${meant}?`;
}

export function reasonOf(issue: z.core.$ZodIssue, field: string, document: ConfigDocument): string {
  if (valueAt(document.value, issue.path) === undefined) return `${field} is missing`;
  switch (issue.code) {
    case 'invalid_type':
      return `${field} must be ${article(issue.expected)}`;
    case 'invalid_value':
      return issue.values.length > MANY_VALUES
        ? `${field} is none of the ${issue.values.length} names it may be`
        : `${field} must be ${issue.values.length === 1 ? '' : 'one of '}${issue.values.map(String).join(', ')}`;
    case 'too_small':
      return `${field} must be at least ${String(issue.minimum)}${unitOf(issue.origin)}`;
    case 'too_big':
      return `${field} must be at most ${String(issue.maximum)}${unitOf(issue.origin)}`;
    case 'invalid_format':
      return `${field} ${issue.message}`;
    default:
      return `${field} has none of the forms it may have`;
  }
}

const unitOf = (origin: string): string => (origin === 'string' ? ' characters' : origin === 'array' ? ' entries' : '');
const article = (type: string): string =>
  type === 'object' || type === 'record'
    ? 'a mapping of keys to values'
    : type === 'array'
      ? 'a list'
      : type === 'int'
        ? 'a whole number'
        : `a ${type}`;

/** A name as it may be shown: short and plain, since it comes from the file. */
export const quoteName = (name: PropertyKey | undefined): string => {
  const text = String(name);
  return /^[\w./:@+-]{1,64}$/.test(text) ? text : '(not plain)';
};

export const pathText = (path: Path): string =>
  path.length === 0
    ? 'the file'
    : path.map((step, i) => (typeof step === 'number' ? `[${step}]` : `${i === 0 ? '' : '.'}${quoteName(step)}`)).join('');

const valueAt = (value: unknown, path: Path): unknown =>
  path.reduce<unknown>(
    (inner, step) => (typeof inner === 'object' && inner !== null ? (inner as Record<PropertyKey, unknown>)[step] : undefined),
    value,
  );

/** The first sentence of the field's manual. */
function remedyOf(path: Path): string {
  const described = schemaAt(path)?.description ?? schemaAt(path.slice(0, -1))?.description;
  return described === undefined
    ? 'See docs/reference/config.md.'
    : described.replace(/\s*\*Restart\.\*$/, '').replace(/\[([^\]]*)\]\(([^)]*)\)/g, '$1 (docs/reference/$2)');
}

interface SchemaNode {
  readonly description: string | undefined;
  readonly keys: readonly string[];
}

function knownKeys(path: Path): readonly string[] {
  return schemaAt(path)?.keys ?? [];
}

/** Walks the schema beside the path; unions contribute the keys of all their forms. */
function schemaAt(path: Path): SchemaNode | undefined {
  let current: z.core.$ZodType[] = [configSchema];
  let description: string | undefined = configSchema.description;
  for (const step of path) {
    const next = current.flatMap((schema) => childrenOf(unwrap(schema), step));
    if (next.length === 0) return undefined;
    description = next.map(descriptionOf).find((text) => text !== undefined);
    current = next;
  }
  return { description, keys: current.flatMap((schema) => keysOf(unwrap(schema))) };
}

type Def = z.core.$ZodTypes['_zod']['def'];
const defOf = (schema: z.core.$ZodType): Def => schema._zod.def as Def;

function unwrap(schema: z.core.$ZodType): z.core.$ZodType {
  const def = defOf(schema);
  return def.type === 'optional' || def.type === 'default' || def.type === 'prefault' ? unwrap(def.innerType) : schema;
}

function descriptionOf(schema: z.core.$ZodType): string | undefined {
  const own = (schema as z.ZodType).description;
  const inner = unwrap(schema);
  return own ?? (inner === schema ? undefined : (inner as z.ZodType).description);
}

function childrenOf(schema: z.core.$ZodType, step: PropertyKey): z.core.$ZodType[] {
  const def = defOf(schema);
  if (def.type === 'object') return [def.shape[String(step)]].filter((child) => child !== undefined);
  if (def.type === 'record') return [def.valueType];
  if (def.type === 'array') return [def.element];
  if (def.type === 'union') return def.options.flatMap((option) => childrenOf(unwrap(option), step));
  return [];
}

function keysOf(schema: z.core.$ZodType): readonly string[] {
  const def = defOf(schema);
  if (def.type === 'object') return Object.keys(def.shape);
  return def.type === 'union' ? def.options.flatMap((option) => keysOf(unwrap(option))) : [];
}
