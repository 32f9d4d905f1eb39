import type { SignedText } from '../../access/principal.ts';
import type { CredentialId, KeyDigest, OrganizationId, RequestId } from '../../core/ids.ts';

/** What the vault is asked: calls to providers by gateways; keys of providers, signatures and revokes by control. */

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

/** RFC 9180 base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM; info `bulkhead/credential/v1`, aad = credential id. */
export interface SealedSecret {
  readonly enc: string;
  readonly ciphertext: string;
}
