import type { Json, JsonObject } from '../../src/core/json.ts';

/** Spellings of one meaning, and where two JSON values differ. */

/** What JSON says of a value: members that are undefined are not there. */
export const plain = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

export const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Content of OpenAI's and Anthropic's messages: a list of one text and nothing else is that text, in tool results too. */
export function sameContent(content: Json): Json {
  if (!Array.isArray(content)) return content;
  const parts = (content as readonly Json[]).map((part) => {
    if (!isObject(part) || part['content'] === undefined || part['type'] !== 'tool_result') return part;
    return { ...part, content: sameContent(part['content']) };
  });
  const [only] = parts;
  return parts.length === 1 && isObject(only) && only['type'] === 'text' && Object.keys(only).length === 2 ? (only['text'] ?? '') : parts;
}

/** Where `got` differs from `wanted`: every member of `wanted` must be equal; `got` may say `null` or nothing where `wanted` is silent. */
export function differences(wanted: Json | undefined, got: Json | undefined, path = ''): readonly string[] {
  if (Array.isArray(wanted) && Array.isArray(got)) {
    if (wanted.length !== got.length) return [`${path}: ${wanted.length} items became ${got.length}`];
    return wanted.flatMap((item, index) => differences(item as Json, got[index] as Json, `${path}[${index}]`));
  }
  if (isObject(wanted) && isObject(got)) {
    const names = new Set([...Object.keys(wanted), ...Object.keys(got)]);
    return [...names].flatMap((name) => {
      if (wanted[name] === undefined && got[name] === null) return [];
      return differences(wanted[name], got[name], path === '' ? name : `${path}.${name}`);
    });
  }
  return wanted === got ? [] : [`${path}: ${JSON.stringify(wanted)?.slice(0, 100)} became ${JSON.stringify(got)?.slice(0, 100)}`];
}
