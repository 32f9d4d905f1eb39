import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { EVERYONE } from '../core/owner.ts';
import type { AdmissionRefusal, LimitRule, PriorityShare } from '../core/rules.ts';
import { NO_USAGE } from '../core/usage.ts';
import type { ReserveRequest } from './admission.ts';
import { EngineDesk, limit, policy, request, usageEvent } from './testing/engine-desk.ts';

const MINUTE = 60_000;

describe('limits', () => {
  let desk: EngineDesk;
  let ids: number;
  beforeEach(() => {
    desk = new EngineDesk();
    ids = 0;
  });

  const apply = (...limits: LimitRule[]): void => desk.engine.apply(policy({ limits }));
  const ask = (more: Partial<ReserveRequest> = {}): AdmissionRefusal | undefined => {
    const answer = desk.engine.reserve('g1', request(`r${++ids}`, more));
    return answer.ok ? undefined : answer.error;
  };
  const used = (): number | undefined => desk.engine.status(null).limits[0]?.used;

  it('let exactly the limit through, and again when a whole window has passed', () => {
    apply(limit({ amount: 2 }));
    assert.deepEqual([ask(), ask(), ask()?.code], [undefined, undefined, 'rate_limited']);
    desk.clock.advance(MINUTE - 1);
    assert.equal(ask()?.code, 'rate_limited');
    desk.clock.advance(1);
    assert.deepEqual([ask(), ask(), ask()?.code], [undefined, undefined, 'rate_limited']);
  });

  it('hold a likely answer where the client set no bound, and take what it was', () => {
    apply(limit({ measure: 'tokens', amount: 10_000 }));
    assert.equal(ask({ maxInputTokens: 100, maxOutputTokens: 128_000 })?.code, 'rate_limited');
    assert.equal(ask({ maxInputTokens: 100, maxOutputTokens: 128_000, likelyOutputTokens: 4_096 }), undefined);
    assert.equal(used(), 4_196);
    desk.engine.adjust(request(`r${ids}`).requestId, 100, 1_000);
    assert.equal(used(), 1_100);
    desk.settle(usageEvent(`r${ids}`, desk.clock.now(), { usage: { ...NO_USAGE, input: 90, output: 9_000 } }), 0n);
    assert.equal(used(), 9_090);
  });

  it('run on the monotonic clock, whatever becomes of the wall clock', () => {
    apply(limit({ amount: 1 }));
    ask();
    desk.clock.wall += 10 * MINUTE;
    assert.equal(ask()?.code, 'rate_limited');
    desk.clock.wall -= 20 * MINUTE;
    desk.clock.mono += MINUTE;
    assert.equal(ask(), undefined);
  });

  it('say who, how much, how long and when again', () => {
    apply(limit({ amount: 1 }));
    ask();
    desk.clock.advance(15_500);
    const values = { owner: 'Team search', limit: 1, measure: 'requests', window: 'a minute', seconds: 45, rule: 'lim_1' };
    assert.deepEqual(ask(), { code: 'rate_limited', values });
  });

  it('say it of every kind of owner and window', () => {
    const cases: readonly (readonly [Partial<LimitRule>, string])[] = [
      [{ owner: EVERYONE, windowMs: 1000 }, 'Everyone together/requests/a second'],
      [{ owner: { kind: 'organization', id: 'org_a' }, windowMs: 3_600_000 }, 'The organization org_a/requests/an hour'],
      [{ owner: { kind: 'end_user', id: 'org_a/alice' }, windowMs: 86_400_000 }, 'The end user alice/requests/a day'],
      [{ owner: { kind: 'tag', id: 'org_a/nightly' }, windowMs: 10_000 }, 'The tag nightly/requests/in any 10 seconds'],
      [{ owner: { kind: 'user', id: 'usr_1' }, windowMs: 1500 }, 'The user usr_1/requests/in any 1500 milliseconds'],
      [{ owner: { kind: 'project', id: 'prj_1' }, model: 'openai/*' }, 'The project prj_1/requests for openai/*/a minute'],
      [{ measure: 'input_tokens', amount: 10 }, 'Team search/input tokens (this request alone may take 60)/a minute'],
    ];
    const everyone = { endUser: 'alice', tags: ['nightly', 'nightly'], user: 'usr_1', project: 'prj_1' };
    for (const [rule, words] of cases) {
      apply(limit({ id: words, amount: 0, ...rule }));
      const refusal = ask(everyone);
      assert.ok(refusal?.code === 'rate_limited');
      assert.equal(`${refusal.values.owner}/${refusal.values.measure}/${refusal.values.window}`, words);
      assert.equal(ask({ organization: 'org_b' as never, team: 'team_b' as never, alias: 'x' }) === undefined, rule.owner !== EVERYONE);
    }
  });

  it('count a tag once that a request has twice', () => {
    apply(limit({ owner: { kind: 'tag', id: 'org_a/nightly' } }));
    ask({ tags: ['nightly', 'nightly'] });
    assert.equal(used(), 1);
  });

  it('take the upper bounds of tokens before the call and give back what was not used', () => {
    apply(limit({ measure: 'tokens', amount: 250 }));
    assert.deepEqual([ask(), ask(), ask()?.code], [undefined, undefined, 'rate_limited']);
    desk.settle(usageEvent('r1', desk.clock.now()), 1n);
    assert.equal(used(), 110);
    assert.deepEqual([ask(), used(), ask()?.code], [undefined, 210, 'rate_limited']);
  });

  it('count input and output apart', () => {
    apply(limit({ measure: 'input_tokens', amount: 119 }), limit({ id: 'lim_2', measure: 'output_tokens', amount: 1000 }));
    ask();
    const refusal = ask();
    assert.ok(refusal?.code === 'rate_limited' && refusal.values.measure === 'input tokens');
    desk.settle(usageEvent('r1', desk.clock.now()), 1n);
    assert.deepEqual(
      desk.engine.status(null).limits.map((one) => one.used),
      [6, 4],
    );
  });

  it('take more at the end when more was used, and refuse until it has gone by', () => {
    apply(limit({ measure: 'tokens', amount: 250 }));
    ask();
    desk.settle(usageEvent('r1', desk.clock.now(), { usage: { ...NO_USAGE, input: 300, output: 100 } }), 1n);
    assert.deepEqual([used(), desk.engine.status(null).limits[0]?.remaining], [400, 0]);
    assert.equal(ask()?.code, 'rate_limited');
    assert.equal(ask({ maxInputTokens: 0, maxOutputTokens: 0 }), undefined, 'what takes nothing fits');
  });

  it('add the tokens of a later attempt, and count no event twice', () => {
    apply(limit({ measure: 'tokens', amount: 1000 }));
    ask();
    for (const attempt of [1, 2, 2, 1, 31, 61]) desk.engine.settle(usageEvent('r1', desk.clock.now(), { attempt }), 1n);
    assert.equal(used(), 40);
  });

  it('give back all of a request that reached nobody, and nothing of one whose gateway is gone', () => {
    apply(limit({ measure: 'tokens', amount: 250 }), limit({ id: 'lim_2' }));
    ask();
    ask();
    desk.engine.release('r1' as never);
    assert.deepEqual(
      desk.engine.status(null).limits.map((one) => one.used),
      [100, 1],
    );
    desk.engine.abandon('g1');
    assert.equal(used(), 100);
    desk.settle(usageEvent('r2', desk.clock.now()), 1n);
    assert.equal(used(), 10, 'its events came after all');
  });

  it('give back nothing but its place of a request that the journal knows and its gateway did not report', () => {
    const unreported = (how: string): void => {
      desk.engine.settleUnreported('r1' as never);
      assert.deepEqual(
        desk.engine.status(null).limits.map((one) => one.used),
        [100, 1, 0],
        how,
      );
    };
    apply(
      limit({ measure: 'tokens', amount: 250 }),
      limit({ id: 'lim_2' }),
      limit({ id: 'lim_3', measure: 'parallel', windowMs: undefined }),
    );
    ask();
    desk.engine.abandon('g1');
    unreported('after its gateway was gone');
    unreported('said twice');
    desk.clock.advance(MINUTE);
    ask();
    desk.engine.settleUnreported('r2' as never);
    unreported('while its gateway lives');
  });

  it('follow the bounds of the target that is tried', () => {
    apply(limit({ measure: 'tokens', amount: 250 }));
    ask();
    desk.engine.adjust('r1' as never, 10, 10);
    assert.equal(used(), 20);
    desk.engine.adjust('r1' as never, 100, 100);
    assert.equal(used(), 200);
    desk.engine.release('r1' as never);
    assert.equal(used(), 0);
  });

  it('hold a parallel slot until the end, however long that takes', () => {
    apply(limit({ measure: 'parallel', amount: 1, windowMs: undefined }));
    assert.equal(ask(), undefined);
    desk.clock.advance(100 * MINUTE);
    assert.deepEqual(ask(), { code: 'too_many_parallel_requests', values: { owner: 'Team search', limit: 1 } });
    desk.settle(usageEvent('r1', desk.clock.now()), 1n);
    assert.equal(ask(), undefined);
    desk.engine.abandon('g1');
    assert.equal(ask(), undefined);
    desk.engine.settle(usageEvent('r3', desk.clock.now()), 1n);
    assert.equal(used(), 1, 'the slot of an abandoned request is free once');
  });

  it('count only their model, exact or by prefix', () => {
    apply(limit({ amount: 1, model: 'openai/*' }), limit({ id: 'lim_2', amount: 1, model: 'claude' }));
    assert.deepEqual(
      [ask({ alias: 'claude' }), ask({ alias: 'openai/gpt-4o' }), ask({ alias: 'openai' })],
      [undefined, undefined, undefined],
    );
    assert.deepEqual(
      [ask({ alias: 'claude' })?.code, ask({ alias: 'openai/x' })?.code, ask({ alias: 'claude-2' })],
      ['rate_limited', 'rate_limited', undefined],
    );
  });

  it('only report where they only observe', () => {
    apply(limit({ amount: 1, mode: 'observe' }));
    const answer = desk.engine.reserve('g1', request('x1'));
    assert.deepEqual(answer, { ok: true, value: [] });
    assert.equal(ask(), undefined);
    assert.deepEqual([used(), desk.observed.map(({ code }) => code)], [2, ['rate_limited']]);
  });

  it('take nothing of any rule when one refuses', () => {
    apply(
      limit({ amount: 5 }),
      limit({ id: 'lim_2', measure: 'parallel', amount: 5, windowMs: undefined }),
      limit({ id: 'lim_3', measure: 'tokens', amount: 99 }),
    );
    assert.equal(ask()?.code, 'rate_limited');
    assert.deepEqual(
      [desk.engine.status(null).limits.map((one) => one.used), desk.engine.size, desk.engine.inFlight('key_a' as never)],
      [[0, 0, 0], 0, 0],
    );
  });

  it('answer with the tightest limit of each measure', () => {
    apply(
      limit({ amount: 9 }),
      limit({ id: 'lim_2', amount: 4, owner: EVERYONE }),
      limit({ id: 'lim_3', measure: 'tokens', amount: 1000 }),
    );
    const first = desk.engine.reserve('g1', request('x1'));
    assert.ok(first.ok);
    assert.deepEqual(first.value, [
      { measure: 'requests', limit: 4, remaining: 3, resetMs: MINUTE },
      { measure: 'tokens', limit: 1000, remaining: 900, resetMs: MINUTE },
    ]);
    desk.clock.advance(1000);
    const again = desk.engine.reserve('g1', request('x1'));
    assert.ok(again.ok);
    assert.equal(again.value?.[0]?.remaining, 3, 'sent twice, held once');
    assert.equal(again.value?.[0]?.resetMs, MINUTE - 1000);
  });

  it('keep their counts when their amount changes, and count requests under way when they are new', () => {
    apply(limit({ amount: 2 }));
    ask();
    apply(limit({ amount: 1 }), limit({ id: 'lim_2', measure: 'parallel', amount: 1, windowMs: undefined }));
    assert.deepEqual(
      desk.engine.status(null).limits.map((one) => one.used),
      [1, 1],
    );
    apply(limit({ amount: 2 }), limit({ id: 'lim_2', measure: 'parallel', amount: 1, windowMs: undefined }));
    assert.equal(ask()?.code, 'too_many_parallel_requests');
    desk.engine.release('r1' as never);
    assert.deepEqual(
      desk.engine.status(null).limits.map((one) => one.used),
      [0, 0],
    );
  });

  it('of a key ride with its requests, and are forgotten last used first, but never while one is under way', () => {
    desk.open({ maxKeys: 2 });
    const rules = { limits: [{ id: 'lim_k', measure: 'requests', amount: 1, windowMs: MINUTE, mode: 'enforce' }] } as const;
    const key = (name: string): AdmissionRefusal | undefined => ask({ key: name as never, rules });
    assert.equal(key('key_a'), undefined);
    for (const name of ['key_b', 'key_c', 'key_d']) {
      key(name);
      desk.engine.settle(usageEvent(`r${ids}`, desk.clock.now(), { key: name as never }), 1n);
    }
    assert.equal(key('key_a')?.code, 'rate_limited', 'under way, so not forgotten');
    assert.equal(key('key_b'), undefined, 'forgotten: there are but two places');
    assert.equal(desk.engine.status(['key:key_a']).limits[0]?.used, 1);
  });

  it('of a key keep their counts when the row changes', () => {
    const rule = { id: 'lim_k', measure: 'requests', amount: 1, windowMs: MINUTE, mode: 'enforce' } as const;
    ask({ rules: { limits: [rule] } });
    assert.equal(
      ask({
        rules: {
          limits: [
            { ...rule, amount: 2 },
            { ...rule, id: 'lim_p', measure: 'parallel', windowMs: undefined },
          ],
        },
      })?.code,
      'too_many_parallel_requests',
    );
    assert.equal(ask({ rules: { limits: [{ ...rule, amount: 2 }] } }), undefined);
    assert.equal(ask({ rules: { limits: [{ ...rule, amount: 2 }] } })?.code, 'rate_limited');
    assert.equal(ask(), undefined, 'the row has no rules any more');
  });

  describe('with shares', () => {
    const share: PriorityShare = { id: 'sha_1', limit: 'lim_1', owner: { kind: 'team', id: 'team_a' }, percent: 50 };
    const other = { team: 'team_b' as never };
    const granted = (many: number, more: Partial<ReserveRequest>): number =>
      Array.from({ length: many }, () => ask(more)).filter((one) => one === undefined).length;
    beforeEach(() => desk.engine.apply(policy({ limits: [limit({ owner: EVERYONE, amount: 16 })], shares: [share] })));

    it('keep from others what its owner has not used', () => {
      assert.equal(ask(), undefined);
      assert.equal(granted(20, other), 8);
      assert.equal(granted(20, {}), 7, 'the owner gets its whole share');
    });

    it('let its owner use all that others do not', () => {
      assert.equal(granted(20, {}), 16);
    });

    it('leave others all but a quarter while the owner did not ask for a window', () => {
      assert.equal(granted(20, other), 14);
      assert.equal(granted(20, {}), 2);
      desk.clock.advance(MINUTE);
      assert.equal(granted(20, other), 8, 'it asked in the last window, so that its share is whole');
      assert.equal(granted(20, {}), 8);
    });

    it('count what its owner gives back', () => {
      ask();
      desk.engine.release('r1' as never);
      assert.equal(granted(20, other), 8);
    });
  });
});
