import { hash, timingSafeEqual, type KeyObject } from 'node:crypto';
import type { KeyRow, SignedText } from '../access/principal.ts';
import { BulkheadError } from '../core/error.ts';
import { verifyText } from '../core/signing.ts';
import type { Proof } from '../ipc/messages/vault.ts';
import { Recent } from '../core/recent.ts';
import { TokenProofs } from './jwt/proof.ts';

const MAX_CACHED = 20_000;
/** How long a row's earlier version still counts after a newer one was seen: workers learn of changes one after another. */
const OVERLAP_MS = 10_000;

/** A service's right to use one credential below one path, signed as kind `grant`. */
interface Grant {
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

type RowKind = 'key' | 'session' | 'grant';

/** A signed text that was verified, and what it says. */
interface Verified {
  readonly text: string;
  readonly kind: RowKind;
  readonly row: KeyRow | Grant;
  readonly caller: Caller;
  /** The newest version of this key that was seen, shared by all its rows. */
  readonly newest: { version: number; since: number };
}

/** The text that was signed, and what the client presented for it. */
function shownBy(proof: Proof): readonly [kind: RowKind, signed: SignedText, presented: string] {
  if (proof.kind === 'service') return ['grant', proof.grant, ''];
  return proof.kind === 'key' ? ['key', proof.row, proof.key] : ['session', proof.row, proof.token];
}

export const isText = (value: unknown): value is string => typeof value === 'string';

/** The gateway may be captured: a proof is taken only in exactly one of its shapes. */
export function isProof(proof: Proof | undefined): boolean {
  if (proof?.kind !== 'key' && proof?.kind !== 'jwt' && proof?.kind !== 'service') return false;
  const [, signed, presented] = shownBy(proof);
  const issuer = proof.kind === 'jwt' ? proof.issuer : signed;
  return [signed?.text, signed?.signature, issuer?.text, issuer?.signature, presented].every(isText);
}

/** Checks what entitles a call, by itself and for every call: a gateway can use only keys that clients present to it. */
export class ProofChecker {
  readonly #store: { readonly trusted: KeyObject };
  readonly #revoked: { has(digest: string): boolean };
  readonly #verified = new Recent<Verified>(MAX_CACHED);
  readonly #newest = new Recent<Verified['newest']>(MAX_CACHED);
  readonly #tokens: TokenProofs;

  constructor(store: { readonly trusted: KeyObject }, revoked: { has(digest: string): boolean }) {
    this.#store = store;
    this.#revoked = revoked;
    this.#tokens = new TokenProofs(store);
  }

  /** `now` is Unix time, `monotonic` the other clock. Throws `proof_invalid`, always the same whatever is wrong. */
  check(proof: Proof, now: number, monotonic: number): Caller {
    const [kind, signed, presented] = shownBy(proof);
    const { row, newest, caller } = this.#verify(kind, signed, monotonic);
    const expired = row.expiresAt !== undefined && !(row.expiresAt > now);
    const holds = !expired && (kind === 'grant' || this.#holds(row as KeyRow, presented, newest, monotonic));
    // The digest is the token's by now: what is left is whether the issuer itself says so.
    const proven = holds && (kind !== 'session' || this.#tokens.holds(proof, row as KeyRow, now));
    if (!proven) throw new BulkheadError('proof_invalid');
    return caller;
  }

  /** The key was presented, is neither revoked nor blocked, and its row not one that was replaced. */
  #holds({ digest, version, blocked }: KeyRow, key: string, newest: Verified['newest'], monotonic: number): boolean {
    const presented = timingSafeEqual(Buffer.from(hash('sha256', key), 'latin1'), Buffer.from(digest, 'latin1'));
    const outdated = version < newest.version && monotonic - newest.since > OVERLAP_MS;
    return presented && blocked !== true && !outdated && !this.#revoked.has(digest);
  }

  /** Cached by signature, and only for exactly the text that was verified. */
  #verify(kind: RowKind, signed: SignedText, monotonic: number): Verified {
    const { text, signature } = signed;
    const known = this.#verified.get(signature);
    if (known?.text === text && known.kind === kind) return known;
    if (!verifyText(this.#store.trusted, kind, signed)) throw new BulkheadError('proof_invalid');
    const row = JSON.parse(text) as KeyRow | Grant;
    const isKey = 'digest' in row;
    const complete = isKey ? kind !== 'grant' && /^[0-9a-f]{64}$/.test(row.digest) : kind === 'grant' && row.organization === 'service';
    if (!complete) throw new BulkheadError('proof_invalid');
    const caller = { key: isKey ? row.id : '', organization: row.organization, grant: isKey ? undefined : row };
    const newest = isKey ? this.#newestOf(row, monotonic) : { version: 0, since: monotonic };
    const verified = { text, kind, row, caller, newest };
    this.#verified.set(signature, verified);
    return verified;
  }

  #newestOf({ digest, version }: KeyRow, monotonic: number): Verified['newest'] {
    const newest = this.#newest.get(digest) ?? { version, since: monotonic };
    if (version > newest.version) Object.assign(newest, { version, since: monotonic });
    this.#newest.set(digest, newest);
    return newest;
  }
}
