/** A process of its own that reserves, reports and journals calls at a steady rate, so that nothing else of a benchmark disturbs its clock. */
import path from 'node:path';
import { connectFrames } from '../src/auditor/testing/role-process.ts';
import { newRequestId } from '../src/core/ids.ts';
import type { Peer } from '../src/ipc/peer.ts';
import { endRecord, startRecord, usageEvent } from '../src/ledger/testing/events.ts';
import { ask } from '../src/ledger/testing/ledger-process.ts';

/** What the parent gives. */
interface StreamJob {
  /** Where the ledger's sockets are. */
  readonly folder: string;
  readonly callsPerSecond: number;
  /** One of so many calls is reserved as well; absent: each. */
  readonly reserveOneOf?: number;
}

/** How long reservations took since the last time, in milliseconds; and how many calls are on disk. */
export interface StreamTimes {
  readonly times: readonly number[];
  readonly stored: number;
}

const TURN_MS = 20;
/** Turns whose calls are not all on disk: a ledger that is slower than asked gets no more until it has caught up. */
const MAX_PENDING = 50;

/** Calls at a steady rate through the sockets of a gateway and a vault; how long each reservation took. */
class Stream {
  readonly #gateway: Peer;
  readonly #vault: Peer;
  #times: number[] = [];
  #offset = 0;
  #stored = 0;
  readonly #gap: number;
  readonly #reserveOneOf: number;
  #due = performance.now();
  #timer: NodeJS.Timeout;
  #pending = new Set<Promise<void>>();

  constructor(gateway: Peer, vault: Peer, { callsPerSecond, reserveOneOf = 1 }: StreamJob) {
    this.#gateway = gateway;
    this.#vault = vault;
    this.#gap = 1000 / callsPerSecond;
    this.#reserveOneOf = reserveOneOf;
    this.#timer = setInterval(() => this.#turn(), TURN_MS);
  }

  take(): StreamTimes {
    const taken = { times: this.#times, stored: this.#stored };
    this.#times = [];
    return taken;
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#pending);
  }

  #turn(): void {
    const now = performance.now();
    if (this.#pending.size >= MAX_PENDING) return void (this.#due = now);
    const ids: string[] = [];
    for (; this.#due <= now; this.#due += this.#gap) ids.push(newRequestId(Date.now()));
    const whole = this.#calls(ids).finally(() => this.#pending.delete(whole));
    this.#pending.add(whole);
  }

  async #calls(ids: readonly string[]): Promise<void> {
    const owner = (i: number): { key: string; organization: string; team: string } => ({
      key: `key_${i % 5000}`,
      organization: `org_${i % 50}`,
      team: `team_${i % 500}`,
    });
    await Promise.all(
      ids.map(async (requestId, i) => {
        if (i % this.#reserveOneOf !== 0) return;
        const began = performance.now();
        const request = { requestId, ...owner(this.#offset + i), alias: 'fast', maxInputTokens: 100, maxOutputTokens: 50 };
        await ask(this.#gateway, { op: 'reserve', request });
        this.#times.push(performance.now() - began);
      }),
    );
    const records = ids.flatMap((id, i) => {
      const { key, organization } = owner(this.#offset + i);
      return [startRecord(id, this.#offset++, { key, organization }), endRecord(id, this.#offset++)];
    });
    const settled = ids.map((id, i) => usageEvent(id, owner(i) as never));
    await Promise.all([
      ask(this.#vault, { op: 'journal', shard: 0, generation: 'bench', records }),
      ask(this.#gateway, { op: 'account', settled, released: [] }),
    ]);
    this.#stored += ids.length;
  }
}

process.once('message', (job: StreamJob) => void serve(job));

async function serve(job: StreamJob): Promise<void> {
  const [gateway, vault] = await Promise.all([
    connectFrames(path.join(job.folder, 'gateway'), 'gateway'),
    connectFrames(path.join(job.folder, 'vault'), 'vault'),
  ]);
  const stream = new Stream(gateway, vault, job);
  process.on('message', (message) => {
    if (message === 'take') process.send?.(stream.take());
    else void stream.stop().then(() => process.exit(0));
  });
  process.send?.(stream.take());
}
