import { BulkheadError } from '../core/errors.ts';

/** Who acts on the control plane. */
export interface Actor {
  /** `user`: a person with a token; `key`: a virtual key of the kind `admin` or `read`. */
  readonly kind: 'admin' | 'system' | 'user' | 'key';
  /** Stable id: `admin:local`, `system:config`, `user:usr_01…`, `key:key_01…`. */
  readonly id: string;
}

/** One control act as it goes into the log. No secret, no prompt. */
export interface AuditEntry {
  readonly at: number;
  readonly actor: Actor;
  /** `key.create`, `credential.put`, `config.apply` … */
  readonly act: string;
  /** The thing acted on: `key/key_01J…`. */
  readonly target: string;
  readonly decision: 'allowed' | 'denied';
  /** Safe facts about the act (names, ids, counts), canonical by construction. */
  readonly facts: Readonly<Record<string, string | number | boolean | null>>;
}

export interface AuditReceipt {
  readonly sequence: number;
  /** SHA-256 of the log's line, hexadecimal. */
  readonly hash: string;
}

/** The auditor's log. Resolves only once the entry is on disk; a rejection means the act must not happen. */
export interface AuditLog {
  append(entry: AuditEntry): Promise<AuditReceipt>;
}

/** Proof that an act was allowed and recorded. Services take one, so that no act can skip the log. */
export interface Permit {
  readonly actor: Actor;
  readonly act: string;
  readonly target: string;
  readonly receipt: AuditReceipt;
}

export interface ActRequest {
  readonly actor: Actor;
  readonly act: string;
  readonly target: string;
  readonly facts: AuditEntry['facts'];
}

/** Decides whether an actor may do an act. */
export type Policy = (actor: Actor, act: string, target: string) => boolean;

/** Authorises and records in one step, or denies: an act that cannot be recorded is not allowed (setec's checkAndLog). */
export async function authorizeAndRecord(request: ActRequest, now: number, policy: Policy, log: AuditLog): Promise<Permit> {
  const { actor, act, target, facts } = request;
  const allowed = policy(actor, act, target);
  let receipt: AuditReceipt;
  try {
    receipt = await log.append({ at: now, actor, act, target, decision: allowed ? 'allowed' : 'denied', facts });
  } catch (cause) {
    throw new BulkheadError('audit_unavailable', {}, { cause });
  }
  if (!allowed) throw new BulkheadError('permission_denied', { act: `${act} on ${target}` });
  return { actor, act, target, receipt };
}
