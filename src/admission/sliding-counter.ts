/** What a gauge measures it measures on the monotonic clock; all times here are its milliseconds. */
export interface Gauge {
  /** Taken and not yet gone by. */
  used(now: number): number;
  take(at: number, amount: number, now: number): void;
  /** Corrects what was taken at `at`; nothing is below zero, and what went by stays gone. */
  change(at: number, delta: number, now: number): void;
  /** Milliseconds until `amount` of what is used is gone by itself; undefined: it never is, or is more than is used. */
  msUntilFreed(amount: number, now: number): number | undefined;
  msUntilEmpty(now: number): number;
}

interface Cell {
  readonly index: number;
  amount: number;
  /** The earliest take in it: what was taken before had gone by when it was told of, and was never counted. */
  first: number;
  /** The latest take in it: the whole cell goes by when this one does. */
  last: number;
}

/** A cell is so much of the window. */
const PARTS = 60;

/**
 * Sums over any stretch of a window, sliding: never more than the bound passes in any stretch, and all of it may come at once. Takes that are
 * close together (a sixtieth of the window) share a cell and go by together, with the latest of them: late by that much at most, never early.
 */
export class SlidingCounter implements Gauge {
  readonly #window: number;
  readonly #step: number;
  /** By index, rising; at most one more than there are parts. */
  readonly #cells: Cell[] = [];
  #sum = 0;

  constructor(windowMs: number) {
    this.#window = windowMs;
    this.#step = windowMs / PARTS;
  }

  used(now: number): number {
    this.#expire(now);
    return this.#sum;
  }

  take(at: number, amount: number, now: number): void {
    this.#expire(now);
    const cell = at + this.#window <= now ? this.#counted(at) : this.#cellAt(at);
    if (cell === undefined) return;
    cell.amount += amount;
    if (at < cell.first) cell.first = at;
    if (at > cell.last) cell.last = at;
    this.#sum += amount;
  }

  change(at: number, delta: number, now: number): void {
    this.#expire(now);
    const cell = this.#counted(at);
    if (cell === undefined) {
      // More than was reserved counts from now on; what is given back of what is gone is gone.
      if (delta > 0) this.take(now, delta, now);
      return;
    }
    const change = Math.max(delta, 0 - cell.amount);
    cell.amount += change;
    this.#sum += change;
  }

  msUntilFreed(amount: number, now: number): number | undefined {
    this.#expire(now);
    let freed = 0;
    for (const cell of this.#cells) {
      freed += cell.amount;
      if (freed >= amount) return cell.last + this.#window - now;
    }
    return undefined;
  }

  msUntilEmpty(now: number): number {
    this.#expire(now);
    const last = this.#cells.findLast((cell) => cell.amount > 0);
    return last === undefined ? 0 : last.last + this.#window - now;
  }

  #expire(now: number): void {
    for (let first = this.#cells[0]; first !== undefined && first.last + this.#window <= now; first = this.#cells[0]) {
      this.#sum -= first.amount;
      this.#cells.shift();
    }
  }

  /** The cell that holds what was taken at `at`, until it has gone by. */
  #counted(at: number): Cell | undefined {
    const cell = this.#find(Math.floor(at / this.#step));
    return cell === undefined || at < cell.first ? undefined : cell;
  }

  /** Backwards: what is asked for is nearly always among the newest. */
  #find(index: number): Cell | undefined {
    for (let i = this.#cells.length - 1; i >= 0; i--) {
      const cell = this.#cells[i] as Cell;
      if (cell.index === index) return cell;
      if (cell.index < index) return undefined;
    }
    return undefined;
  }

  #cellAt(at: number): Cell {
    const index = Math.floor(at / this.#step);
    const found = this.#find(index);
    if (found !== undefined) return found;
    const cell: Cell = { index, amount: 0, first: at, last: at };
    const after = this.#cells.findLastIndex((one) => one.index < index) + 1;
    if (after === this.#cells.length) this.#cells.push(cell);
    else this.#cells.splice(after, 0, cell);
    return cell;
  }
}

/** Places that are held until they are given back, whatever time passes. */
export class SlotCounter implements Gauge {
  #used = 0;

  used(): number {
    return this.#used;
  }

  take(_at: number, amount: number): void {
    this.#used += amount;
  }

  change(_at: number, delta: number): void {
    this.#used = Math.max(0, this.#used + delta);
  }

  msUntilFreed(): undefined {
    return undefined;
  }

  msUntilEmpty(): number {
    return 0;
  }
}
