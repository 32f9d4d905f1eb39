import { isDeepStrictEqual } from 'node:util';
import type { Json, JsonObject } from '../../src/core/json.ts';
import { isObject } from './same.ts';

/**
 * Paths at which one JSON value differs from another, `[]` for any index. What is new is named by its outermost member; a new item of a list
 * also by its kind: its `type`, or its only member.
 */
export function changedPaths(before: Json | undefined, after: Json | undefined, path = ''): readonly string[] {
  if (isDeepStrictEqual(before, after)) return [];
  if (isObject(before) && isObject(after)) return changedMembers(before, after, path);
  if (Array.isArray(before) && Array.isArray(after)) return changedItems(before as readonly Json[], after as readonly Json[], path);
  // Where a protocol has both spellings, a text became a list because something joined it.
  if (typeof before === 'string' && Array.isArray(after))
    return changedItems([textLike(before, after as readonly Json[])], after as readonly Json[], path);
  if (before === undefined && Array.isArray(after) && after.length > 0) return unique(after.map((item) => itemPath(item as Json, path)));
  return [before === undefined ? innermost(after, path) : path];
}

/** A new object of one member is there for the sake of that member. */
function innermost(value: Json | undefined, path: string): string {
  const [only, ...others] = isObject(value) ? Object.entries(value) : [];
  return only === undefined || others.length > 0 || only[0] === 'type' ? path : innermost(only[1], `${path}.${only[0]}`);
}

function textLike(text: string, list: readonly Json[]): Json {
  const same = list.find((item) => isObject(item) && item['text'] === text && typeof item['type'] === 'string');
  return isObject(same) ? { type: same['type'] as Json, text } : text;
}

function changedMembers(before: JsonObject, after: JsonObject, path: string): readonly string[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return unique([...names].flatMap((name) => changedPaths(before[name], after[name], path === '' ? name : `${path}.${name}`)));
}

function changedItems(before: readonly Json[], after: readonly Json[], path: string): readonly string[] {
  if (before.length === after.length) return unique(after.flatMap((item, index) => changedPaths(before[index], item, `${path}[]`)));
  const fresh = after.filter((item) => !before.some((other) => isDeepStrictEqual(other, item)));
  if (fresh.length > 0) return unique(fresh.map((item) => itemPath(item, path)));
  const gone = before.filter((item) => !after.some((other) => isDeepStrictEqual(other, item)));
  return unique(gone.map((item) => itemPath(item, path)));
}

function itemPath(item: Json, path: string): string {
  if (!isObject(item)) return path;
  const { type, role } = item;
  const [only, ...others] = Object.keys(item);
  const kind = typeof type === 'string' ? type : others.length === 0 ? only : undefined;
  if (kind !== undefined) return `${path}[].${kind}`;
  return typeof role === 'string' ? messagePath(item, role, path) : `${path}[]`;
}

/** A new message of one part is there for the sake of that part. */
function messagePath(message: JsonObject, role: string, path: string): string {
  const member = message['parts'] === undefined ? 'content' : 'parts';
  const parts = message[member];
  return Array.isArray(parts) && parts.length === 1 ? itemPath(parts[0] as Json, `${path}[].${member}`) : `${path}[] (${role})`;
}

const unique = (paths: readonly string[]): readonly string[] => [...new Set(paths)];
