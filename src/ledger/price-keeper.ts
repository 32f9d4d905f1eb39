import type { KeyObject } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import type { SignedText } from '../access/principal.ts';
import { NO_OPERATOR_PRICES, readOperatorPrices, type OperatorPrices } from '../accounting/operator-prices.ts';
import { writeAtomically } from '../core/durable-file.ts';
import { BulkheadError } from '../core/errors.ts';
import { isJsonObject, type Json, type JsonObject } from '../core/json.ts';
import { publicKeyFromRaw, verifyText } from '../core/signing.ts';
import type { IncomingCall } from '../ipc/peer.ts';
import type { Logger } from '../telemetry/log.ts';

/**
 * The operator's prices that hold: pushed by control, believed by the vault's signature, kept in a file, so that a ledger that starts
 * prices its first row by them. Never replaced by older ones.
 */

const FILE = 'prices.json';
/** Tables that may come before the vault's key does. */
const MAX_EARLY = 8;

export interface PriceKeeperOptions {
  readonly folder: string;
  readonly log: Logger;
  /** Reservations from here on are priced by these. */
  readonly use: (prices: OperatorPrices) => void;
  /** Rows too: what `readOperatorPrices` takes. */
  readonly toWriter: (text: string) => void;
}

interface Stored {
  readonly signed: SignedText;
  /** Of the vault that signed it, raw, base64. */
  readonly verifyKey: string;
}

export class PriceKeeper {
  readonly #options: PriceKeeperOptions;
  readonly #file: string;
  #key: { readonly raw: string; readonly verify: KeyObject } | undefined;
  #early: IncomingCall[] = [];
  #version = NO_OPERATOR_PRICES.version;
  #signer: string | undefined;

  constructor(options: PriceKeeperOptions) {
    this.#options = options;
    this.#file = path.join(options.folder, FILE);
  }

  get version(): number {
    return this.#version;
  }

  /** The stored table. Of one that is damaged nothing holds but the catalogue, until control sends its own again. */
  load(): OperatorPrices {
    const stored = this.#read();
    if (stored === 'none') return NO_OPERATOR_PRICES;
    const prices = stored === undefined ? undefined : accepted(stored);
    if (stored === undefined || prices === undefined) {
      this.#options.log.error('prices.damaged', { reason: `${FILE} is not as it was written; the catalogue alone holds` });
      return NO_OPERATOR_PRICES;
    }
    this.#version = prices.version;
    this.#signer = stored.verifyKey;
    this.#options.toWriter(stored.signed.text);
    return prices;
  }

  /** Facts of the hello of vault shard 0. The first key is pinned. */
  onVault(facts: JsonObject): void {
    const raw = facts['verifyKey'];
    if (typeof raw !== 'string' || this.#key !== undefined) return;
    this.#key = { raw, verify: publicKeyFromRaw(raw) };
    const early = this.#early;
    this.#early = [];
    for (const call of early) this.apply(call);
  }

  /** `prices.apply`. Before the vault's key is known the call waits for it. */
  apply(call: IncomingCall): void {
    if (this.#key === undefined) {
      if (this.#early.length >= MAX_EARLY) return call.error('ledger_unavailable');
      return void this.#early.push(call);
    }
    try {
      call.reply({ version: this.#apply(readSigned(call.head['prices']), this.#key) });
    } catch (error) {
      const code = call.fail(error);
      this.#options.log.error('prices.refused', { code, reason: error instanceof Error ? error.message : String(error) });
    }
  }

  #apply(signed: SignedText, { raw, verify }: { readonly raw: string; readonly verify: KeyObject }): number {
    if (!verifyText(verify, 'snapshot', signed)) throw denied('apply prices that the vault has not signed');
    const prices = readOperatorPrices(signed.text);
    if (!prices.ok) throw new BulkheadError('invalid_field', { field: 'prices', reason: prices.error });
    const { version } = prices.value;
    // Versions of another vault say nothing about those of this one.
    if (version < this.#version && raw === this.#signer) throw denied(`go back from prices ${this.#version} to ${version}`);
    this.#options.use(prices.value);
    this.#options.toWriter(signed.text);
    this.#version = version;
    this.#signer = raw;
    // In use before it is stored: a disk that refuses leaves it unacknowledged, and control sends it again.
    writeAtomically(this.#file, JSON.stringify({ verifyKey: raw, text: signed.text, signature: signed.signature }));
    this.#options.log.info('prices.applied', { version });
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

function accepted({ signed, verifyKey }: Stored): OperatorPrices | undefined {
  if (Buffer.from(verifyKey, 'base64').length !== 32 || !verifyText(publicKeyFromRaw(verifyKey), 'snapshot', signed)) return undefined;
  const prices = readOperatorPrices(signed.text);
  return prices.ok ? prices.value : undefined;
}

/** Throws `invalid_field` for what is no signed text. */
function readSigned(value: Json | undefined): SignedText {
  if (!isJsonObject(value) || typeof value['text'] !== 'string' || typeof value['signature'] !== 'string')
    throw new BulkheadError('invalid_field', { field: 'prices', reason: 'it is not a signed text' });
  return { text: value['text'], signature: value['signature'] };
}
