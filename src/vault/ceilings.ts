import fs from 'node:fs';
import { BulkheadError } from '../core/error.ts';
import type { CredentialId } from '../core/ids.ts';
import type { CredentialUses } from '../ipc/messages/auditor.ts';
import type { Ceilings } from '../ipc/messages/vault.ts';
import { writeAtomically } from '../core/durable-file.ts';

const HOUR_MS = 3_600_000;
/**
 * Below these a learned ceiling never falls; it is four times the busiest whole hour seen. High enough that a company's first
 * day is not refused; whoever wants less sets it per credential.
 */
const FLOOR: Required<Ceilings> = { requestsPerHour: 1_000_000, concurrent: 1024, bytesPerHour: 64 * 2 ** 30 };
const KINDS = Object.keys(FLOOR) as (keyof Ceilings)[];

type Counts = Record<keyof Ceilings, number>;
const none = (): Counts => ({ requestsPerHour: 0, concurrent: 0, bytesPerHour: 0 });

/** One credential's use by one organization. */
export interface Meter {
  /** The hour under way, and most at once in it. */
  hour: number;
  peak: number;
  readonly now: Counts;
  /** In the busiest of the hours before. */
  readonly busiest: Counts;
  /** Since the last report. */
  uses: CredentialUses;
}

/** Limits that no other process can raise or reset, exact because one process counts. */
export class CeilingBook {
  readonly #file: string;
  readonly #warn: (credential: string, kind: string) => void;
  readonly #busiest: Record<string, Counts>;
  readonly #meters = new Map<string, Meter>();
  #changed = false;

  /** `warn` hears of a credential that passed half of a ceiling. */
  constructor(file: string, warn: (credential: string, kind: string) => void) {
    this.#file = file;
    this.#warn = warn;
    this.#busiest = fs.existsSync(file) ? (JSON.parse(fs.readFileSync(file, 'utf8')) as Record<string, Counts>) : {};
  }

  meter(credential: CredentialId, organization: string): Meter {
    const name = `${credential}|${organization}`;
    const known = this.#meters.get(name);
    if (known !== undefined) return known;
    const uses = { credential, organization, count: 0, refused: 0, echoes: 0 };
    const meter = { hour: -1, peak: 0, now: none(), busiest: (this.#busiest[name] ??= none()), uses };
    this.#meters.set(name, meter);
    return meter;
  }

  /** Counts a request in, or throws `ceiling_reached`. The caller owes one `leave`. */
  enter(credential: CredentialId, organization: string, explicit: Ceilings, monotonic: number): Meter {
    const meter = this.meter(credential, organization);
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

  leave({ now, uses }: Meter, bytes: number, echoes = 0): void {
    now.bytesPerHour += bytes;
    now.concurrent--;
    uses.count++;
    uses.echoes += echoes;
  }

  /** What was used and refused since the last time. */
  takeUses(): readonly CredentialUses[] {
    return [...this.#meters.values()].flatMap((meter) => {
      const { uses } = meter;
      if (uses.count + uses.refused === 0) return [];
      meter.uses = { ...uses, count: 0, refused: 0, echoes: 0 };
      return [uses];
    });
  }

  save(): void {
    if (!this.#changed) return;
    this.#changed = false;
    writeAtomically(this.#file, JSON.stringify(this.#busiest));
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
