import type { AuditEntry, AuditLog, AuditReceipt } from '../audit/record.ts';
import type { JsonObject } from '../core/json.ts';
import type { Link } from '../ipc/link.ts';
import type { AuditCall, AuditTailReply } from '../ipc/messages/auditor.ts';
import { within } from '../core/within.ts';

/** An auditor that hangs is no auditor: the act is denied, though its entry may still reach the log. */
const RECEIPT_MS = 5000;

/** The auditor's log over its socket. Every failure, a lost connection included, rejects: then there is no permit. */
export class AuditorLog implements AuditLog {
  readonly #link: Link;
  #sequence = 0;

  constructor(link: Link) {
    this.#link = link;
  }

  /** Of the newest line that this process had written. */
  get sequence(): number {
    return this.#sequence;
  }

  async append(entry: AuditEntry): Promise<AuditReceipt> {
    const { sequence, hash } = await within(RECEIPT_MS, this.#ask({ op: 'append', entry }));
    if (typeof sequence !== 'number' || typeof hash !== 'string') throw new Error('the auditor answered without a receipt');
    this.#sequence = Math.max(this.#sequence, sequence);
    return { sequence, hash };
  }

  async tail(limit: number): Promise<AuditTailReply['lines']> {
    return ((await this.#ask({ op: 'tail', limit })) as unknown as AuditTailReply).lines;
  }

  async backup(fileName: string): Promise<void> {
    await this.#ask({ op: 'backup', fileName });
  }

  async #ask(call: AuditCall): Promise<JsonObject> {
    return (await this.#link.unary(call as unknown as JsonObject)).head;
  }
}
