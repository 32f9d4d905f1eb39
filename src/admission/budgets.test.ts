import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import fc from 'fast-check';
import { BulkheadError } from '../core/errors.ts';
import type { AdmissionPolicy, AdmissionRefusal, BudgetRule, BudgetStatus } from '../core/rules.ts';
import type { ReserveRequest } from './admission.ts';
import { budget, EngineDesk, NOON, policy, request, usageEvent } from './testing/engine-desk.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const DOLLAR = 1_000_000_000_000n;

describe('budgets', () => {
  let desk: EngineDesk;
  let ids: number;
  beforeEach(() => {
    desk = new EngineDesk();
    ids = 0;
  });

  const apply = (...budgets: BudgetRule[]): void => desk.engine.apply(policy({ budgets }));
  const ask = (more: Partial<ReserveRequest> = {}): AdmissionRefusal | undefined => {
    const answer = desk.engine.reserve('g1', request(`r${++ids}`, more));
    return answer.ok ? undefined : answer.error;
  };
  const status = (at = 0): BudgetStatus => desk.engine.status(null).budgets[at] as BudgetStatus;
  const figures = (at = 0): readonly string[] => [status(at).spent, status(at).reserved];
  const settle = (id: string, picodollars: bigint, at = desk.clock.now()): void => desk.settle(usageEvent(id, at), picodollars);

  it('admit what fits to the last picodollar, and put what was spent in place of what was held', () => {
    apply(budget({ picodollars: '250' }));
    assert.deepEqual([ask(), ask(), ask()?.code, figures()], [undefined, undefined, 'budget_exceeded', ['0', '200']]);
    settle('r1', 50n);
    assert.deepEqual([figures(), ask(), figures()], [['50', '100'], undefined, ['50', '200']]);
    settle('r2', 100n);
    settle('r4', 100n);
    assert.deepEqual([figures(), ask()?.code], [['250', '0'], 'budget_exceeded']);
    assert.equal(ask({ maxInputTokens: 0, maxOutputTokens: 0 }), undefined, 'what costs nothing fits');
  });

  it('say who, how much of what, for when and until when', () => {
    const cases: readonly (readonly [Partial<BudgetRule>, string, number])[] = [
      [
        { window: { kind: 'calendar', unit: 'month', timeZone: 'Europe/Berlin' } },
        'for November; resets 1 Dec 00:00 Europe/Berlin',
        6.5 * 86_400 - 3600,
      ],
      [
        { window: { kind: 'calendar', unit: 'week', timeZone: 'UTC' } },
        'for the week of 23 November; resets 30 Nov 00:00 UTC',
        5.5 * 86_400,
      ],
      [
        { window: { kind: 'calendar', unit: 'day', timeZone: 'Asia/Kolkata' } },
        'for 24 November; resets 25 Nov 00:00 Asia/Kolkata',
        6.5 * 3600,
      ],
      [
        { window: { kind: 'calendar', unit: 'hour', timeZone: 'UTC' } },
        'for the hour from 12:00 on 24 November; resets 24 Nov 13:00 UTC',
        3600,
      ],
      [{ window: { kind: 'total' }, model: 'openai/*' }, 'on openai/* in all; has no reset', 0],
      [
        { window: { kind: 'rolling', ms: 7 * DAY }, provider: 'openai' },
        'at openai in the last 7 days; has room again 1 Dec 14:24 UTC',
        7 * 86_400 + 8640,
      ],
      [{ window: { kind: 'rolling', ms: DAY } }, 'in the last day; has room again 25 Nov 12:24 UTC', 86_400 + 24 * 60],
    ];
    for (const [rule, words, seconds] of cases) {
      desk.rows.length = 0;
      desk.rows.push({ ...usageEvent('old', NOON), picodollars: 500n * DOLLAR });
      apply(budget({ id: words, picodollars: String(500n * DOLLAR), ...rule }));
      const refusal = ask();
      assert.ok(refusal?.code === 'budget_exceeded');
      const { owner, spent, budget: amount, window, reset } = refusal.values;
      assert.equal(`${owner} used ${spent} of ${amount} ${window}; ${reset}`, `Team search used $500 of $500 ${words}`);
      assert.equal(refusal.values.request, '');
      assert.equal(refusal.values.seconds, seconds);
    }
  });

  it('say what the request may cost where not all is spent, and what others hold', () => {
    apply(budget({ picodollars: String(5n * DOLLAR), window: { kind: 'calendar', unit: 'month', timeZone: 'UTC' } }));
    const sentence = (dollars: bigint): string | undefined => {
      desk.prices.set('openai/gpt-4o', dollars / 100n);
      const refusal = ask();
      return refusal === undefined ? undefined : new BulkheadError(refusal.code, refusal.values).message;
    };
    const [month, reset] = ['for November', 'resets 1 Dec 00:00 UTC.'];
    assert.equal(
      sentence(76n * DOLLAR + DOLLAR / 1000n),
      `Team search used $0 of $5 ${month}, and this request may cost up to $76.01, more than the $5 left; ${reset}`,
    );
    assert.equal(sentence(4n * DOLLAR), undefined);
    assert.equal(
      sentence(2n * DOLLAR),
      `Team search used $0 of $5 ${month}, and this request may cost up to $2, more than the $1 left ($4 is held for requests under way); ${reset}`,
    );
    settle('r2', (9n * DOLLAR) / 2n);
    assert.equal(
      sentence(DOLLAR / 2n + 100n),
      `Team search used $4.50 of $5 ${month}, and this request may cost up to $0.500001, more than the $0.50 left; ${reset}`,
    );
    settle('r5', DOLLAR / 2n);
    assert.equal(sentence(DOLLAR), `Team search used $5 of $5 ${month}; ${reset}`);
  });

  it('write dollars from integers', () => {
    apply(budget({ picodollars: String(DOLLAR / 4n) }));
    desk.engine.correct({ ...usageEvent('x', NOON) }, DOLLAR / 4n - 1n);
    const refusal = ask();
    assert.ok(refusal?.code === 'budget_exceeded');
    assert.deepEqual([refusal.values.spent, refusal.values.budget], ['$0.249999999999', '$0.25']);
  });

  it('promise no room to a request that is dearer than all of it', () => {
    apply(budget({ picodollars: '99', window: { kind: 'rolling', ms: DAY } }));
    const refusal = ask();
    assert.ok(refusal?.code === 'budget_exceeded');
    assert.deepEqual([refusal.values.reset, refusal.values.seconds], ['has no reset', 0]);
  });

  it('begin anew with their window, and what was admitted in the old one costs the old one', () => {
    apply(budget({ picodollars: '100', window: { kind: 'calendar', unit: 'day', timeZone: 'Europe/Berlin' } }));
    const before = desk.clock.now();
    assert.deepEqual([ask(), ask()?.code], [undefined, 'budget_exceeded']);
    desk.clock.advance(11 * HOUR - 1);
    assert.equal(ask()?.code, 'budget_exceeded');
    desk.clock.advance(1);
    assert.deepEqual([ask(), ask()?.code, figures()], [undefined, 'budget_exceeded', ['0', '100']]);
    settle('r1', 77n, before);
    assert.deepEqual(figures(), ['0', '100']);
    assert.deepEqual([status().windowStart, status().resetsAt], [NOON + 11 * HOUR, NOON + 35 * HOUR]);
    desk.clock.wall -= DAY;
    assert.deepEqual(figures(), ['0', '100'], 'a clock that is set back opens no closed window');
  });

  it('roll: spending is gone when its cell is older than the window, a sixtieth late at most', () => {
    apply(budget({ picodollars: '100', window: { kind: 'rolling', ms: HOUR } }));
    desk.clock.advance(30_000);
    ask();
    settle('r1', 100n);
    desk.clock.advance(HOUR);
    assert.equal(ask()?.code, 'budget_exceeded');
    desk.clock.advance(29_999);
    assert.equal(ask()?.code, 'budget_exceeded');
    desk.clock.advance(1);
    assert.equal(ask(), undefined);
  });

  it('rolling sums are never below the truth and at most a sixtieth behind it, before and after a restart', () => {
    const spending = fc.array(fc.record({ wait: fc.nat(600_000), cost: fc.integer({ min: 1, max: 50 }) }), { minLength: 5, maxLength: 60 });
    fc.assert(
      fc.property(spending, fc.constantFrom(1000, 59_999, HOUR, 7 * HOUR + 13), (steps, ms) => {
        const own = new EngineDesk();
        const rule = budget({ window: { kind: 'rolling', ms }, picodollars: '1000000' });
        own.engine.apply(policy({ budgets: [rule] }));
        for (const { wait, cost } of steps) {
          own.clock.advance(wait);
          const now = own.clock.now();
          own.settle(usageEvent(`r${now} ${own.rows.length}`, now), BigInt(cost));
          for (const restarted of [false, true]) {
            if (restarted) own.open().apply(policy({ budgets: [rule] }));
            const spent = BigInt((own.engine.status(null).budgets[0] as BudgetStatus).spent);
            assert.ok(spent >= own.sum(rule, now - ms, now + 1), 'below the truth');
            assert.ok(spent <= own.sum(rule, now - ms - Math.ceil(ms / 60), now + 1), 'too far behind');
          }
        }
      }),
      { numRuns: 100 },
    );
  });

  it('soft ones never refuse, hard ones that observe report', () => {
    apply(budget({ picodollars: '0', enforcement: 'soft' }), budget({ id: 'bud_2', picodollars: '0', mode: 'observe' }));
    assert.equal(ask(), undefined);
    assert.deepEqual(
      desk.observed.map(({ code }) => code),
      ['budget_exceeded'],
    );
    assert.deepEqual([figures(0), figures(1), desk.engine.reservation('r1' as never)?.hard], [['0', '100'], ['0', '100'], false]);
  });

  it('tell thresholds once a window', () => {
    apply(budget({ enforcement: 'soft', thresholds: [50, 100], window: { kind: 'calendar', unit: 'day', timeZone: 'UTC' } }));
    for (const [id, cost] of [
      ['a', 499n],
      ['b', 1n],
      ['c', 100n],
      ['d', 900n],
      ['e', 9n],
    ] as const)
      settle(id, cost);
    const told = [
      { rule: 'bud_1', percent: 50, spent: 500n },
      { rule: 'bud_1', percent: 100, spent: 1500n },
    ];
    assert.deepEqual(desk.alerts, told);
    desk.open().apply(
      policy({
        budgets: [budget({ enforcement: 'soft', thresholds: [50, 100], window: { kind: 'calendar', unit: 'day', timeZone: 'UTC' } })],
      }),
    );
    settle('f', 1n);
    assert.deepEqual(desk.alerts, told, 'not again after a restart');
    desk.clock.advance(DAY);
    settle('g', 600n);
    assert.equal(desk.alerts.length, 3);
  });

  it('tell of a rule that is new and passed already', () => {
    apply();
    settle('a', 900n);
    desk.engine.apply(policy({ version: 2, budgets: [budget({ thresholds: [80] })] }));
    settle('b', 1n);
    assert.deepEqual(desk.alerts, [{ rule: 'bud_1', percent: 80, spent: 901n }]);
  });

  it('raise the amount until the raise ends', () => {
    apply(budget({ picodollars: '100', raises: [{ picodollars: '100', until: NOON + HOUR }] }));
    assert.deepEqual([ask(), ask(), ask()?.code, status().amount], [undefined, undefined, 'budget_exceeded', '200']);
    desk.engine.release('r2' as never);
    desk.clock.advance(HOUR);
    assert.deepEqual([ask()?.code, status().amount], ['budget_exceeded', '100']);
  });

  it('count only their model and their provider, and hold the dearest target there', () => {
    desk.prices.set('openai/gpt-4o', 2n);
    desk.prices.set('azure/gpt-4o', 3n);
    desk.prices.set('azure/mini', 1n);
    apply(budget({ provider: 'azure' }), budget({ id: 'bud_2', model: 'openai/*' }), budget({ id: 'bud_3', provider: 'vertex' }));
    const targets = (['openai/gpt-4o', 'azure/mini', 'azure/gpt-4o'] as const).map((name) => {
      const [provider = '', model = ''] = name.split('/');
      return { provider, model, priceList: provider };
    });
    assert.equal(ask({ targets: targets.slice(0, 2) }), undefined);
    assert.deepEqual(
      [figures(0), figures(1), figures(2)],
      [
        ['0', '100'],
        ['0', '200'],
        ['0', '0'],
      ],
    );
    assert.equal(ask({ targets }), undefined);
    assert.deepEqual(
      [figures(0), figures(1)],
      [
        ['0', '400'],
        ['0', '500'],
      ],
    );
    desk.engine.adjust('r2' as never, 60, 40, targets[0]);
    assert.deepEqual(
      [figures(0), figures(1)],
      [
        ['0', '100'],
        ['0', '400'],
      ],
    );
    settle('r2', 7n);
    assert.deepEqual(
      [figures(0), figures(1)],
      [
        ['0', '100'],
        ['7', '200'],
      ],
    );
  });

  it('price a request that does not say where it goes as a model that nobody knows', () => {
    apply(budget({ picodollars: '99' }));
    assert.equal(ask({ targets: undefined })?.code, 'budget_exceeded');
    assert.equal(ask({ targets: [] })?.code, 'budget_exceeded');
  });

  it('refuse an unknown price where the policy says so', () => {
    const targets = [{ provider: 'openai', model: 'unheard-of', priceList: 'openai' }];
    const strict: AdmissionPolicy = policy({ unknownPrice: 'refuse' });
    desk.engine.apply(strict);
    assert.deepEqual(ask({ targets }), { code: 'price_unknown', values: { model: 'unheard-of', provider: 'openai' } });
    assert.deepEqual([ask(), ask({ targets: undefined })], [undefined, undefined]);
    desk.engine.apply({ ...strict, version: 2, unknownPrice: 'dearest' });
    assert.equal(ask({ targets }), undefined);
  });

  it('ask for the sum once, and again only when a rule is new', () => {
    apply(budget());
    for (let i = 0; i < 5; i++) {
      ask();
      settle(`r${ids}`, 1n);
    }
    assert.equal(desk.asked, 1);
    desk.engine.apply(policy({ version: 2, budgets: [budget({ picodollars: '2000' })] }));
    assert.deepEqual([desk.asked, figures()], [1, ['5', '0']]);
    desk.engine.apply(policy({ version: 3, budgets: [budget({ model: 'openai/gpt-4o' })] }));
    assert.deepEqual([desk.asked, figures()], [2, ['5', '0']]);
  });

  it('take no policy whose sums cannot be read, and no reservation', () => {
    let broken = false;
    const spent = (): bigint => {
      if (broken) throw new Error('disk');
      return 0n;
    };
    desk.open({ spent }).apply(policy({ version: 7 }));
    broken = true;
    assert.throws(() => apply(budget()), /disk/);
    assert.deepEqual([desk.engine.version, desk.engine.status(null).budgets], [7, []]);
    const rules = {
      budgets: [{ id: 'b', picodollars: '1', window: { kind: 'total' }, enforcement: 'hard', mode: 'enforce', thresholds: [], raises: [] }],
    } as const;
    assert.throws(() => ask({ rules }), /disk/);
    assert.deepEqual([desk.engine.size, desk.engine.inFlight('key_a' as never)], [0, 0]);
  });

  it('of a key are rebuilt from its rows', () => {
    desk.open({ maxKeys: 1 });
    const rules = {
      budgets: [
        { id: 'b', picodollars: '150', window: { kind: 'total' }, enforcement: 'hard', mode: 'enforce', thresholds: [50], raises: [] },
      ],
    } as const;
    assert.equal(ask({ rules }), undefined);
    assert.equal(desk.engine.reservation('r1' as never)?.hard, true);
    settle('r1', 100n);
    assert.deepEqual(desk.alerts, [{ rule: 'b', percent: 50, spent: 100n }]);
    ask({ rules, key: 'key_b' as never });
    assert.deepEqual(desk.engine.status(['key:key_a']).budgets, []);
    const refusal = ask({ rules });
    assert.ok(refusal?.code === 'budget_exceeded');
    assert.deepEqual([refusal.values.owner, refusal.values.spent], ['The key key_a', '$0.0000000001']);
  });

  it('count rows that change after the fact', () => {
    apply(budget({ thresholds: [90] }));
    settle('a', 500n);
    desk.engine.correct(usageEvent('a', NOON), 450n);
    assert.deepEqual([figures(), desk.alerts.length], [['950', '0'], 1]);
    desk.engine.correct(usageEvent('a', NOON), -900n);
    assert.deepEqual(figures(), ['50', '0']);
  });

  it('hold the money of a dead gateway until its calls are explained, at most 150 seconds', () => {
    apply(budget({ picodollars: '300' }));
    ask();
    ask();
    ask();
    assert.deepEqual(desk.engine.abandon('g1'), ['r1', 'r2', 'r3']);
    assert.deepEqual([ask()?.code, desk.engine.size], ['budget_exceeded', 0]);
    desk.engine.correct(usageEvent('r1', NOON), 40n);
    desk.engine.release('r1' as never);
    settle('r2', 30n);
    assert.deepEqual(figures(), ['70', '100']);
    assert.throws(() => desk.engine.reserve('g2', request('r3')), { code: 'permission_denied' });
    assert.equal(desk.engine.reserve('g1', request('r3')).ok, true, 'its connection is back');
    desk.engine.abandon('g1');
    desk.clock.advance(149_999);
    assert.deepEqual([ask(), figures()], [undefined, ['70', '200']]);
    desk.clock.advance(1);
    assert.deepEqual([ask(), figures()], [undefined, ['70', '200']]);
  });

  it('restore what another process granted, once, without asking whether it fits', () => {
    const rules = [budget({ picodollars: '150', window: { kind: 'calendar', unit: 'day', timeZone: 'UTC' } })];
    desk.engine.apply(policy({ budgets: rules }));
    const old = { ...request('r0'), owner: 'g1', at: NOON - DAY, hard: true };
    const live = ['r1', 'r2'].map((id) => ({ ...request(id), owner: 'g1', at: NOON - 1000, hard: true }));
    for (let i = 0; i < 2; i++) desk.engine.restore([old, ...live]);
    assert.deepEqual([figures(), desk.engine.size, desk.engine.inFlight('key_a' as never)], [['0', '200'], 3, 3]);
    desk.engine.restore([{ ...request('r1'), owner: 'g2', at: NOON, hard: true }]);
    assert.equal(desk.engine.reservation('r1' as never)?.owner, 'g1');
    settle('r0', 5n, NOON - DAY);
    settle('r1', 5n);
    assert.deepEqual([figures(), ask()?.code], [['5', '100'], 'budget_exceeded']);
    desk.engine.release('r2' as never);
    assert.equal(ask(), undefined);
  });

  it('count requests under way when they are new', () => {
    apply();
    ask();
    desk.engine.apply(policy({ version: 2, budgets: [budget()] }));
    assert.deepEqual([figures(), desk.engine.reservation('r1' as never)?.hard], [['0', '100'], true]);
    settle('r1', 3n);
    assert.deepEqual(figures(), ['3', '0']);
  });
});

describe('the last cent', () => {
  it('admits exactly what fits of 1,000 concurrent requests over 4 workers, with a restart between', () => {
    const desk = new EngineDesk();
    const rules = policy({ budgets: [budget({ picodollars: '12345' })] });
    desk.engine.apply(rules);
    const granted: string[] = [];
    for (let i = 0; i < 1000; i++) {
      if (i === 60) {
        const held = granted.map((id) => desk.engine.reservation(id as never)).filter((one) => one !== undefined);
        desk.open().apply(rules);
        desk.engine.restore(held);
      }
      if (desk.engine.reserve(`g${i % 4}`, request(`r${i}`)).ok) granted.push(`r${i}`);
    }
    assert.equal(granted.length, 123);
    for (const id of granted) desk.settle(usageEvent(id, NOON), 100n);
    assert.equal(desk.engine.reserve('g1', request('late', { maxOutputTokens: 0, maxInputTokens: 45 })).ok, true);
    assert.equal(desk.engine.reserve('g1', request('later', { maxOutputTokens: 0, maxInputTokens: 1 })).ok, false);
  });
});
