import { isJsonObject, type Json, type JsonObject } from '../core/json.ts';
import type { Member } from '../core/json-scan.ts';
import type { MemberRules } from '../providers/provider-kind.ts';
import type { Edit } from './splice.ts';

/**
 * What a provider wants otherwise in a request of its own protocol, done on the client's bytes where they pass and on the object where
 * they were translated. Both ways mean the same; a test holds them to it.
 */

const COMMA = 0x2c;
const isBlank = (byte: number | undefined): boolean => byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d;

/** Members that stand in the body for what other providers read from a header. */
export function fromHeaders(rules: MemberRules, header: (name: string) => string | undefined): readonly (readonly [string, string])[] {
  return Object.entries(rules.fromHeaders ?? {}).flatMap(([name, member]) => {
    const values = (header(name) ?? '')
      .split(',')
      .map((value) => value.trim())
      .filter((value) => value !== '');
    return values.length === 0 ? [] : [[member, JSON.stringify(values)] as const];
  });
}

/** Names of what is taken out because the provider refuses it, as far as the client said it. */
export const rejected = (rules: MemberRules, has: (name: string) => boolean): readonly string[] => (rules.reject ?? []).filter(has);

/** The names that the rules look for, so that a scan finds them. */
export const namesIn = ({ remove = [], reject = [], rename = {}, add = [], fromHeaders: moved = {} }: MemberRules): readonly string[] => [
  ...remove,
  ...reject,
  ...Object.entries(rename).flat(),
  ...add.map(([name]) => name),
  ...Object.values(moved),
];

/** The rules as edits of the client's bytes, `more` put in beside `add`. `members` must hold all of `namesIn`. */
export function ruleEdits(
  body: Buffer,
  members: ReadonlyMap<string, Member>,
  rules: MemberRules,
  more: readonly (readonly [string, string])[],
): readonly Edit[] {
  const renames = Object.entries(rules.rename ?? {}).filter(([name]) => members.has(name));
  // The name that the provider knows wins over the one it would be renamed from.
  const doubled = renames.filter(([, to]) => members.has(to)).map(([name]) => name);
  const gone = [...(rules.remove ?? []), ...(rules.reject ?? []), ...doubled].flatMap((name) => members.get(name) ?? []);
  const renamed = renames.flatMap(([name, to]) => {
    const member = members.get(name);
    return member === undefined || doubled.includes(name)
      ? []
      : [{ start: member.memberStart, end: member.start, text: `${JSON.stringify(to)}:` }];
  });
  const added = [...(rules.add ?? []), ...more]
    .filter(([name]) => !members.has(name))
    .map(([name, json]) => `${JSON.stringify(name)}:${json}`);
  return [...removals(body, gone), ...renamed, ...insertion(body, added)];
}

/** Each with the comma behind it; the last of the object with the comma before it, also where that one's neighbour goes too. */
function removals(body: Buffer, gone: readonly Member[]): readonly Edit[] {
  const edits: Edit[] = [];
  for (const { memberStart, memberEnd } of [...gone].sort((a, b) => a.memberStart - b.memberStart)) {
    let end = memberEnd;
    while (isBlank(body[end])) end++;
    if (body[end] === COMMA) {
      edits.push({ start: memberStart, end: end + 1, text: '' });
      continue;
    }
    let start = memberStart;
    for (;;) {
      while (isBlank(body[start - 1])) start--;
      const before = edits.at(-1);
      if (before === undefined || before.end < start) break;
      edits.pop();
      start = before.start;
    }
    edits.push({ start: body[start - 1] === COMMA ? start - 1 : start, end: memberEnd, text: '' });
  }
  return edits;
}

/** Right behind the object's brace; the object then holds at least one member, so a comma follows unless all others go. */
function insertion(body: Buffer, added: readonly string[]): readonly Edit[] {
  if (added.length === 0) return [];
  const brace = body.indexOf(0x7b) + 1;
  return [{ start: brace, end: brace, text: `${added.join(',')},` }];
}

/** The rules on a body that was made by an encoder. */
export function applyRules(body: JsonObject, rules: MemberRules, more: readonly (readonly [string, string])[]): JsonObject {
  const gone = new Set([...(rules.remove ?? []), ...(rules.reject ?? [])]);
  const renames = new Map(Object.entries(rules.rename ?? {}));
  const kept = Object.entries(body).flatMap(([name, value]): [string, Json | undefined][] => {
    const to = renames.get(name);
    if (gone.has(name) || (to !== undefined && body[to] !== undefined)) return [];
    return [[to ?? name, value]];
  });
  const added = [...(rules.add ?? []), ...more]
    .filter(([name]) => body[name] === undefined)
    .map(([name, json]): [string, Json] => [name, JSON.parse(json) as Json]);
  const result: unknown = Object.fromEntries([...added, ...kept]);
  return isJsonObject(result) ? result : {};
}
