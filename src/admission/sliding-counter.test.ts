import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { SlidingCounter, SlotCounter } from './sliding-counter.ts';

const WINDOW = 60_000;

describe('sliding counter', () => {
  it('counts a take until a whole window has passed, to the millisecond', () => {
    const counter = new SlidingCounter(WINDOW);
    counter.take(500, 3, 500);
    assert.deepEqual([counter.used(500 + WINDOW - 1), counter.used(500 + WINDOW)], [3, 0]);
  });

  it('lets takes that share a cell go together, with the latest of them', () => {
    const counter = new SlidingCounter(WINDOW);
    counter.take(0, 1, 0);
    counter.take(999, 1, 999);
    assert.deepEqual([counter.used(WINDOW), counter.used(WINDOW + 998), counter.used(WINDOW + 999)], [2, 2, 0]);
  });

  it('gives back where it was taken, and nothing of what has gone by', () => {
    const counter = new SlidingCounter(WINDOW);
    counter.take(0, 5, 0);
    counter.take(30_000, 5, 30_000);
    counter.change(0, -4, 30_000);
    assert.equal(counter.used(30_000), 6);
    counter.change(0, -1, WINDOW);
    assert.equal(counter.used(WINDOW), 5);
    counter.change(30_000, -9, WINDOW);
    assert.equal(counter.used(WINDOW), 0);
  });

  it('counts more than was reserved where it was reserved, and from now on when that has gone by', () => {
    const counter = new SlidingCounter(WINDOW);
    counter.take(0, 5, 0);
    counter.change(0, 2, 10);
    assert.equal(counter.used(WINDOW - 1), 7);
    counter.change(0, 2, WINDOW);
    assert.deepEqual([counter.used(WINDOW), counter.used(2 * WINDOW - 1), counter.used(2 * WINDOW)], [2, 2, 0]);
  });

  it('says when so much is free again', () => {
    const counter = new SlidingCounter(WINDOW);
    counter.take(0, 2, 0);
    counter.take(10_000, 3, 10_000);
    const at = 20_000;
    assert.deepEqual(
      [1, 2, 3, 5, 6].map((amount) => counter.msUntilFreed(amount, at)),
      [40_000, 40_000, 50_000, 50_000, undefined],
    );
    assert.deepEqual([counter.msUntilEmpty(at), new SlidingCounter(WINDOW).msUntilEmpty(at)], [50_000, 0]);
  });

  it('takes what lies back, for what is restored', () => {
    const counter = new SlidingCounter(WINDOW);
    counter.take(50_000, 1, 50_000);
    counter.take(20_000, 1, 50_000);
    counter.take(-10_000, 1, 50_000);
    counter.take(-10_001, 1, 50_000);
    assert.deepEqual(
      [50_000, 80_000, 110_000].map((at) => counter.used(at)),
      [2, 1, 0],
    );
  });

  it('gives nothing back of what had gone by when it was told of, also where a later take has the same cell', () => {
    const counter = new SlidingCounter(WINDOW);
    for (const at of [0, 10]) counter.take(at, 1, WINDOW);
    counter.change(0, -1, WINDOW);
    assert.equal(counter.used(WINDOW), 1);
    // Between takes that are counted, it is counted with them, and goes back.
    counter.take(20, 1, WINDOW);
    counter.take(15, 1, WINDOW + 15);
    assert.equal(counter.used(WINDOW + 15), 3);
    counter.change(15, -1, WINDOW + 15);
    assert.deepEqual([counter.used(WINDOW + 15), counter.used(WINDOW + 20)], [2, 0]);
  });

  it('never lets more through than the limit in any stretch of the window, whatever is given back, and is late by a sixtieth at most', () => {
    const step = fc.record({ wait: fc.nat(9000), amount: fc.integer({ min: 1, max: 6 }), use: fc.nat(6), settle: fc.nat(3) });
    fc.assert(
      fc.property(fc.array(step, { minLength: 40, maxLength: 150 }), fc.constantFrom(7, 1000, WINDOW, 3_600_000), (steps, window) =>
        checkAgainstLog(steps, window),
      ),
      { numRuns: 200 },
    );
  });

  it('frees slots only by hand', () => {
    const slots = new SlotCounter();
    slots.take(0, 1);
    slots.take(0, 1);
    slots.change(0, -1);
    assert.equal(slots.used(), 1);
    slots.change(0, -5);
    assert.deepEqual([slots.used(), slots.msUntilFreed(), slots.msUntilEmpty()], [0, undefined, 0]);
  });
});

interface Step {
  readonly wait: number;
  readonly amount: number;
  readonly use: number;
  readonly settle: number;
}

/** The brute-force log: every take with its time, and what is left of it after its refund. */
function checkAgainstLog(steps: readonly Step[], window: number): void {
  const bound = 10;
  const counter = new SlidingCounter(window);
  const log: { at: number; amount: number; used: number; settled: boolean }[] = [];
  let now = 0;
  for (const { wait, amount, use, settle } of steps) {
    now += (wait * window) / WINDOW;
    const held = (from: number): number => log.reduce((sum, one) => sum + (one.at > from ? one.used : 0), 0);
    const exact = held(now - window);
    const late = held(now - window - window / 60);
    const used = counter.used(now);
    assert.ok(used >= exact, `forgot ${exact - used}`);
    assert.ok(used <= late, `kept ${used - late} too long`);
    if (used + amount <= bound) {
      counter.take(now, amount, now);
      log.push({ at: now, amount, used: amount, settled: false });
    }
    const open = log.filter((one) => !one.settled).at(settle);
    if (open === undefined) continue;
    open.settled = true;
    const really = Math.min(use, open.amount);
    counter.change(open.at, really - open.amount, now);
    open.used = really;
  }
  for (const { at } of log) {
    const within = log.reduce((sum, one) => sum + (one.at > at - window && one.at <= at ? one.used : 0), 0);
    assert.ok(within <= bound, `${within} in one window`);
  }
}
