import { isAlias, isMap, isPair, isScalar, isSeq, LineCounter, parseDocument, visit, type Document, type Node } from 'yaml';
import { fail, ok, type Result } from '../core/result.ts';
import type { ConfigProblem } from './config.ts';

const MAX_BYTES = 1_048_576;
/** Expansions of `*anchor` in one file. Beyond it the text is an attack, not a configuration. */
const MAX_ALIASES = 64;

export type Path = readonly PropertyKey[];
/** Takes a problem at a place of the file. */
export type Complain = (path: Path, reason: string, remedy: string) => void;
export type Place = Pick<ConfigProblem, 'file' | 'line' | 'column'>;

/** A parsed YAML text that can still say where each value stands. */
export interface ConfigDocument {
  readonly value: unknown;
  /** Where the value at `path` stands, or the nearest thing around it. */
  placeOf(path: Path): Place;
  /** Where the key at the end of `path` stands. */
  placeOfKey(path: Path): Place;
  placeAt(offset: number): Place;
}

/** The pair with that key, or undefined. */
const pairOf = (node: unknown, key: PropertyKey) =>
  isMap(node) ? node.items.find((item) => isPair(item) && isScalar(item.key) && String(item.key.value) === String(key)) : undefined;

interface Found {
  readonly node: unknown;
  /** The innermost thing with a position, on the way to `node`. */
  readonly near: number;
  /** Position of the last key on the way. */
  readonly key: number;
}

const startOf = (node: unknown): number | undefined => (node as Node | null | undefined)?.range?.[0];

function find(doc: Document, path: Path): Found {
  let found: Found = { node: doc.contents, near: startOf(doc.contents) ?? 0, key: 0 };
  for (const step of path) {
    const inside = isAlias(found.node) ? found.node.resolve(doc) : found.node;
    const pair = pairOf(inside, step);
    const next: unknown = isSeq(inside) && typeof step === 'number' ? inside.items[step] : pair?.value;
    const key = startOf(pair?.key) ?? found.near;
    found = { node: next, near: startOf(next) ?? key, key };
    if (next === undefined || next === null) break;
  }
  return found;
}

/** Parses YAML 1.2 strictly: one document, no duplicate keys, no tags of its own, bounded. */
export function parseConfigDocument(text: string, file: string): Result<ConfigDocument, readonly ConfigProblem[]> {
  if (Buffer.byteLength(text) > MAX_BYTES) {
    return fail([
      {
        file,
        line: 1,
        column: 1,
        reason: `the file is larger than ${MAX_BYTES} bytes`,
        remedy: 'Keep it below; most configurations have a few hundred lines.',
      },
    ]);
  }
  const lines = new LineCounter();
  const doc = parseDocument(text, {
    lineCounter: lines,
    uniqueKeys: true,
    strict: true,
    version: '1.2',
    schema: 'core',
    merge: false,
    prettyErrors: false,
  });
  const placeAt = (offset: number): Place => {
    const { line, col } = lines.linePos(Math.min(offset, text.length));
    return { file, line: Math.max(1, line), column: Math.max(1, col) };
  };
  const broken = [...doc.errors, ...doc.warnings];
  if (broken.length > 0) {
    return fail(
      broken.map((error) => ({
        ...placeAt(error.pos[0]),
        reason: `not valid YAML: ${yamlReason(error.code, error.message)}`,
        remedy: yamlRemedy(error.code),
      })),
    );
  }
  const traps = trapsIn(doc);
  if (traps.length > 0) return fail(traps.map(({ offset, ...words }) => ({ ...placeAt(offset), ...words })));
  try {
    const value: unknown = doc.toJS({ maxAliasCount: MAX_ALIASES });
    return ok({ value, placeAt, placeOf: (path) => placeAt(find(doc, path).near), placeOfKey: (path) => placeAt(find(doc, path).key) });
  } catch {
    // Aliases without an anchor were told above, so what is left is their number.
    return fail([{ ...placeAt(0), reason: 'too many aliases (`*name`)', remedy: 'Write the values out.' }]);
  }
}

interface Trap extends Pick<ConfigProblem, 'reason' | 'remedy'> {
  readonly offset: number;
}

/** What YAML allows and no object built from it should hold. */
function trapsIn(doc: Document): readonly Trap[] {
  const traps: Trap[] = [];
  visit(doc, {
    Pair: (_, { key }) => {
      if (isScalar(key) && key.value === '__proto__')
        traps.push({ offset: startOf(key) ?? 0, reason: 'the name __proto__ is not allowed', remedy: 'Choose another name.' });
    },
    Alias: (_, node) => {
      if (node.resolve(doc) === undefined)
        traps.push({ offset: startOf(node) ?? 0, reason: 'an alias (`*name`) without its anchor', remedy: 'Write the value out.' });
    },
  });
  return traps;
}

/** The parser's messages may quote the text; only those of codes that cannot are repeated. */
const yamlReason = (code: string, message: string): string =>
  code === 'DUPLICATE_KEY'
    ? 'a key appears twice'
    : code === 'MULTIPLE_DOCS'
      ? 'more than one document'
      : code === 'TAB_AS_INDENT'
        ? 'a tab is used to indent'
        : /[`"']|: /.test(message)
          ? code.toLowerCase().replaceAll('_', ' ')
          : message;

const yamlRemedy = (code: string): string =>
  code === 'DUPLICATE_KEY'
    ? 'Keep one of the two.'
    : code === 'TAB_AS_INDENT'
      ? 'Indent with spaces.'
      : code === 'MULTIPLE_DOCS'
        ? 'Keep one document; remove the `---` line.'
        : 'Check the indentation, quotes and brackets on this line and the one before.';
