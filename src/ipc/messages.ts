import type { DifferenceKind, UsageDimension, UsageFilter } from '../core/reports.ts';
import type { KeyDigest, CredentialId, OrganizationId, RequestId, TeamId } from '../core/ids.ts';
import type { SignedSession, SignedText } from '../access/principal.ts';
import type { ReserveRequest, ReserveTarget } from '../admission/admission.ts';
import type { AuditEntry } from '../audit/record.ts';

import type { UsageEvent } from '../core/usage.ts';

/**
 * Every message of every local socket, by the pair of roles that speaks it. `op` tells them apart.
 * Untrusted senders are checked by the receiver: these types say what a correct sender sends.
 */

/** What entitles a call to use a credential (architecture.md §2, "Proof"). `caller` is reserved. */
export type Proof =
  | {
      readonly kind: 'key';
      /** The row exactly as signed. */
      readonly row: SignedText;
      /** The virtual key as presented by the client. */
      readonly key: string;
    }
  /** A token of an issuer: its row (kind `session`), the issuer's keys (kind `issuer`) and the token as presented by the client. */
  | { readonly kind: 'jwt'; readonly row: SignedText; readonly issuer: SignedText; readonly token: string }
  | { readonly kind: 'service'; readonly grant: SignedText };

/** gateway → vault, `FRAME.call`. The reply is a head (`EgressHead`), data, and trailers (`EgressTrailers`). */
export interface EgressCall {
  readonly op: 'egress';
  readonly requestId: RequestId;
  readonly attempt: number;
  readonly proof: Proof;
  readonly credential: CredentialId;
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Origin-form path and query, below the credential's base path. Starts with `/`. */
  readonly path: string;
  /** End-to-end headers, lower-case names. The vault adds host, length, the credential, connection. */
  readonly headers: readonly (readonly [string, string])[];
  /** `bounded`: the body rides in this frame. `streamed`: it follows as data frames and one end. */
  readonly body: 'bounded' | 'streamed';
  /** Of a streamed body, in bytes: it is sent with content-length and held to it. Absent: chunked. */
  readonly bodyLength?: number;
  readonly timeouts: {
    readonly connectMs: number;
    /** From the last request byte to the response head. */
    readonly headMs: number;
    /** Between two body chunks. */
    readonly idleMs: number;
  };
}

export interface EgressHead {
  readonly status: number;
  /** End-to-end response headers, lower-case names, scrubbed. */
  readonly headers: readonly (readonly [string, string])[];
}

export interface EgressTrailers {
  /** Body bytes to and from the upstream, as the vault counted them. */
  readonly bytesOut: number;
  readonly bytesIn: number;
}

/**
 * gateway → vault, unary, shard 0 alone: 32 bytes in the reply's body, derived from the root key for the organization of the proof's
 * key and for nothing but `purpose`. The same after every restart; refused to services and for revoked keys like any call.
 */
export interface TenantKeyCall {
  readonly op: 'tenant.key';
  readonly proof: Proof;
  readonly purpose: TenantKeyPurpose;
}

/** `responses`: seals stored responses. */
type TenantKeyPurpose = 'responses';

/**
 * How the vault puts a secret into a request; each scheme is one file in `vault/auth/`. `tokenUrl` names where session tokens are
 * fetched, `https` and with its path, if not at the vendor's own address; private addresses only with the binding's `allowPrivate`.
 */
export type AuthScheme =
  | { readonly scheme: 'none' }
  /** `Authorization: Bearer <secret>` */
  | { readonly scheme: 'bearer' }
  /** `<name>: <secret>` */
  | { readonly scheme: 'header'; readonly name: string }
  /**
   * AWS Signature Version 4; bounded bodies only. Secret: JSON `{access_key_id, secret_access_key, session_token?}`, or the lines
   * `aws_access_key_id=…`, `aws_secret_access_key=…`, `aws_session_token=…` of a credentials file. `tokenUrl`: STS, for `role`.
   */
  | {
      readonly scheme: 'aws-sigv4';
      readonly service: string;
      readonly region: string;
      readonly role?: AwsRole;
      readonly tokenUrl?: string;
    }
  /** `Authorization: Bearer <access token>` for a service account. Secret: its JSON file, whose `token_uri` is that of the binding. */
  | { readonly scheme: 'google-service-account'; readonly scope?: string; readonly tokenUrl?: string }
  /** `Authorization: Bearer <access token>` by OAuth 2.0 client credentials. Secret: JSON `{client_id, client_secret}`. */
  | { readonly scheme: 'azure-ad'; readonly tenant: string; readonly scope?: string; readonly tokenUrl?: string };

/** A role that the vault assumes at STS, so that requests are signed with credentials of one hour. */
export interface AwsRole {
  /** `arn:aws:iam::123456789012:role/name` */
  readonly arn: string;
  readonly externalId?: string;
  /** As it appears in CloudTrail. Default `bulkhead`. */
  readonly sessionName?: string;
  /** 900 to 43,200. Default 3600. */
  readonly durationSeconds?: number;
}

/** What a credential is bound to. Everything here is authenticated by its ciphertext (security.md §4, AAD). */
export interface CredentialBinding {
  readonly id: CredentialId;
  /** `*`: every organization of this node. */
  readonly organization: OrganizationId | '*';
  /** `https://api.openai.com` or `http://127.0.0.1:11434`: scheme, host, port; no path. */
  readonly origin: string;
  /** Path prefixes it may be used for, each ending at a segment: `/v1/`. */
  readonly paths: readonly string[];
  readonly auth: AuthScheme;
  /** True only where the operator's configuration names this very upstream as private. */
  readonly allowPrivate: boolean;
  /** The operator's CONNECT proxy, `http://host:port`. */
  readonly proxy?: string;
  /** Extra certificate authorities, PEM. */
  readonly ca?: string;
  readonly ceilings?: Ceilings;
}

/** Limits the gateway cannot influence, per credential and hour. Absent ones are learned (architecture.md §2). */
export interface Ceilings {
  readonly requestsPerHour?: number;
  readonly concurrent?: number;
  readonly bytesPerHour?: number;
}

export interface CredentialInfo {
  readonly binding: CredentialBinding;
  readonly version: number;
  /** First 12 hexadecimal digits of a keyed digest of the secret; '' without a secret. */
  readonly fingerprint: string;
  readonly createdAt: number;
  readonly lastUsedAt: number | null;
  readonly uses: number;
}

/**
 * control → vault, unary. Replies: info → VaultInfo; credential.put and .rebind → CredentialInfo; credential.list →
 * `{credentials: CredentialInfo[], refused: {id, reason}[]}` (refused: records that do not open); credential.try → `{status, bytes}`;
 * sign → SignedText; metrics → `{metrics}`, a snapshot as telemetry's; the others → `{}`.
 */
export type VaultAdminCall =
  | { readonly op: 'info' }
  | {
      readonly op: 'credential.put';
      readonly binding: CredentialBinding;
      /** HPKE, base64; null only for scheme none. */ readonly sealed: SealedSecret | null;
      readonly at: number;
    }
  | { readonly op: 'credential.rebind'; readonly binding: CredentialBinding; readonly at: number }
  | { readonly op: 'credential.list' }
  | { readonly op: 'credential.remove'; readonly id: CredentialId }
  /** Sends one request with the credential and answers its status; used by `credential add` and `credential try`. */
  | {
      readonly op: 'credential.try';
      readonly id: CredentialId;
      readonly method: 'GET' | 'POST';
      readonly path: string;
      readonly headers: readonly (readonly [string, string])[];
    }
  | { readonly op: 'sign'; readonly kind: SignedKind; readonly text: string }
  /** Persists the digest in the revoked set; resolves when it is on disk. */
  | { readonly op: 'revoke'; readonly digest: KeyDigest }
  /** The same of the blocked set, and out of it. A revoke stays whatever is unblocked. */
  | { readonly op: 'block' | 'unblock'; readonly digest: KeyDigest }
  /** Pins shard 0's signing key on another shard, once. */
  | { readonly op: 'trust'; readonly verifyKey: string }
  /** Shard 0 fetches an issuer's keys and signs them; replies SignedText of an IssuerText under `issuer`. Nobody else can have one signed. */
  | ({ readonly op: 'issuer.fetch' } & IssuerPlace)
  | { readonly op: 'metrics' };

/** An issuer as the operator's configuration names it. */
export interface IssuerPlace {
  /** `https`, as tokens name it in `iss`. */
  readonly issuer: string;
  readonly audiences: readonly string[];
  /** True only where the operator's configuration names this very issuer as private. */
  readonly allowPrivate: boolean;
  /** The operator's CONNECT proxy, `http://host:port`. */
  readonly proxy?: string;
  /** Extra certificate authorities, PEM. */
  readonly ca?: string;
}

/** `row`: of control's own tables, read back by nobody but control. `issuer` is not among them: only what the vault fetched is signed as that. */
export type SignedKind = 'key' | 'snapshot' | 'grant' | 'row' | 'session';

/** RFC 9180 base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM; info `bulkhead/credential/v1`, aad = credential id. */
export interface SealedSecret {
  readonly enc: string;
  readonly ciphertext: string;
}

export interface VaultInfo {
  readonly shard: number;
  readonly generation: string;
  readonly state: 'unsealed' | 'sealed';
  /** X25519 public key for HPKE, raw 32 bytes, base64. */
  readonly sealingKey: string;
  /** Ed25519 public key of signed rows, raw 32 bytes, base64. */
  readonly verifyKey: string;
  readonly credentials: number;
  readonly revoked: number;
}

/** vault → ledger, unary: journal records in order. The reply `{acked}` names the last offset that is durable. */
export interface JournalCall {
  readonly op: 'journal';
  readonly shard: number;
  /** Generation of the vault process that writes now; records of earlier ones without an end will never get one. */
  readonly generation: string;
  readonly records: readonly JournalRecord[];
}

export type JournalRecord =
  | {
      readonly k: 'start';
      /** Position in the shard's journal; strictly rising over all generations. */
      readonly offset: number;
      readonly generation: string;
      readonly requestId: RequestId;
      readonly attempt: number;
      readonly credential: CredentialId;
      readonly organization: string;
      readonly key: string;
      readonly at: number;
    }
  | {
      readonly k: 'end';
      readonly offset: number;
      readonly generation: string;
      readonly requestId: RequestId;
      readonly attempt: number;
      /** 0: no response head arrived. */
      readonly status: number;
      readonly bytesOut: number;
      readonly bytesIn: number;
      readonly outcome: 'complete' | 'cut' | 'cancelled' | 'refused' | 'timeout';
      readonly at: number;
    };

/** A ReserveRequest with its key's rules as JSON: the ledger reads each text once. */
export type ReserveMessage = Omit<ReserveRequest, 'rules'> & { readonly rules?: string | undefined };

/**
 * gateway → ledger, unary. `reserve` answers `{limits?: LimitState[]}` from memory or an error frame (`too_many_parallel_requests`, `rate_limited`, `budget_exceeded`, `price_unknown`,
 * `admission_unavailable`); `adjust` answers `{}`; `account` answers AccountReply once its events are on disk.
 * The first event of a request ends its reservation, so that all attempts of one request go into one call.
 */
export type LedgerCall =
  | { readonly op: 'reserve'; readonly request: ReserveMessage }
  /**
   * The first call of a connection after a lost one: the requests that the gateway still has under way, at most 100,000. Each is held again as it
   * was, past any limit, because it runs already. Replies `{resumed}`. What the sender held and
   * does not name is held until it is reported, or nobody has spoken of it for some minutes.
   */
  | { readonly op: 'resume'; readonly requests: readonly ReserveMessage[] }
  /** `target`: the one that is tried next. */
  | {
      readonly op: 'adjust';
      readonly requestId: RequestId;
      readonly maxInputTokens: number;
      readonly maxOutputTokens: number;
      readonly target?: ReserveTarget;
    }
  /** Ends requests; resent until acknowledged, so the ledger takes every event any number of times. */
  | { readonly op: 'account'; readonly settled: readonly UsageEvent[]; readonly released: readonly RequestId[] }
  | ResponseCall;

/** A response that its client may come back to, by its tenant: the same id of another one is none. */
interface ResponseOf {
  readonly id: string;
  readonly organization: OrganizationId;
  readonly team: TeamId;
}

/** What the ledger may know of a stored response. */
export interface ResponseFacts {
  /** Who keeps what it says; null: we do, sealed in the body beside this. */
  readonly provider: string | null;
}

/**
 * gateway → ledger, unary: stored responses. What they say rides in the frame's body, sealed under a key of their tenant that the ledger never has.
 * Replies: put → `{stored}`, false where the id is another tenant's; get → ResponseReply with the body; remove → `{removed}`.
 */
export type ResponseCall =
  | ({ readonly op: 'response.put'; readonly facts: ResponseFacts; readonly expiresAt: number } & ResponseOf)
  | ({ readonly op: 'response.get' } & ResponseOf)
  | ({ readonly op: 'response.remove' } & ResponseOf);

/** Null: there is none, or no more. */
export interface ResponseReply {
  readonly facts: ResponseFacts | null;
}

/** Events in `rejected` are malformed or not the sender's to report: sending them again changes nothing. */
export interface AccountReply {
  readonly accepted: number;
  readonly rejected: readonly { readonly requestId: string; readonly reason: string }[];
}

/** Reply to `journal`. -1: nothing is stored of this shard yet. */
export interface JournalReply {
  readonly acked: number;
}

/**
 * control → ledger, unary. Replies: usage.summary → UsageSummaryReply; usage.rows → UsageRowsReply; usage.request →
 * `{rows: UsageRow[]}`, one per attempt; backup → `{file, bytes}` below the ledger's `backups/`; metrics → `{metrics}`.
 * `from` and `to` are Unix milliseconds, [from, to).
 */
export type LedgerAdminCall =
  | {
      readonly op: 'usage.summary';
      readonly by: readonly UsageDimension[];
      readonly from: number;
      readonly to: number;
      readonly filter: UsageFilter;
      readonly limit: number;
      /** IANA name: whose days, weeks and months. */
      readonly timeZone: string;
    }
  | {
      readonly op: 'usage.rows';
      readonly from: number;
      readonly to: number;
      readonly filter: UsageFilter;
      readonly limit: number;
      readonly before: string | null;
    }
  | { readonly op: 'usage.request'; readonly requestId: string }
  /** Pages of an export, oldest first; replies UsageRowsReply. */
  | {
      readonly op: 'usage.export';
      readonly from: number;
      readonly to: number;
      readonly filter: UsageFilter;
      readonly limit: number;
      readonly after: string | null;
    }
  /** Days (UTC) of every group that touch [from, to), for FOCUS; replies UsageDaysReply. */
  | {
      readonly op: 'usage.days';
      readonly from: number;
      readonly to: number;
      readonly filter: UsageFilter;
      readonly limit: number;
      readonly after: string | null;
    }
  /** Newest first; replies DifferencesReply. `kind` null: all. */
  | {
      readonly op: 'reconciliation.list';
      readonly from: number;
      readonly to: number;
      readonly kind: DifferenceKind | null;
      readonly limit: number;
      readonly before: string | null;
    }
  /** An AdmissionPolicy as JSON under `snapshot`, whole; replies `{version}`. One that is older than what holds, or not the vault's, is refused. */
  | { readonly op: 'admission.apply'; readonly policy: SignedText }
  /** What is used and left of every rule of the owners named (`ownerKey`), or of all that have rules; replies AdmissionStatusReply. */
  | { readonly op: 'admission.status'; readonly owners: readonly string[] | null }
  /** What admission had to say since the alert of this sequence; 0: all that is remembered. Replies AdmissionAlertsReply. */
  | { readonly op: 'admission.alerts'; readonly since: number }
  /** The operator's prices as JSON under `snapshot`, in front of the catalogue; replies `{version}`. */
  | { readonly op: 'prices.apply'; readonly prices: SignedText }
  | { readonly op: 'backup'; readonly fileName: string }
  | { readonly op: 'metrics' };

/** control → auditor, unary; the reply is an AuditReceipt. */
export type AuditCall =
  | { readonly op: 'append'; readonly entry: AuditEntry }
  | { readonly op: 'tail'; readonly limit: number }
  /** Copies the log into the auditor's folder under this name. */
  | { readonly op: 'backup'; readonly fileName: string };

/** vault → auditor, unary: credential uses of one interval. A missing `sequence` becomes a signed gap record. */
export interface UsesCall {
  readonly op: 'uses';
  readonly shard: number;
  readonly generation: string;
  /** From 1 for every generation. A summary without a reply is sent again under its number. */
  readonly sequence: number;
  readonly from: number;
  readonly to: number;
  readonly uses: readonly {
    readonly credential: CredentialId;
    readonly organization: string;
    readonly count: number;
    readonly refused: number;
    readonly echoes: number;
  }[];
}

/** gateway → control, unary. */
export type GatewayControlCall =
  | { readonly op: 'key.resolve'; readonly digest: KeyDigest }
  /** The whole token, for control verifies it. */
  | { readonly op: 'token.resolve'; readonly token: string }
  | { readonly op: 'policy.get' };

/** Reply to `key.resolve`. Null: there is no such key, or it is revoked. */
export interface KeyResolveReply {
  readonly row: SignedText | null;
}

/** Reply to `token.resolve`. Null: nobody's token, or of somebody who may not call models; whatever is wrong with it. */
export interface TokenResolveReply {
  readonly session: SignedSession | null;
}

/** Reply to `policy.get`. Null: no snapshot was signed yet; one is pushed as soon as there is. */
export interface PolicyGetReply {
  readonly snapshot: SignedText | null;
}

/** Reply to `tail`: the newest lines of the log, oldest first, exactly as they stand in the file. */
export interface AuditTailReply {
  readonly lines: readonly string[];
}

/** control → gateway, unary, on the connection the gateway opened. A reply acknowledges. */
export type ControlGatewayCall =
  | { readonly op: 'policy.apply'; readonly snapshot: SignedText }
  | { readonly op: 'key.revoked'; readonly digest: KeyDigest }
  | { readonly op: 'key.changed'; readonly digest: KeyDigest }
  | { readonly op: 'metrics' };

/** control → gateway, not answered: the row that another worker asked for, so that this one need not. */
export interface ControlGatewayNote {
  readonly op: 'key.row';
  readonly digest: KeyDigest;
  readonly row: SignedText;
}
