import type { JsonObject } from '../core/json.ts';
import type { UsesCall } from '../ipc/messages.ts';
import type { Credential } from './credential.ts';

const MAX_OUTBOX = 120;
type Use = { -readonly [Key in keyof UsesCall['uses'][number]]: UsesCall['uses'][number][Key] };

/** Counts uses of credentials and tells the auditor in numbered batches; a lost number shows there as a gap. */
export class UseBook {
  readonly #header: { readonly op: 'uses'; readonly shard: number; readonly generation: string };
  readonly #send: (call: JsonObject) => Promise<unknown>;
  readonly #uses = new Map<string, Use>();
  readonly #outbox: UsesCall[] = [];
  #sequence = 0;
  #from: number;
  #sending = false;

  constructor(shard: number, generation: string, now: number, send: (call: JsonObject) => Promise<unknown>) {
    this.#header = { op: 'uses', shard, generation };
    this.#from = now;
    this.#send = send;
  }

  used(credential: Credential, organization: string, echoes: number, now: number): void {
    const use = this.#use(credential.binding.id, organization);
    use.count++;
    use.echoes += echoes;
    credential.uses++;
    credential.lastUsedAt = now;
  }

  refused(credential: UsesCall['uses'][number]['credential'], organization: string): void {
    this.#use(credential, organization).refused++;
  }

  /** Closes the interval and sends what waits, in order. */
  async flush(now: number): Promise<void> {
    if (this.#uses.size > 0) {
      this.#outbox.push({ ...this.#header, sequence: ++this.#sequence, from: this.#from, to: now, uses: [...this.#uses.values()] });
      this.#uses.clear();
      // The auditor is away for long: it sees the missing numbers when it is back.
      if (this.#outbox.length > MAX_OUTBOX) this.#outbox.shift();
    }
    this.#from = now;
    if (this.#sending) return;
    this.#sending = true;
    try {
      for (let next = this.#outbox[0]; next !== undefined; next = this.#outbox[0]) {
        await this.#send(next as unknown as JsonObject);
        if (this.#outbox[0] === next) this.#outbox.shift();
      }
    } finally {
      this.#sending = false;
    }
  }

  #use(credential: Use['credential'], organization: string): Use {
    const name = `${credential}|${organization}`;
    let use = this.#uses.get(name);
    if (use === undefined) this.#uses.set(name, (use = { credential, organization, count: 0, refused: 0, echoes: 0 }));
    return use;
  }
}
