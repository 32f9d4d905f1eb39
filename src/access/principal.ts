import type { KeyDigest, KeyId, OrganizationId, TeamId } from '../core/ids.ts';
import type { KeyRules } from '../core/rules.ts';

/**
 * A virtual key as the control plane wrote it and the vault signed it. The signature covers the exact JSON text
 * (`SignedRow.text`), so that a row edited in the database is refused by gateway and vault alike.
 */
export interface KeyRow {
  readonly id: KeyId;
  readonly digest: KeyDigest;
  /** Rises with every change of the row; caches hold digest and version together. */
  readonly version: number;
  readonly name: string;
  readonly organization: OrganizationId;
  readonly team: TeamId;
  /** Unix milliseconds; absent: never. */
  readonly expiresAt?: number;
  /** Model aliases this key may use; absent: all. */
  readonly models?: readonly string[];
  /** What was asked for, where `models` is what the parents left of it; null: all that they leave. Gateways do not read it. */
  readonly wanted?: readonly string[] | null;
  /** Requests in flight over all workers; absent: no limit. */
  readonly maxParallel?: number;
  readonly project?: string;
  /** The member that it belongs to. */
  readonly user?: string;
  /** It belongs to a program of the team and to no person. */
  readonly serviceAccount?: string;
  /** `llm`: calls models (default). `read`: only lists and reports. `admin`: only the admin API. */
  readonly kind?: 'llm' | 'read' | 'admin';
  readonly blocked?: true;
  /** Ids of endpoints it may call (`chat-completions`); absent: all. */
  readonly endpoints?: readonly string[];
  /** CIDR blocks it may be used from; absent: anywhere. */
  readonly addresses?: readonly string[];
  readonly rules?: KeyRules;
  readonly metadata?: Readonly<Record<string, string>>;
  /** The first of the keys that replaced one another down to this one: all of them together use its limits and budgets. Absent: itself. */
  readonly lineage?: KeyId;
  /** It lives a few minutes and may be renewed under the same digest: a key of `bulkhead login`, or a token of an issuer. */
  readonly session?: SessionFacts;
}

/** Whose token a row of kind `session` stands for: the vault takes it only with a token that says the same. */
export interface SessionFacts {
  readonly issuer: string;
  readonly subject: string;
}

/** A row or snapshot as signed text. `signature` is Ed25519 over `bulkhead/<kind>/v1\n` + text, base64. */
export interface SignedText {
  readonly text: string;
  readonly signature: string;
}

/** Who is behind a request, after the key's row was verified. */
export interface Principal {
  readonly key: KeyRow;
  readonly signed: SignedText;
  /** `signed` as JSON: it goes to the vault with every call of the key. */
  readonly signedJson: string;
  /** Of a caller with a token of an issuer: the issuer's keys as the vault signed them, and the same as JSON. */
  readonly issuer?: SignedText | undefined;
  readonly issuerJson?: string | undefined;
}

/** What stands for a token of an issuer: its row of kind `session`, and its issuer's keys. */
export interface SignedSession {
  readonly row: SignedText;
  readonly issuer: SignedText;
}

/** Looks up keys. One implementation asks `control` over its socket, the other is a table in tests. */
export interface KeySource {
  /** Undefined: there is no such key, or it is revoked. Rejects when the source cannot be asked. */
  resolve(digest: KeyDigest): Promise<SignedText | undefined>;
  /** The same of a token of an issuer, which whoever answers verifies. */
  resolveToken(token: string): Promise<SignedSession | undefined>;
}
