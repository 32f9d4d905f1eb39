import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts';

/*
 * Vertex can stream a call's arguments: each piece names a place (`$.city`, `$.stops[2].name`) and a value, and texts grow by pieces.
 * Pieces are kept as a chain, newest first, and put together once.
 */
export interface Pieces {
  readonly piece: JsonObject;
  readonly before: Pieces | undefined;
}

/** A place deeper than this is no argument of a call. */
const DEEPEST = 64;
const STEP = /\.([^.[\]]+)|\[(\d{1,4})\]|\['([^']*)'\]/y;

function stepsOf(path: string): readonly (string | number)[] {
  const steps: (string | number)[] = [];
  STEP.lastIndex = path.startsWith('$') ? 1 : 0;
  for (let found = STEP.exec(path); found !== null && steps.length < DEEPEST; found = STEP.exec(path)) {
    steps.push(found[2] === undefined ? (found[1] ?? found[3] ?? '') : Number(found[2]));
  }
  return steps;
}

/** A value under construction: names in order, lists by index. Maps, so that no name reaches an object's prototype. */
type Building = Map<string | number, Building | Json>;

function valueOf(piece: JsonObject): Json | undefined {
  for (const name of ['stringValue', 'numberValue', 'boolValue']) {
    const value = piece[name];
    if (value !== undefined && value !== null) return value;
  }
  return piece['nullValue'] === undefined ? undefined : null;
}

function place(root: Building, piece: JsonObject): void {
  const steps = stepsOf(typeof piece['jsonPath'] === 'string' ? piece['jsonPath'] : '');
  const value = valueOf(piece);
  const last = steps.at(-1);
  if (last === undefined || value === undefined) return;
  let at = root;
  for (const step of steps.slice(0, -1)) {
    const inner = at.get(step);
    const next: Building = inner instanceof Map ? inner : new Map();
    if (next !== inner) at.set(step, next);
    at = next;
  }
  const before = at.get(last);
  at.set(last, typeof before === 'string' && typeof value === 'string' ? before + value : value);
}

function built(value: Building | Json): Json {
  if (!(value instanceof Map)) return value;
  const entries = [...value].map(([name, inner]) => [name, built(inner)] as const);
  const isList = entries.length > 0 && entries.every(([name]) => typeof name === 'number');
  return isList ? entries.toSorted(([a], [b]) => Number(a) - Number(b)).map(([, inner]) => inner) : Object.fromEntries(entries);
}

/** One chunk's pieces onto the chain. */
export function withPieces(before: Pieces | undefined, partialArgs: Json | undefined): Pieces | undefined {
  let chain = before;
  if (Array.isArray(partialArgs))
    for (const piece of partialArgs as readonly Json[]) if (isJsonObject(piece)) chain = { piece, before: chain };
  return chain;
}

/** The arguments as JSON text. */
export function argumentsOf(pieces: Pieces | undefined): string {
  const inOrder: JsonObject[] = [];
  for (let at = pieces; at !== undefined; at = at.before) inOrder.push(at.piece);
  const root: Building = new Map();
  for (const piece of inOrder.reverse()) place(root, piece);
  return JSON.stringify(built(root));
}
