import type { Extensions } from '../canonical/part.ts';

/** What a target of an embedding or a rerank leaves out: what the client's protocol said beyond the canonical form, and those of `fields` that were sent. */
export function callDropped(
  extensions: Extensions | undefined,
  target: string,
  fields: Readonly<Record<string, unknown>>,
): readonly string[] {
  const lost = Object.entries(extensions ?? {}).flatMap(([protocol, extension]) => (protocol === target ? [] : extension.lost));
  const sent = Object.entries(fields).flatMap(([name, value]) => (value === undefined ? [] : [name]));
  return [...new Set([...lost, ...sent])].sort();
}
