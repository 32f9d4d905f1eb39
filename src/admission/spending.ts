import type { BudgetWindow } from '../core/rules.ts';
import { periodOf, type Period } from './calendar.ts';

/** Sum of the rows in [from, to), Unix milliseconds. */
export type SumOf = (from: number, to: number) => bigint;

/** What was spent in one window of a budget. All times are Unix milliseconds. */
export interface Spending {
  /** Goes on to the window of `now`. True: a new one began, so that nothing of before counts any more. */
  roll(now: number): boolean;
  /** A row of `at` costs so much more. */
  add(at: number, picodollars: bigint): void;
  readonly sum: bigint;
  /** Null: there is no such time. */
  readonly start: number | null;
  readonly resetsAt: number | null;
  /** When at least `picodollars` of the sum are gone by themselves; null: never. */
  freedAt(picodollars: bigint): number | null;
}

export function openSpending(window: BudgetWindow, now: number, sumOf: SumOf): Spending {
  switch (window.kind) {
    case 'calendar':
      return new CalendarSpending(periodOf(window.unit, window.timeZone, now), (at) => periodOf(window.unit, window.timeZone, at), sumOf);
    case 'rolling':
      return new RollingSpending(window.ms, now, sumOf);
    case 'total':
      return new TotalSpending(sumOf);
  }
}

class CalendarSpending implements Spending {
  readonly #periodAt: (at: number) => Period;
  #period: Period;
  #sum: bigint;

  constructor(period: Period, periodAt: (at: number) => Period, sumOf: SumOf) {
    this.#periodAt = periodAt;
    this.#period = period;
    this.#sum = sumOf(period.start, period.end);
  }

  /** Never back, even if the clock is set back: the window that was left is closed. */
  roll(now: number): boolean {
    if (now < this.#period.end) return false;
    this.#period = this.#periodAt(now);
    // Every row of the new window comes by here, so that there are none yet.
    this.#sum = 0n;
    return true;
  }

  add(at: number, picodollars: bigint): void {
    if (at >= this.#period.start) this.#sum += picodollars;
  }

  get sum(): bigint {
    return this.#sum;
  }

  get start(): number {
    return this.#period.start;
  }

  get resetsAt(): number {
    return this.#period.end;
  }

  freedAt(picodollars: bigint): number | null {
    return picodollars <= this.#sum ? this.#period.end : null;
  }
}

const PARTS = 60;

interface Cell {
  readonly index: number;
  picodollars: bigint;
}

/** Cells of a sixtieth of the window. A cell counts until all of it is older than the window: a sixtieth too long at most, never too short. */
class RollingSpending implements Spending {
  readonly #window: number;
  readonly #step: number;
  /** By index, rising. */
  readonly #cells: Cell[] = [];
  #now: number;
  #sum = 0n;

  constructor(ms: number, now: number, sumOf: SumOf) {
    this.#window = ms;
    this.#step = Math.max(1, Math.floor(ms / PARTS));
    this.#now = now;
    const first = this.#oldest(now);
    const last = Math.floor(now / this.#step);
    // Most owners that are new to memory have spent nothing, which one question tells.
    if (sumOf(first * this.#step, (last + 1) * this.#step) === 0n) return;
    for (let index = first; index <= last; index++) {
      const picodollars = sumOf(index * this.#step, (index + 1) * this.#step);
      if (picodollars !== 0n) this.#cells.push({ index, picodollars });
      this.#sum += picodollars;
    }
  }

  roll(now: number): boolean {
    if (now > this.#now) this.#now = now;
    const oldest = this.#oldest(this.#now);
    for (let first = this.#cells[0]; first !== undefined && first.index < oldest; first = this.#cells[0]) {
      this.#sum -= first.picodollars;
      this.#cells.shift();
    }
    return false;
  }

  add(at: number, picodollars: bigint): void {
    const index = Math.floor(at / this.#step);
    if (index < this.#oldest(this.#now)) return;
    this.#sum += picodollars;
    const place = this.#cells.findLastIndex((cell) => cell.index <= index);
    const cell = this.#cells[place];
    if (cell?.index === index) cell.picodollars += picodollars;
    else this.#cells.splice(place + 1, 0, { index, picodollars });
  }

  get sum(): bigint {
    return this.#sum;
  }

  get start(): number {
    return this.#now - this.#window;
  }

  get resetsAt(): null {
    return null;
  }

  freedAt(picodollars: bigint): number | null {
    let freed = 0n;
    for (const cell of this.#cells) {
      freed += cell.picodollars;
      if (freed >= picodollars) return (cell.index + 1) * this.#step + this.#window;
    }
    return null;
  }

  #oldest(now: number): number {
    return Math.floor((now - this.#window) / this.#step);
  }
}

class TotalSpending implements Spending {
  readonly start = null;
  readonly resetsAt = null;
  #sum: bigint;

  constructor(sumOf: SumOf) {
    this.#sum = sumOf(0, Number.MAX_SAFE_INTEGER);
  }

  roll(): boolean {
    return false;
  }

  add(_at: number, picodollars: bigint): void {
    this.#sum += picodollars;
  }

  get sum(): bigint {
    return this.#sum;
  }

  freedAt(): null {
    return null;
  }
}
