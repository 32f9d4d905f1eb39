import { hash, timingSafeEqual, type KeyObject } from 'node:crypto';
import type { KeyRow, SignedText } from '../access/principal.ts';
import { BulkheadError } from '../core/errors.ts';
import { verifyText } from '../core/signing.ts';
import type { Proof } from '../ipc/messages.ts';

const MAX_CACHED = 20_000;
/** How long a row's earlier version still counts after a newer one was seen: workers learn of changes one after another. */
const OVERLAP_MS = 10_000;

/** A service's right to use one credential below one path, signed as kind `grant`. */
export interface Grant {
  readonly credential: string;
  readonly path: string;
  readonly organization: 'service';
  readonly expiresAt: number;
  readonly requestsPerHour?: number;
}

export interface Caller {
  /** Id of the virtual key; '' for a service. */
  readonly key: string;
  readonly organization: string;
  readonly grant: Grant | undefined;
}

interface Verified {
  readonly text: string;
  readonly kind: 'key' | 'grant';
  readonly row: KeyRow | Grant;
  /** The newest version of this key that was seen, shared by all its rows. */
  readonly newest: { version: number; since: number };
}

/** Checks what entitles a call, by itself and for every call: a gateway can use only keys that clients present to it. */
export class ProofChecker {
  readonly #trusted: () => KeyObject;
  readonly #isRevoked: (digest: string) => boolean;
  readonly #cache = new Map<string, Verified>();
  readonly #newest = new Map<string, { version: number; since: number }>();

  constructor(trusted: () => KeyObject, isRevoked: (digest: string) => boolean) {
    this.#trusted = trusted;
    this.#isRevoked = isRevoked;
  }

  /** `now` is Unix time, `monotonic` the other clock. Throws `proof_invalid`, always the same whatever is wrong. */
  check(proof: Proof, now: number, monotonic: number): Caller {
    const { kind } = proof;
    const verified = kind === 'key' ? this.#verify('key', proof.row, monotonic) : this.#verify('grant', proof.grant, monotonic);
    const { row, newest } = verified;
    if (row.expiresAt !== undefined && !(row.expiresAt > now)) throw new BulkheadError('proof_invalid');
    if (kind === 'service') return { key: '', organization: 'service', grant: row as Grant };
    const { id, digest, version, organization } = row as KeyRow;
    const presented = Buffer.from(hash('sha256', proof.key), 'latin1');
    const matches = timingSafeEqual(presented, Buffer.from(digest, 'latin1'));
    const outdated = version < newest.version && monotonic - newest.since > OVERLAP_MS;
    if (!matches || outdated || this.#isRevoked(digest)) throw new BulkheadError('proof_invalid');
    return { key: id, organization, grant: undefined };
  }

  /** Cached by signature, and only for exactly the text that was verified. */
  #verify(kind: 'key' | 'grant', signed: SignedText, monotonic: number): Verified {
    const known = this.#cache.get(signed.signature);
    if (known !== undefined && known.text === signed.text && known.kind === kind) return known;
    if (!verifyText(this.#trusted(), kind, signed)) throw new BulkheadError('proof_invalid');
    const row = JSON.parse(signed.text) as KeyRow | Grant;
    const complete =
      'digest' in row ? /^[0-9a-f]{64}$/.test(row.digest) && kind === 'key' : kind === 'grant' && row.organization === 'service';
    if (!complete) throw new BulkheadError('proof_invalid');
    const verified = { text: signed.text, kind, row, newest: this.#newestOf(row, monotonic) };
    bound(this.#cache).set(signed.signature, verified);
    return verified;
  }

  #newestOf(row: KeyRow | Grant, monotonic: number): Verified['newest'] {
    if (!('digest' in row)) return { version: 0, since: monotonic };
    const newest = this.#newest.get(row.digest) ?? { version: row.version, since: monotonic };
    if (row.version > newest.version) Object.assign(newest, { version: row.version, since: monotonic });
    bound(this.#newest).set(row.digest, newest);
    return newest;
  }
}

/** Makes room by dropping the entry that was added first. */
function bound<Value>(map: Map<string, Value>): Map<string, Value> {
  if (map.size >= MAX_CACHED) for (const first of map.keys()) return map.delete(first) ? map : map;
  return map;
}
