import type { KeyObject } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import type { SignedText } from '../access/principal.ts';
import { writeAtomically } from '../core/durable-file.ts';
import { BulkheadError, type ErrorCode } from '../core/errors.ts';
import { isJsonObject, type Json, type JsonObject } from '../core/json.ts';
import { publicKeyFromRaw, verifyText } from '../core/signing.ts';
import type { IncomingCall } from '../ipc/peer.ts';
import type { Logger } from '../telemetry/log.ts';

/** Calls that may come before the vault's key does. */
const MAX_EARLY = 8;

/** What one keeper keeps. */
export interface Kept<Value> {
  /** Its name in the ledger's folder. */
  readonly file: string;
  /** Member of the call's head that holds the signed text. */
  readonly field: string;
  /** Its name in a refusal: `admission policy`. */
  readonly noun: string;
  /** What its events in the log begin with. */
  readonly event: string;
  /** What holds while the stored one cannot be read. */
  readonly withoutIt: string;
  /** Answer to a call that cannot even wait for the vault's key. */
  readonly busy: ErrorCode;
  /** Throws `invalid_field`. */
  readonly read: (text: string) => Value;
}

export interface KeeperOptions<Value> {
  readonly folder: string;
  readonly log: Logger;
  /** Puts the stored one in force at the start. */
  readonly onLoaded: (value: Value, text: string) => void;
  /** Puts a new one in force; throws when it cannot be. */
  readonly onApplied: (value: Value, text: string) => void;
  readonly onRefused?: (code: string) => void;
}

interface Stored {
  readonly signed: SignedText;
  /** Of the vault that signed it, raw, base64. */
  readonly verifyKey: string;
}

interface Pinned {
  readonly raw: string;
  readonly verify: KeyObject;
}

/**
 * Holds what control decides and the vault signs: pushed by control, believed by the vault's signature, kept in a file, so that a ledger
 * that starts has it before its first reservation, control or not. Never replaced by an older one.
 */
export class SignedKeeper<Value extends { readonly version: number }> {
  readonly #kept: Kept<Value>;
  readonly #options: KeeperOptions<Value>;
  readonly #file: string;
  #vault: Pinned | undefined;
  #early: IncomingCall[] = [];
  #version = 0;
  /** The key behind what holds. */
  #signer: string | undefined;
  #isDamaged = false;

  constructor(kept: Kept<Value>, options: KeeperOptions<Value>) {
    this.#kept = kept;
    this.#options = options;
    this.#file = path.join(options.folder, kept.file);
  }

  get version(): number {
    return this.#version;
  }

  /** What is stored cannot be read, and control has not sent it again. */
  get isDamaged(): boolean {
    return this.#isDamaged;
  }

  /** What was stored, in force. Undefined: nothing, or nothing that can be believed. Throws what `onLoaded` throws. */
  load(): Value | undefined {
    const stored = this.#read();
    if (stored === 'none') return undefined;
    const value = stored === undefined ? undefined : this.#believed(stored);
    const { log, onLoaded } = this.#options;
    const { event, file, withoutIt } = this.#kept;
    if (stored === undefined || value === undefined) {
      this.#isDamaged = true;
      log.error(`${event}damaged`, { reason: `${file} is not as it was written; ${withoutIt}` });
      return undefined;
    }
    onLoaded(value, stored.signed.text);
    this.#version = value.version;
    this.#signer = stored.verifyKey;
    log.info(`${event}applied`, { version: value.version, reason: 'it was stored' });
    return value;
  }

  /** Facts of the hello of vault shard 0. The first key is pinned: another one means another vault, and nothing it signed is believed. */
  onVault(facts: JsonObject): void {
    const { log } = this.#options;
    const raw = facts['verifyKey'];
    if (typeof raw !== 'string') return log.error('vault.refused', { reason: 'its hello has no verify key' });
    if (this.#vault !== undefined && this.#vault.raw !== raw)
      return log.error('vault.refused', { reason: 'its verify key is not the pinned one' });
    this.#vault = { raw, verify: publicKeyFromRaw(raw) };
    const early = this.#early;
    this.#early = [];
    for (const call of early) this.apply(call);
  }

  /** Before the vault's key is known the call waits for it. */
  apply(call: IncomingCall): void {
    const { field, event, busy } = this.#kept;
    if (this.#vault === undefined) {
      if (this.#early.length >= MAX_EARLY) return call.error(busy);
      return void this.#early.push(call);
    }
    try {
      call.reply({ version: this.#apply(readSigned(call.head[field], field), this.#vault) });
    } catch (error) {
      const code = call.fail(error);
      this.#options.onRefused?.(code);
      this.#options.log.error(`${event}refused`, { code, reason: error instanceof Error ? error.message : String(error) });
    }
  }

  #apply(signed: SignedText, { raw, verify }: Pinned): number {
    const { noun, event, read } = this.#kept;
    if (!verifyText(verify, 'snapshot', signed)) throw denied(`apply an ${noun} that the vault has not signed`);
    const value = read(signed.text);
    const { version } = value;
    // Versions of another vault say nothing about those of this one.
    if (version < this.#version && raw === this.#signer) throw denied(`go back from ${noun} ${this.#version} to ${version}`);
    this.#options.onApplied(value, signed.text);
    this.#version = version;
    this.#signer = raw;
    this.#isDamaged = false;
    // In force before it is stored: a disk that refuses leaves it unacknowledged, and control sends it again.
    writeAtomically(this.#file, JSON.stringify({ verifyKey: raw, text: signed.text, signature: signed.signature }));
    this.#options.log.info(`${event}applied`, { version, reason: 'control sent it' });
    return version;
  }

  #believed({ signed, verifyKey }: Stored): Value | undefined {
    if (Buffer.from(verifyKey, 'base64').length !== 32 || !verifyText(publicKeyFromRaw(verifyKey), 'snapshot', signed)) return undefined;
    try {
      return this.#kept.read(signed.text);
    } catch (error) {
      if (error instanceof BulkheadError) return undefined;
      throw error;
    }
  }

  /** Undefined: there is a file, and it is not what this wrote. */
  #read(): Stored | 'none' | undefined {
    let text: string;
    try {
      text = fs.readFileSync(this.#file, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'none';
      throw error;
    }
    try {
      const stored: unknown = JSON.parse(text);
      if (!isJsonObject(stored) || typeof stored['verifyKey'] !== 'string') return undefined;
      return { signed: readSigned(stored, this.#kept.field), verifyKey: stored['verifyKey'] };
    } catch (error) {
      if (error instanceof SyntaxError || error instanceof BulkheadError) return undefined;
      throw error;
    }
  }
}

const denied = (act: string): BulkheadError => new BulkheadError('permission_denied', { act });

/** Throws `invalid_field` for what is no signed text. */
function readSigned(value: Json | undefined, field: string): SignedText {
  if (!isJsonObject(value) || typeof value['text'] !== 'string' || typeof value['signature'] !== 'string')
    throw new BulkheadError('invalid_field', { field, reason: 'it is not a signed text' });
  return { text: value['text'], signature: value['signature'] };
}
