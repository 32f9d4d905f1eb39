import { hash } from 'node:crypto';
import { isJsonObject, type JsonObject } from '../core/json.ts';

/**
 * How a line of the log is tied to the one before it. A line is one JSON object
 * `{"sequence":n,"previous":"<hash of line n-1>",…body…,"hash":"<64 hex>"}`; `hash` is the SHA-256 of the same text without
 * its hash member. Anyone with sha256sum can follow the chain.
 */
export interface TailRecord {
  readonly sequence: number;
  readonly hash: string;
}

/** What line 1 follows. */
export const GENESIS: TailRecord = { sequence: 0, hash: '0'.repeat(64) };

export interface SealedLine extends TailRecord {
  readonly text: string;
}

const HASH_MEMBER = /,"hash":"([0-9a-f]{64})"\}$/;

export function sealLine(previous: TailRecord, body: JsonObject): SealedLine {
  const sequence = previous.sequence + 1;
  const bare = JSON.stringify({ sequence, previous: previous.hash, ...body });
  const digest = hash('sha256', bare, 'hex');
  return { sequence, hash: digest, text: `${bare.slice(0, -1)},"hash":"${digest}"}` };
}

/** The record of a line whose own hash is right; undefined for any other text. */
export function checkLine(text: string): (TailRecord & { readonly previous: string; readonly body: JsonObject }) | undefined {
  const digest = HASH_MEMBER.exec(text)?.[1];
  if (digest === undefined) return undefined;
  const bare = text.replace(HASH_MEMBER, '}');
  if (hash('sha256', bare, 'hex') !== digest) return undefined;
  const body: unknown = JSON.parse(bare);
  if (!isJsonObject(body)) return undefined;
  const { sequence, previous } = body;
  if (typeof sequence !== 'number' || typeof previous !== 'string') return undefined;
  return { sequence, previous, hash: digest, body };
}

/** Finds the last line of `window` that is whole and whose hash is right, and where it ends. */
export function readTail(window: Buffer): { readonly last: TailRecord | undefined; readonly validBytes: number } {
  for (let end = window.lastIndexOf(0x0a); end >= 0;) {
    const start = end === 0 ? 0 : window.lastIndexOf(0x0a, end - 1) + 1;
    const record = checkLine(window.toString('utf8', start, end));
    if (record !== undefined) return { last: { sequence: record.sequence, hash: record.hash }, validBytes: end + 1 };
    end = start - 1;
  }
  return { last: undefined, validBytes: 0 };
}

/** Follows the chain over whole lines. Gives the number of the first line that breaks it, or undefined. */
export function firstBreak(lines: readonly string[], from: TailRecord = GENESIS): number | undefined {
  let last = from;
  for (const text of lines) {
    const record = checkLine(text);
    if (record === undefined || record.previous !== last.hash || record.sequence !== last.sequence + 1) return last.sequence + 1;
    last = record;
  }
  return undefined;
}
