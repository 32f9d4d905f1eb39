import type { JsonObject } from '../../core/json.ts';
import { GEMINI_SIGNATURE, type Part, type RedactedThinkingPart } from '../../canonical/part.ts';
import { ownMembers } from '../fields.ts';
import { unwrapOpaque, wrapOpaque } from '../opaque.ts';
import { PROTOCOL } from './names.ts';
import { over } from './spelling.ts';

/** How `wrapOpaque`'s mark begins in base64. `thoughtSignature` is of type bytes: Google's clients decode it, so what is carried in it must be base64 too. */
const MARKED = 'YmgxL';

/** Whose signature a `thoughtSignature` is. */
export function readSignature(text: string): { readonly format: string; readonly data: string } {
  const foreign = text.startsWith(MARKED) ? unwrapOpaque(Buffer.from(text, 'base64').toString('utf8')) : undefined;
  return foreign ?? { format: GEMINI_SIGNATURE, data: text };
}

/** How a signature is written; undefined: it is not. */
type Sign = (data: string | undefined, format: string | undefined) => string | undefined;

/** For Google: only what its own models wrote. A signature without a format came from a protocol that names none, and is nobody's. */
export const signForProvider: Sign = (data, format) =>
  format === GEMINI_SIGNATURE && data !== undefined && data !== '' ? data : undefined;

/** For a client, which keeps any of them for us. */
export const signForClient: Sign = (data, format) => {
  if (data === undefined || data === '') return undefined;
  return format === undefined || format === GEMINI_SIGNATURE ? data : Buffer.from(wrapOpaque(format, data)).toString('base64');
};

/** A signature that no part follows stands on an empty text. */
export const bareSignature = (thoughtSignature: string): JsonObject => ({ text: '', thoughtSignature });

/** What follows its signature takes it; reasoning has its own, and parts that only Gemini has hold theirs. */
export const takesSignature = ({ type }: { readonly type: Part['type'] }): boolean =>
  type !== 'thinking' && type !== 'other' && type !== 'tool_result';

interface Pending {
  readonly signature: string;
  readonly own: JsonObject | undefined;
}

const standing = ({ signature, own }: Pending): JsonObject => over(bareSignature(signature), own);

const signed = (part: JsonObject, { signature }: Pending): JsonObject =>
  part['thought_signature'] === undefined ? { ...part, thoughtSignature: signature } : part;

const pendingOf = (part: RedactedThinkingPart, sign: Sign): Pending | undefined => {
  const signature = sign(part.data, part.format);
  return signature === undefined ? undefined : { signature, own: ownMembers(part.extensions, PROTOCOL) };
};

/** Parts in Gemini's words, each signature on the part that it stands before. */
export function encodeSigned(parts: readonly Part[], encode: (part: Part) => readonly JsonObject[], sign: Sign): readonly JsonObject[] {
  const encoded: JsonObject[] = [];
  let pending: Pending | undefined;
  for (const part of parts) {
    if (part.type === 'redacted_thinking') {
      const next = pendingOf(part, sign);
      if (next === undefined) continue;
      if (pending !== undefined) encoded.push(standing(pending));
      pending = next;
      continue;
    }
    const [first, ...rest] = encode(part);
    if (first === undefined) continue;
    if (pending === undefined) encoded.push(first, ...rest);
    else if (takesSignature(part)) encoded.push(signed(first, pending), ...rest);
    else encoded.push(standing(pending), first, ...rest);
    pending = undefined;
  }
  if (pending !== undefined) encoded.push(standing(pending));
  return encoded;
}

/**
 * Clients of protocols that keep reasoning apart from words and calls give all of it back in front. Gemini 3 refuses a first call without
 * its signature, so the last one that lost its place goes there.
 */
export function settled(parts: readonly Part[]): readonly Part[] {
  const call = parts.findIndex(({ type }) => type === 'tool_call');
  if (call <= 0 || parts[call - 1]?.type === 'redacted_thinking') return parts;
  const lost = parts.findLastIndex((part, index) => index < call && part.type === 'redacted_thinking' && part.format === GEMINI_SIGNATURE);
  const moved = parts[lost];
  return moved === undefined ? parts : [...parts.slice(0, lost), ...parts.slice(lost + 1, call), moved, ...parts.slice(call)];
}
