import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { CliFailure, systemCode } from '../failure.ts';
import { writeWhole } from '../write-whole.ts';

/** What a login leaves behind: in the person's own file, for nobody else to read. The node never sees the refresh token. */
const stored = z.strictObject({
  v: z.literal(1),
  /** Of the admin API. */
  control: z.string(),
  issuer: z.strictObject({ url: z.string(), client_id: z.string(), scopes: z.array(z.string()), ca: z.string().nullable() }),
  refresh_token: z.string(),
  team: z.string().nullable(),
  email: z.string(),
  key: z.string(),
  /** As of the key's last renewal; the node takes it as long as it takes the key. Absent: written by an older program. */
  id_token: z.string().optional(),
  /** Unix milliseconds. */
  expires_at: z.number(),
  /** Of the key's last renewal. */
  renewed_at: z.number(),
});
export type StoredLogin = z.output<typeof stored>;

/** Undefined: nobody is logged in. Throws for a file that others may read, or that is damaged. */
export function readLogin(file: string): StoredLogin | undefined {
  const text = textOf(file);
  if (text === undefined) return undefined;
  const checked = stored.safeParse(parse(text));
  if (checked.success) return checked.data;
  throw new CliFailure({ code: 'bad_login_file', message: `${file} is damaged.`, remedy: 'Log in again: bulkhead login.' });
}

function textOf(file: string): string | undefined {
  try {
    if ((fs.statSync(file).mode & 0o077) !== 0)
      throw new CliFailure({
        code: 'login_file_open',
        message: `${file} may be read by others.`,
        remedy: `Run: chmod 600 ${file}, and log in again if somebody may have read it.`,
      });
    return fs.readFileSync(file, 'utf8');
  } catch (cause) {
    if (systemCode(cause) === 'ENOENT') return undefined;
    throw cause;
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The schema refuses it.
    return undefined;
  }
}

export function writeLogin(file: string, login: StoredLogin): void {
  fs.mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  writeWhole(file, `${JSON.stringify(login, null, 1)}\n`);
}

export const removeLogin = (file: string): void => fs.rmSync(file, { force: true });

const LOCK_POLL_MS = 50;
/** Longer than the issuer and the node may take together; an older lock is of a program that died. */
const LOCK_STALE_MS = 60_000;

/** One program at a time: a refresh token is often good for one use, and two that used the same would end the login. */
export async function withLock<Result>(file: string, act: () => Promise<Result>): Promise<Result> {
  const lock = `${file}.lock`;
  fs.mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  while (!tryLock(lock)) await sleep(LOCK_POLL_MS);
  try {
    return await act();
  } finally {
    fs.rmSync(lock, { force: true });
  }
}

function tryLock(lock: string): boolean {
  try {
    fs.closeSync(fs.openSync(lock, 'wx', 0o600));
    return true;
  } catch (cause) {
    if (systemCode(cause) !== 'EEXIST') throw cause;
  }
  const age = Date.now() - (fs.statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? 0);
  if (age > LOCK_STALE_MS) fs.rmSync(lock, { force: true });
  return false;
}
