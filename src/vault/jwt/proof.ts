import type { KeyObject } from 'node:crypto';
import { endOf, holds, parseToken, readIssuer, type Issuer } from '../../access/jwt.ts';
import type { KeyRow, SignedText } from '../../access/principal.ts';
import { Recent } from '../../core/recent.ts';
import { verifyText } from '../../core/signing.ts';
import type { Proof } from '../../ipc/messages/vault.ts';

const MAX_ISSUERS = 256;
const MAX_TOKENS = 20_000;

interface Proven {
  readonly row: string;
  readonly issuer: SignedText;
  /** Unix milliseconds until which what was proven holds: the end of the token, or of what is known of its issuer. */
  readonly until: number;
}

/** The token behind a row of kind `session`: verified once per row and kept by the row's signature and the full texts of both. */
export class TokenProofs {
  readonly #store: { readonly trusted: KeyObject };
  readonly #issuers = new Recent<{ readonly text: string; readonly issuer: Issuer }>(MAX_ISSUERS);
  readonly #proven = new Recent<Proven>(MAX_TOKENS);

  constructor(store: { readonly trusted: KeyObject }) {
    this.#store = store;
  }

  /** That the row's digest is the token's is the caller's to check: it is the one whole text that the row was made for. */
  holds(proof: Proof, row: KeyRow, now: number): boolean {
    if (proof.kind !== 'jwt') return false;
    const { row: signed, issuer, token } = proof;
    const known = this.#proven.get(signed.signature);
    if (known?.row === signed.text && known.issuer.text === issuer.text && known.issuer.signature === issuer.signature)
      return known.until > now;
    const proven = this.#prove(row, issuer, token, now);
    if (proven !== undefined) this.#proven.set(signed.signature, { row: signed.text, issuer, until: proven });
    return proven !== undefined;
  }

  #prove({ session, expiresAt }: KeyRow, signed: SignedText, text: string, now: number): number | undefined {
    const issuer = this.#issuer(signed);
    const token = parseToken(text);
    if (issuer === undefined || token === undefined || session === undefined || expiresAt === undefined) return undefined;
    const { claims } = token;
    const agree = session.issuer === claims.iss && session.subject === claims.sub && expiresAt <= endOf(claims);
    return agree && holds(issuer, token, now) ? Math.min(endOf(claims), issuer.text.expiresAt) : undefined;
  }

  #issuer(signed: SignedText): Issuer | undefined {
    const known = this.#issuers.get(signed.signature);
    if (known?.text === signed.text) return known.issuer;
    if (!verifyText(this.#store.trusted, 'issuer', signed)) return undefined;
    const issuer = readIssuer(signed.text);
    this.#issuers.set(signed.signature, { text: signed.text, issuer });
    return issuer;
  }
}
