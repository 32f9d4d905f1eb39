import type { AudioPart } from '../../canonical/part.ts';
import type { JsonObject } from '../../core/json.ts';

/** First letters of base64 by kind of sound. */
const MAGIC: readonly (readonly [head: string, format: string])[] = [
  ['UklGR', 'wav'],
  ['SUQz', 'mp3'],
  ['//', 'mp3'],
  ['T2dnUw', 'opus'],
  ['ZkxhQ', 'flac'],
];

/** An answer does not say in which format it speaks, only its request does: the sound's own head tells, and sound without one is OpenAI's `pcm16`. */
export const audioFormat = (data: string): string => MAGIC.find(([head]) => data.startsWith(head))?.[1] ?? 'pcm16';

/** A spoken answer is one here; several pieces of sound are joined. */
export function encodeAudio(parts: readonly AudioPart[], id: string, expiresAt: number): JsonObject | undefined {
  const [first] = parts;
  if (first === undefined) return undefined;
  const data = parts.length === 1 ? first.data : Buffer.concat(parts.map((part) => Buffer.from(part.data, 'base64'))).toString('base64');
  return { id, data, transcript: '', expires_at: expiresAt };
}
