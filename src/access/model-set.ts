/**
 * Which models something may use, as lists of names: an exact name, everything below a prefix (`openai/*`), everything (`*`), or an access
 * group (`@name`). Pure. Undefined is everything; an empty list is nothing. Two entries that cannot be compared are taken as apart: deny on doubt.
 */
export type ModelSet = readonly string[] | undefined;

/** Access groups by name, without `@`. They hold no access groups themselves. */
export type AccessGroups = ReadonlyMap<string, readonly string[]>;

const ALL = '*';
const GROUP = /^@([a-z0-9][a-z0-9._-]{0,63})$/;

/** The name in `@name`. Undefined: the entry is no access group. */
const groupNamed = (entry: string): string | undefined => GROUP.exec(entry)?.[1];

export const groupsIn = (models: ModelSet): readonly string[] => [...new Set((models ?? []).flatMap((entry) => groupNamed(entry) ?? []))];

/** Access groups replaced by what they hold; one that does not exist holds nothing. */
export function expand(models: ModelSet, groups: AccessGroups): ModelSet {
  if (models === undefined) return undefined;
  const entries = models.flatMap((entry) => {
    const group = groupNamed(entry);
    return group === undefined ? [entry] : (groups.get(group) ?? []);
  });
  return [...new Set(entries)];
}

/** `openai/`, an alias for everything that one rule of the policy serves, is never more than `openai/*`. */
const widest = (entry: string): string => (entry.endsWith('/') ? `${entry}*` : entry);

/** Every model that `inner` allows is allowed by `outer`. Both without access groups. */
function covers(outer: string, inner: string): boolean {
  if (outer === ALL || outer === inner) return true;
  const name = widest(inner);
  return outer.endsWith('/*') && name !== ALL && name.length >= outer.length && name.startsWith(outer.slice(0, -1));
}

/** Entries of `child` that `parent` does not allow as a whole; `*` for a child that is everything where the parent is not. */
export function beyond(child: ModelSet, parent: ModelSet, groups: AccessGroups): readonly string[] {
  const outer = expand(parent, groups);
  if (outer === undefined || outer.includes(ALL)) return [];
  return (child ?? [ALL]).filter((entry) => !(expand([entry], groups) ?? []).every((inner) => outer.some((each) => covers(each, inner))));
}

/** True where nothing is allowed to `child` that is not allowed to `parent`. */
export const isWithin = (child: ModelSet, parent: ModelSet, groups: AccessGroups): boolean => beyond(child, parent, groups).length === 0;

/** What both allow, without access groups. */
export function meet(one: ModelSet, other: ModelSet, groups: AccessGroups): ModelSet {
  const [a, b] = [expand(one, groups), expand(other, groups)];
  if (a === undefined || b === undefined) return a ?? b;
  const narrower = a.flatMap((left) => b.flatMap((right) => (covers(left, right) ? [right] : covers(right, left) ? [left] : [])));
  return [...new Set(narrower)];
}
