import type { JsonObject } from '../core/json.ts';
import type { Member } from '../core/json-scan.ts';

/** Changes to single members of a JSON body on its bytes: everything else stays byte for byte what the client sent. */

/** Replaces the bytes from `start` to `end`; equal: inserts. */
export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** Edits must be in order and must not overlap. */
export function splice(body: Buffer, edits: readonly Edit[]): Buffer {
  if (edits.length === 0) return body;
  const parts: Buffer[] = [];
  let at = 0;
  for (const { start, end, text } of edits) {
    parts.push(body.subarray(at, start), Buffer.from(text));
    at = end;
  }
  parts.push(body.subarray(at));
  return Buffer.concat(parts);
}

export const replaceValue = (member: Member, value: string): Edit => ({
  start: member.start,
  end: member.end,
  text: JSON.stringify(value),
});

/** How `stream_options.include_usage` becomes true. Undefined: the client asked for it already. */
export function askForUsage(model: Member, options: Member | undefined, current: JsonObject | undefined): Edit | undefined {
  if (current?.['include_usage'] === true) return undefined;
  if (options === undefined) return { start: model.end, end: model.end, text: ',"stream_options":{"include_usage":true}' };
  return { start: options.start, end: options.end, text: JSON.stringify({ ...current, include_usage: true }) };
}

export const inOrder = (edits: readonly (Edit | undefined)[]): Edit[] =>
  edits.filter((edit) => edit !== undefined).sort((a, b) => a.start - b.start || a.end - b.end);
