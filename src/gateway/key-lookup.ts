import type { KeyObject } from 'node:crypto';
import type { KeyRow, KeySource, Principal, SignedText } from '../access/principal.ts';
import { BulkheadError } from '../core/errors.ts';
import type { KeyDigest } from '../core/ids.ts';
import { isJsonObject } from '../core/json.ts';
import { verifyText } from '../core/signing.ts';
import type { KeyCache } from './key-cache.ts';

/** Distinct keys that may be asked for at once; guessers must not take control's time from people. */
const MAX_ASKED = 256;

export interface KeyLookupOptions {
  readonly cache: KeyCache;
  readonly source: KeySource;
  /** The vault's key, pinned at the first hello; undefined before. */
  readonly verifyKey: () => KeyObject | undefined;
  /** A row that the vault did not sign: someone edited the database. */
  readonly onForged: (digest: KeyDigest) => void;
}

interface Question {
  answer: Promise<Principal | undefined>;
}

/** Finds the principal behind a digest: from the cache at once, else by one question to control for all who wait. */
export class KeyLookup {
  readonly #options: KeyLookupOptions;
  readonly #asked = new Map<KeyDigest, Question>();

  constructor(options: KeyLookupOptions) {
    this.#options = options;
  }

  /**
   * Undefined: no such key, revoked, or its row is not the vault's. `token`: the whole text behind the digest, where it is a token of an issuer
   * and no key. Throws key_lookup_unavailable.
   */
  find(digest: KeyDigest, token?: string): Principal | undefined | Promise<Principal | undefined> {
    const found = this.#options.cache.find(digest);
    if (found !== undefined) return found === 'unknown' ? undefined : found;
    const offered = token === undefined ? this.#offered(digest) : undefined;
    if (offered !== undefined) return offered;
    const asked = this.#asked.get(digest);
    if (asked !== undefined) return asked.answer;
    if (this.#asked.size >= MAX_ASKED) {
      const doubted = this.#doubted(digest);
      if (doubted !== undefined) return doubted;
      throw new BulkheadError('key_lookup_unavailable');
    }
    const question: Question = { answer: Promise.resolve(undefined) };
    this.#asked.set(digest, question);
    question.answer = this.#ask(digest, question, token).finally(() => {
      if (this.#asked.get(digest) === question) this.#asked.delete(digest);
    });
    return question.answer;
  }

  /** An answer under way may be of before the change: those who come now ask again, and it is not cached. */
  forget(digest: KeyDigest): void {
    this.#asked.delete(digest);
    this.#options.cache.forget(digest);
  }

  revoke(digest: KeyDigest): void {
    this.#asked.delete(digest);
    this.#options.cache.revoke(digest);
  }

  /**
   * Everything is asked for again. Where control does not answer, what was known goes on, as it would have without its return: what was
   * revoked or blocked meanwhile, the vault refuses by itself.
   */
  doubtAll(): void {
    this.#asked.clear();
    this.#options.cache.doubtAll();
  }

  /** Control gave this row to another worker; it is verified when it is first used. */
  offer(digest: KeyDigest, signed: SignedText): void {
    this.#options.cache.offer(digest, signed);
  }

  #offered(digest: KeyDigest): Principal | undefined {
    const signed = this.#options.cache.takeOffered(digest);
    return signed === undefined ? undefined : this.#believed(digest, signed);
  }

  /** Known again until control is back. */
  #doubted(digest: KeyDigest): Principal | undefined {
    const { cache } = this.#options;
    const found = cache.doubted(digest);
    if (found === undefined) return undefined;
    if (!('key' in found)) return this.#believed(digest, found);
    cache.add(found);
    return found;
  }

  /** A key's row that this worker did not ask for. */
  #believed(digest: KeyDigest, signed: SignedText): Principal | undefined {
    const key = this.#verified(digest, signed, 'key');
    if (key === undefined) {
      this.#options.onForged(digest);
      return undefined;
    }
    const principal = principalOf(key, signed, undefined);
    this.#options.cache.add(principal);
    return principal;
  }

  async #ask(digest: KeyDigest, question: Question, token: string | undefined): Promise<Principal | undefined> {
    try {
      return await this.#askControl(digest, question, token);
    } catch (error) {
      // Control came back or told of a change meanwhile: what holds now is another question.
      if (this.#asked.get(digest) !== question) return this.find(digest, token);
      const doubted = this.#doubted(digest);
      if (doubted === undefined) throw error;
      return doubted;
    }
  }

  async #askControl(digest: KeyDigest, question: Question, token: string | undefined): Promise<Principal | undefined> {
    const { cache, source, onForged } = this.#options;
    const session = token === undefined ? undefined : await source.resolveToken(token);
    const signed = token === undefined ? await source.resolve(digest) : session?.row;
    const key = signed === undefined ? undefined : this.#verified(digest, signed, token === undefined ? 'key' : 'session');
    if (signed !== undefined && key === undefined) onForged(digest);
    const isCurrent = this.#asked.get(digest) === question;
    if (signed === undefined || key === undefined) {
      if (isCurrent) cache.addUnknown(digest);
      return undefined;
    }
    if (cache.isRevoked(digest)) return undefined;
    const principal = principalOf(key, signed, session?.issuer);
    if (isCurrent) cache.add(principal);
    return principal;
  }

  #verified(digest: KeyDigest, signed: SignedText, kind: 'key' | 'session'): KeyRow | undefined {
    const verifyKey = this.#options.verifyKey();
    if (verifyKey === undefined) throw new BulkheadError('key_lookup_unavailable');
    if (!verifyText(verifyKey, kind, signed)) return undefined;
    const row: unknown = JSON.parse(signed.text);
    return isJsonObject(row) && row['digest'] === digest ? (row as unknown as KeyRow) : undefined;
  }
}

const principalOf = (key: KeyRow, signed: SignedText, issuer: SignedText | undefined): Principal => ({
  key,
  signed,
  signedJson: JSON.stringify(signed),
  issuer,
  issuerJson: issuer === undefined ? undefined : JSON.stringify(issuer),
});
