import type { SignedSession, SignedText } from '../../access/principal.ts';
import type { KeyDigest } from '../../core/ids.ts';

/** What gateways ask control, and what control tells them. */

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
