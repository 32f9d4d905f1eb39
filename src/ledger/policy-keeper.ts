import type { KeyObject } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import type { SignedText } from '../access/principal.ts';
import { writeAtomically } from '../core/durable-file.ts';
import { BulkheadError } from '../core/errors.ts';
import { isJsonObject, type Json, type JsonObject } from '../core/json.ts';
import type { AdmissionPolicy } from '../core/rules.ts';
import { publicKeyFromRaw, verifyText } from '../core/signing.ts';
import type { IncomingCall } from '../ipc/peer.ts';
import type { Logger } from '../telemetry/log.ts';
import { checkPolicy } from './check-rules.ts';

/**
 * The admission policy that holds: pushed by control, believed by the vault's signature, kept in a file, so that a ledger that starts
 * has it before its first reservation, control or not. Never replaced by an older one.
 */

const FILE = 'admission-policy.json';
/** Policies that may come before the vault's key does. */
const MAX_EARLY = 8;

export interface PolicyKeeperOptions {
  readonly folder: string;
  readonly log: Logger;
  /** Puts a policy in force; throws `admission_unavailable` when it cannot be. */
  readonly use: (policy: AdmissionPolicy) => void;
  readonly onRefused: (code: string) => void;
}

interface Stored {
  readonly signed: SignedText;
  /** Of the vault that signed it, raw, base64. */
  readonly verifyKey: string;
}

export class PolicyKeeper {
  readonly #options: PolicyKeeperOptions;
  readonly #file: string;
  #pinned: string | undefined;
  #verifyKey: KeyObject | undefined;
  #early: IncomingCall[] = [];
  #version = 0;
  /** The key behind the policy that holds. */
  #signer: string | undefined;
  #isDamaged = false;

  constructor(options: PolicyKeeperOptions) {
    this.#options = options;
    this.#file = path.join(options.folder, FILE);
  }

  /** The stored policy cannot be read: nobody knows what is allowed until control has sent one. */
  get isDamaged(): boolean {
    return this.#isDamaged;
  }

  /** Puts the stored policy in force. Throws what `use` throws. */
  load(): void {
    const stored = this.#read();
    if (stored === 'none') return;
    const policy = stored === undefined ? undefined : accepted(stored);
    if (stored === undefined || policy === undefined) {
      this.#isDamaged = true;
      return this.#options.log.error('admission.policy_damaged', {
        reason: `${FILE} is not as it was written; nothing is admitted without it`,
      });
    }
    this.#options.use(policy);
    this.#version = policy.version;
    this.#signer = stored.verifyKey;
    this.#options.log.info('admission.policy_applied', { version: policy.version, reason: 'it was stored' });
  }

  /** Facts of the hello of vault shard 0. The first key is pinned: another one means another vault, and nothing it signed is believed. */
  onVault(facts: JsonObject): void {
    const { log } = this.#options;
    const raw = facts['verifyKey'];
    if (typeof raw !== 'string') return log.error('vault.refused', { reason: 'its hello has no verify key' });
    if (this.#pinned !== undefined && this.#pinned !== raw)
      return log.error('vault.refused', { reason: 'its verify key is not the pinned one' });
    this.#verifyKey = publicKeyFromRaw(raw);
    this.#pinned = raw;
    const early = this.#early;
    this.#early = [];
    for (const call of early) this.apply(call);
  }

  /** `admission.apply`. Before the vault's key is known the call waits for it. */
  apply(call: IncomingCall): void {
    if (this.#verifyKey === undefined || this.#pinned === undefined) {
      if (this.#early.length >= MAX_EARLY) return call.error('admission_unavailable');
      return void this.#early.push(call);
    }
    try {
      call.reply({ version: this.#apply(readSigned(call.head['policy']), this.#verifyKey, this.#pinned) });
    } catch (error) {
      const code = call.fail(error);
      this.#options.onRefused(code);
      this.#options.log.error('admission.policy_refused', { code, reason: error instanceof Error ? error.message : String(error) });
    }
  }

  #apply(signed: SignedText, verifyKey: KeyObject, signer: string): number {
    if (!verifyText(verifyKey, 'snapshot', signed)) throw denied('apply an admission policy that the vault has not signed');
    const policy = checkPolicy(signed.text);
    if (!policy.ok)
      throw new BulkheadError('invalid_field', { field: policy.error, reason: 'it is not what an admission policy has there' });
    const { version } = policy.value;
    // Versions of another vault say nothing about those of this one.
    if (version < this.#version && signer === this.#signer) throw denied(`go back from admission policy ${this.#version} to ${version}`);
    this.#options.use(policy.value);
    this.#version = version;
    this.#signer = signer;
    this.#isDamaged = false;
    // In force before it is stored: a disk that refuses leaves it unacknowledged, and control sends it again.
    writeAtomically(this.#file, JSON.stringify({ verifyKey: signer, text: signed.text, signature: signed.signature }));
    this.#options.log.info('admission.policy_applied', { version, reason: 'control sent it' });
    return version;
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
      return { signed: readSigned(stored), verifyKey: stored['verifyKey'] };
    } catch (error) {
      if (error instanceof SyntaxError || error instanceof BulkheadError) return undefined;
      throw error;
    }
  }
}

const denied = (act: string): BulkheadError => new BulkheadError('permission_denied', { act });

function accepted({ signed, verifyKey }: Stored): AdmissionPolicy | undefined {
  if (Buffer.from(verifyKey, 'base64').length !== 32 || !verifyText(publicKeyFromRaw(verifyKey), 'snapshot', signed)) return undefined;
  const policy = checkPolicy(signed.text);
  return policy.ok ? policy.value : undefined;
}

/** Throws `invalid_field` for what is no signed text. */
function readSigned(value: Json | undefined): SignedText {
  if (!isJsonObject(value) || typeof value['text'] !== 'string' || typeof value['signature'] !== 'string')
    throw new BulkheadError('invalid_field', { field: 'policy', reason: 'it is not a signed text' });
  return { text: value['text'], signature: value['signature'] };
}
