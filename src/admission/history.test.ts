import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { KeyRules } from '../core/rules.ts';
import { NO_USAGE } from '../core/usage.ts';
import type { Reservation } from './admission.ts';
import { budget, EngineDesk, limit, policy, request, usageEvent } from './testing/engine-desk.ts';

/** Random histories of the whole engine against the plainest model there is: a list of who holds what, a list of rows, a log of tokens. */

const WINDOW = 600_000;
const TOKENS = 400;
const PARALLEL = 2;
const DAY = 86_400_000;
const ORPHAN_MS = 150_000;
const KEY_RULES: KeyRules = { limits: [{ id: 'lim_k', measure: 'parallel', amount: PARALLEL, mode: 'enforce' }] };

interface HeldModel {
  readonly id: string;
  readonly owner: string;
  readonly key: string;
  readonly at: number;
  readonly mono: number;
  tokens: number;
  /** Monotonic time of its end by itself; undefined: it lives. */
  orphanUntil: number | undefined;
}

type Act =
  | { readonly do: 'reserve'; readonly owner: string; readonly id: string; readonly key: string; readonly tokens: number }
  | { readonly do: 'settle'; readonly id: string; readonly part: number }
  | { readonly do: 'release'; readonly id: string }
  | { readonly do: 'row'; readonly id: string; readonly part: number }
  | { readonly do: 'adjust'; readonly id: string; readonly part: number }
  | { readonly do: 'abandon'; readonly owner: string }
  | { readonly do: 'apply'; readonly total: number; readonly day: number }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'restart' };

const id = fc.constantFrom(...Array.from({ length: 12 }, (_, i) => `r${i}`));
const owner = fc.constantFrom('g1', 'g2', 'g3', 'g4');
const part = fc.nat(10);
const act: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      do: fc.constant('reserve' as const),
      owner,
      id,
      key: fc.constantFrom('key_a', 'key_b', 'key_c'),
      // Few sizes, so that sums meet their bounds exactly.
      tokens: fc.constantFrom(1, 49, 50, 100),
    }),
  },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('settle' as const), id, part }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('release' as const), id }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('row' as const), id, part }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('adjust' as const), id, part }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('abandon' as const), owner }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('apply' as const),
      total: fc.constantFrom(200, 500, 1000, 3000),
      day: fc.constantFrom(100, 250, 1000),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.oneof(fc.nat(20_000), fc.nat(WINDOW), fc.nat(20 * 3_600_000)) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const) }) },
);

class History {
  readonly #desk = new EngineDesk();
  readonly #held = new Map<string, HeldModel>();
  #log: { readonly id: string; readonly mono: number; tokens: number }[] = [];
  #total = 2000;
  #day = 1000;
  #version = 0;
  /** A request id is used once; a history names a place for it. */
  readonly #uses = new Map<string, number>();

  constructor() {
    this.#apply();
  }

  run(step: Act): void {
    switch (step.do) {
      case 'reserve':
        this.#reserve(step);
        break;
      case 'settle':
        this.#settle(this.#name(step.id), step.part);
        break;
      case 'release':
        this.#release(this.#name(step.id));
        break;
      case 'row':
        this.#row(this.#name(step.id), step.part);
        break;
      case 'adjust':
        this.#adjust(this.#name(step.id), step.part);
        break;
      case 'abandon':
        this.#abandon(step.owner);
        break;
      case 'apply':
        this.#total = step.total;
        this.#day = step.day;
        this.#apply();
        break;
      case 'wait':
        this.#desk.clock.advance(step.ms);
        break;
      case 'restart':
        this.#restart();
    }
    this.#compare();
  }

  #name(place: string): string {
    return `${place}.${this.#uses.get(place) ?? 0}`;
  }

  #apply(): void {
    this.#desk.engine.apply(
      policy({
        version: ++this.#version,
        limits: [limit({ measure: 'tokens', amount: TOKENS, windowMs: WINDOW })],
        budgets: [
          budget({ picodollars: String(this.#total) }),
          budget({
            id: 'bud_2',
            picodollars: String(this.#day),
            window: { kind: 'calendar', unit: 'day', timeZone: 'Europe/Berlin' },
            owner: { kind: 'organization', id: 'org_a' },
          }),
        ],
      }),
    );
  }

  #reserve({ owner: by, id: place, key, tokens }: Extract<Act, { do: 'reserve' }>): void {
    const { clock, engine } = this.#desk;
    const before = this.#held.get(this.#name(place));
    const wanted = (name: string): ReturnType<typeof request> =>
      request(name, { key: key as never, rules: KEY_RULES, maxInputTokens: tokens, maxOutputTokens: 0 });
    if (before !== undefined && before.owner !== by) {
      assert.throws(() => engine.reserve(by, wanted(before.id)), { code: 'permission_denied' });
      return;
    }
    if (before !== undefined && before.orphanUntil === undefined) {
      assert.equal(engine.reserve(by, wanted(before.id)).ok, true);
      return;
    }
    if (before !== undefined) this.#release(before.id);
    this.#uses.set(place, (this.#uses.get(place) ?? 0) + 1);
    this.#expire();
    const name = this.#name(place);
    const answer = engine.reserve(by, wanted(name));
    const code = answer.ok ? undefined : answer.error.code;
    const exact = this.#tokens(clock.mono - WINDOW);
    const late = this.#tokens(clock.mono - WINDOW - WINDOW / 60);
    const inFlight = this.#live().filter((one) => one.key === key).length;
    if (code === 'rate_limited') return assert.ok(late + tokens > TOKENS, 'refused what fits the limit');
    assert.ok(exact + tokens <= TOKENS, 'let more through than the limit');
    if (code === 'too_many_parallel_requests') return assert.equal(inFlight, PARALLEL);
    assert.ok(inFlight < PARALLEL);
    const fits = this.#used('total') + tokens <= this.#total && this.#used('day') + tokens <= this.#day;
    assert.equal(code, fits ? undefined : 'budget_exceeded');
    if (!fits) return;
    this.#held.set(name, { id: name, owner: by, key, at: clock.wall, mono: clock.mono, tokens, orphanUntil: undefined });
    this.#log.push({ id: name, mono: clock.mono, tokens });
  }

  #settle(name: string, share: number): void {
    const held = this.#held.get(name);
    if (held === undefined) return;
    const used = Math.floor((held.tokens * share) / 10);
    const event = usageEvent(name, held.at, { key: held.key as never, usage: { ...NO_USAGE, input: used } });
    this.#desk.settle(event, BigInt(used));
    this.#desk.engine.settle(event, BigInt(used));
    this.#held.delete(name);
    this.#logged(name, used);
  }

  #release(name: string): void {
    for (let i = 0; i < 2; i++) this.#desk.engine.release(name as never);
    if (this.#held.delete(name)) this.#logged(name, 0);
  }

  /** Without a report: it is priced, but how many tokens it took is not known. */
  #row(name: string, share: number): void {
    const held = this.#held.get(name);
    if (held === undefined) return;
    const cost = BigInt(Math.floor((held.tokens * share) / 10));
    const row = usageEvent(name, held.at, { key: held.key as never });
    this.#desk.rows.push({ ...row, picodollars: cost });
    this.#desk.engine.correct(row, cost);
    for (let i = 0; i < 2; i++) this.#desk.engine.settleUnreported(held.id as never);
    this.#held.delete(name);
  }

  #adjust(name: string, share: number): void {
    const held = this.#held.get(name);
    if (held === undefined || held.orphanUntil !== undefined) return;
    held.tokens = Math.floor((held.tokens * share) / 10);
    this.#desk.engine.adjust(name as never, held.tokens, 0);
    this.#logged(name, held.tokens);
  }

  #abandon(by: string): void {
    this.#expire();
    const gone = this.#live().filter((one) => one.owner === by);
    assert.deepEqual([...this.#desk.engine.abandon(by)].sort(), gone.map((one) => one.id).sort());
    for (const one of gone) one.orphanUntil = this.#desk.clock.mono + ORPHAN_MS;
  }

  /** What was granted is in a log of its own; windows of limits begin anew with what is under way. */
  #restart(): void {
    const { engine } = this.#desk;
    const live = this.#live();
    const kept = live.map((one) => engine.reservation(one.id as never)).filter((one): one is Reservation => one !== undefined);
    assert.equal(kept.length, live.length, 'a reservation was lost');
    for (const one of this.#held.values()) if (one.orphanUntil !== undefined) this.#held.delete(one.id);
    this.#log = this.#log.filter((one) => this.#held.has(one.id));
    this.#desk.open();
    this.#apply();
    this.#desk.engine.restore(kept.map((one) => ({ ...one, hard: one.hard })));
  }

  #compare(): void {
    const { engine, clock, rows } = this.#desk;
    const { limits, budgets } = engine.status(null);
    assert.equal(engine.size, this.#live().length);
    for (const key of ['key_a', 'key_b', 'key_c']) {
      assert.equal(engine.inFlight(key as never), this.#live().filter((one) => one.key === key).length);
    }
    const used = limits[0]?.used ?? -1;
    assert.ok(used >= this.#tokens(clock.mono - WINDOW) && used <= this.#tokens(clock.mono - WINDOW - WINDOW / 60), `${used} tokens`);
    const sums = budgets.map((one) => BigInt(one.spent) + BigInt(one.reserved));
    assert.deepEqual(sums, [BigInt(this.#used('total')), BigInt(this.#used('day'))]);
    for (const { rule, spent, windowStart, resetsAt } of budgets) {
      const truth = this.#desk.sum(rule, windowStart ?? 0, resetsAt ?? Number.MAX_SAFE_INTEGER);
      assert.equal(spent, String(truth), 'spent is the sum of the rows');
    }
    assert.equal(new Set(rows.map((row) => row.requestId)).size, rows.length);
  }

  /** Orphans end by themselves when the next request asks. */
  #expire(): void {
    for (const one of this.#held.values()) {
      if (one.orphanUntil !== undefined && one.orphanUntil <= this.#desk.clock.mono) this.#held.delete(one.id);
    }
  }

  #live(): readonly HeldModel[] {
    return [...this.#held.values()].filter((one) => one.orphanUntil === undefined);
  }

  #tokens(after: number): number {
    return this.#log.reduce((sum, one) => sum + (one.mono > after ? one.tokens : 0), 0);
  }

  #logged(name: string, tokens: number): void {
    for (const one of this.#log) if (one.id === name) one.tokens = tokens;
  }

  #used(window: 'total' | 'day'): number {
    const start = window === 'total' ? 0 : this.#dayStart();
    const spent = this.#desk.rows.reduce((sum, row) => sum + (row.startedAt >= start ? Number(row.picodollars) : 0), 0);
    return [...this.#held.values()].reduce((sum, one) => sum + (one.at >= start ? one.tokens : 0), spent);
  }

  /** Of Berlin in winter: UTC+1. */
  #dayStart(): number {
    return Math.floor((this.#desk.clock.wall + 3_600_000) / DAY) * DAY - 3_600_000;
  }
}

describe('any history', () => {
  it('loses and doubles no reservation, passes no limit in any window and overspends no budget', () => {
    fc.assert(
      fc.property(fc.array(act, { minLength: 30, maxLength: 200 }), (steps) => {
        const history = new History();
        for (const step of steps) history.run(step);
      }),
      { numRuns: 300 },
    );
  });
});
