/**
 * Signatures and encrypted reasoning of one vendor, carried through the opaque field of another's protocol: the client keeps and returns it unread, and only the
 * codec of the vendor who wrote it puts it back. The mark in front says whose it is, so that none is ever sent to a model that would refuse it.
 */
const MARK = 'bh1.';

/** `format`: a signature format of `canonical/part.ts`; it must hold no full stop. */
export const wrapOpaque = (format: string, data: string): string => `${MARK}${format}.${data}`;

/** Undefined: the text carries no mark, so it is the protocol's own. */
export function unwrapOpaque(text: string): { readonly format: string; readonly data: string } | undefined {
  if (!text.startsWith(MARK)) return undefined;
  const end = text.indexOf('.', MARK.length);
  return end === -1 ? undefined : { format: text.slice(MARK.length, end), data: text.slice(end + 1) };
}
