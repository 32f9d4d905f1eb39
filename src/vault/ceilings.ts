import fs from 'node:fs';
import { BulkheadError } from '../core/errors.ts';
import type { Ceilings } from '../ipc/messages.ts';
import { writeAtomically } from './files.ts';

const HOUR_MS = 3_600_000;
/** Below these a learned ceiling never falls; it is four times the busiest hour seen. */
const FLOOR: Required<Ceilings> = { requestsPerHour: 10_000, concurrent: 1024, bytesPerHour: 8 * 2 ** 30 };
const KINDS = Object.keys(FLOOR) as (keyof Ceilings)[];

/** One credential's use by one organization: `now` counts in this hour, `busiest` is what ceilings are learned from. */
export interface Meter {
  hour: number;
  readonly now: Record<keyof Ceilings, number>;
  readonly busiest: Record<keyof Ceilings, number>;
}

/** Limits that no other process can raise or reset, exact because one process counts. */
export class CeilingBook {
  readonly #file: string;
  readonly #meters = new Map<string, Meter>();
  readonly #warn: (credential: string, kind: string) => void;
  #changed = false;

  /** `warn` hears once an hour of a credential that passed half of a ceiling. */
  constructor(file: string, warn: (credential: string, kind: string) => void) {
    this.#file = file;
    this.#warn = warn;
    if (!fs.existsSync(file)) return;
    for (const [name, busiest] of Object.entries(JSON.parse(fs.readFileSync(file, 'utf8')) as Record<string, Meter['busiest']>)) {
      this.#meters.set(name, { hour: -1, now: { requestsPerHour: 0, concurrent: 0, bytesPerHour: 0 }, busiest });
    }
  }

  /** Counts a request in, or throws `ceiling_reached`. The caller owes one `leave`. */
  enter(credential: string, organization: string, explicit: Ceilings, monotonic: number): Meter {
    const name = `${credential}|${organization}`;
    let meter = this.#meters.get(name);
    if (meter === undefined) {
      meter = {
        hour: -1,
        now: { requestsPerHour: 0, concurrent: 0, bytesPerHour: 0 },
        busiest: { requestsPerHour: 0, concurrent: 0, bytesPerHour: 0 },
      };
      this.#meters.set(name, meter);
    }
    const { now, busiest } = meter;
    const hour = Math.floor(monotonic / HOUR_MS);
    if (hour !== meter.hour) Object.assign(now, { requestsPerHour: 0, bytesPerHour: 0 });
    meter.hour = hour;
    for (const kind of KINDS) {
      const ceiling = explicit[kind] ?? Math.max(FLOOR[kind], 4 * busiest[kind]);
      if (now[kind] >= ceiling) throw new BulkheadError('ceiling_reached', { credential, reason: `${kind} ${ceiling}` });
      if (now[kind] === Math.floor(ceiling / 2)) this.#warn(credential, kind);
    }
    now.requestsPerHour++;
    now.concurrent++;
    return meter;
  }

  leave({ now, busiest }: Meter, bytes: number): void {
    now.bytesPerHour += bytes;
    for (const kind of KINDS) {
      if (now[kind] <= busiest[kind]) continue;
      busiest[kind] = now[kind];
      this.#changed = true;
    }
    now.concurrent--;
  }

  save(): void {
    if (!this.#changed) return;
    this.#changed = false;
    writeAtomically(this.#file, JSON.stringify(Object.fromEntries([...this.#meters].map(([name, { busiest }]) => [name, busiest]))));
  }
}
