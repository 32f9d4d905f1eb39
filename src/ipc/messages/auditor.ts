import type { AuditEntry } from '../../audit/record.ts';
import type { CredentialId } from '../../core/ids.ts';

/** The log of acts and of uses. */

/** control → auditor, unary; the reply is an AuditReceipt. */
export type AuditCall =
  | { readonly op: 'append'; readonly entry: AuditEntry }
  | { readonly op: 'tail'; readonly limit: number }
  /** Copies the log into the auditor's folder under this name. */
  | { readonly op: 'backup'; readonly fileName: string };

/** Reply to `tail`: the newest lines of the log, oldest first, exactly as they stand in the file. */
export interface AuditTailReply {
  readonly lines: readonly string[];
}

/** vault → auditor, unary: credential uses of one interval. A missing `sequence` becomes a signed gap record. */
export interface UsesCall {
  readonly op: 'uses';
  readonly shard: number;
  readonly generation: string;
  /** From 1 for every generation. A summary without a reply is sent again under its number. */
  readonly sequence: number;
  readonly from: number;
  readonly to: number;
  readonly uses: readonly CredentialUses[];
}

/** By one organization; counted up until they are sent. */
export interface CredentialUses {
  readonly credential: CredentialId;
  readonly organization: string;
  count: number;
  refused: number;
  echoes: number;
}
