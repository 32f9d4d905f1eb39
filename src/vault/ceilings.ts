import fs from 'node:fs';
import { BulkheadError } from '../core/errors.ts';
import type { Ceilings } from '../ipc/messages.ts';
import { writeAtomically } from './files.ts';

const HOUR_MS = 3_600_000;
/**
 * Below these a learned ceiling never falls; it is four times the busiest whole hour seen. High enough that a company's first
 * day is not refused; whoever wants less sets it per credential.
 */
const FLOOR: Required<Ceilings> = { requestsPerHour: 1_000_000, concurrent: 1024, bytesPerHour: 64 * 2 ** 30 };
const KINDS = Object.keys(FLOOR) as (keyof Ceilings)[];

type Counts = Record<keyof Ceilings, number>;
const none = (): Counts => ({ requestsPerHour: 0, concurrent: 0, bytesPerHour: 0 });

/** One credential's use by one organization: in this hour, most at once in it, and in the busiest of the hours before. */
export interface Meter {
  hour: number;
  peak: number;
  readonly now: Counts;
  readonly busiest: Counts;
}

/** Limits that no other process can raise or reset, exact because one process counts. */
export class CeilingBook {
  readonly #file: string;
  readonly #meters = new Map<string, Meter>();
  readonly #warn: (credential: string, kind: string) => void;
  #changed = false;

  /** `warn` hears of a credential that passed half of a ceiling. */
  constructor(file: string, warn: (credential: string, kind: string) => void) {
    this.#file = file;
    this.#warn = warn;
    const saved = fs.existsSync(file) ? (JSON.parse(fs.readFileSync(file, 'utf8')) as Record<string, Counts>) : {};
    for (const [name, busiest] of Object.entries(saved)) this.#meters.set(name, { hour: -1, peak: 0, now: none(), busiest });
  }

  /** Counts a request in, or throws `ceiling_reached`. The caller owes one `leave`. */
  enter(credential: string, organization: string, explicit: Ceilings, monotonic: number): Meter {
    const name = `${credential}|${organization}`;
    const meter = this.#meters.get(name) ?? { hour: -1, peak: 0, now: none(), busiest: none() };
    this.#meters.set(name, meter);
    const hour = Math.floor(monotonic / HOUR_MS);
    if (hour !== meter.hour) this.#turn(meter, hour);
    const { now, busiest } = meter;
    for (const kind of KINDS) {
      const ceiling = explicit[kind] ?? Math.max(FLOOR[kind], 4 * busiest[kind]);
      if (now[kind] >= ceiling) throw new BulkheadError('ceiling_reached', { credential, reason: `${kind} ${ceiling}` });
      if (now[kind] === Math.ceil(ceiling / 2)) this.#warn(credential, kind);
    }
    now.requestsPerHour++;
    meter.peak = Math.max(meter.peak, ++now.concurrent);
    return meter;
  }

  leave({ now }: Meter, bytes: number): void {
    now.bytesPerHour += bytes;
    now.concurrent--;
  }

  save(): void {
    if (!this.#changed) return;
    this.#changed = false;
    writeAtomically(this.#file, JSON.stringify(Object.fromEntries([...this.#meters].map(([name, { busiest }]) => [name, busiest]))));
  }

  /** Only whole hours are learned from: a ceiling that rose with the hour under way would never be reached. */
  #turn(meter: Meter, hour: number): void {
    const { now, busiest, peak } = meter;
    const seen = { ...now, concurrent: peak };
    for (const kind of KINDS) busiest[kind] = Math.max(busiest[kind], seen[kind]);
    Object.assign(now, { requestsPerHour: 0, bytesPerHour: 0 });
    Object.assign(meter, { hour, peak: now.concurrent });
    this.#changed = true;
  }
}
