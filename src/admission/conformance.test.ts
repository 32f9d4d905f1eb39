import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import fc from 'fast-check';
import type { KeyId, OrganizationId, RequestId, TeamId } from '../core/ids.ts';
import { NO_USAGE, type UsageEvent } from '../core/usage.ts';
import type { Admission, ReserveRequest } from './admission.ts';
import { budget, EngineDesk, limit, policy } from './testing/engine-desk.ts';
import { SqliteAdmission } from './testing/sqlite-admission.ts';

/** What every admission engine must do, whatever it is made of. */

interface Engine {
  readonly admission: Admission;
  close(): void;
}

const request = (id: string, key = 'key_a', more: Partial<ReserveRequest> = {}): ReserveRequest => ({
  requestId: id as RequestId,
  key: key as KeyId,
  organization: 'org_a' as OrganizationId,
  team: 'team_a' as TeamId,
  alias: 'openai/gpt-4o',
  maxInputTokens: 100,
  maxOutputTokens: 50,
  ...more,
});

const settled = (id: string): UsageEvent =>
  ({
    v: 1,
    requestId: id,
    attempt: 1,
    organization: 'org_a',
    team: 'team_a',
    key: 'key_a',
    alias: 'openai/gpt-4o',
    provider: 'openai',
    usage: NO_USAGE,
    outcome: 'ok',
    startedAt: 0,
  }) as unknown as UsageEvent;

function admissionConformance(name: string, open: () => Engine): void {
  describe(`admission: ${name}`, () => {
    let engine: Engine;
    let admission: Admission;
    beforeEach(() => {
      engine = open();
      admission = engine.admission;
    });
    afterEach(() => engine.close());

    const inFlight = (key = 'key_a'): number => admission.inFlight(key as KeyId);

    it('grants without a limit', () => {
      for (let i = 0; i < 100; i++) assert.equal(admission.reserve('g1', request(`r${i}`)).ok, true);
      assert.deepEqual([inFlight(), admission.size], [100, 100]);
    });

    it('refuses the request above the limit of its key, over all workers', () => {
      assert.equal(admission.reserve('g1', request('r1', 'key_a', { maxParallel: 2 })).ok, true);
      assert.equal(admission.reserve('g2', request('r2', 'key_a', { maxParallel: 2 })).ok, true);
      const third = admission.reserve('g2', request('r3', 'key_a', { maxParallel: 2 }));
      assert.deepEqual(third, { ok: false, error: { code: 'too_many_parallel_requests', values: { owner: 'The key key_a', limit: 2 } } });
      assert.equal(admission.reserve('g2', request('r4', 'key_b', { maxParallel: 2 })).ok, true);
      assert.deepEqual([inFlight(), inFlight('key_b'), admission.reservation('r3' as RequestId)], [2, 1, undefined]);
    });

    it('refuses everything at a limit of nothing', () => {
      assert.equal(admission.reserve('g1', request('r1', 'key_a', { maxParallel: 0 })).ok, false);
    });

    for (const [how, end] of [
      ['settled', (id: string) => admission.settle(settled(id), 1n)],
      ['released', (id: string) => admission.release(id as RequestId)],
    ] as const) {
      it(`frees the place once when a request is ${how} twice`, () => {
        admission.reserve('g1', request('r1', 'key_a', { maxParallel: 2 }));
        admission.reserve('g1', request('r2', 'key_a', { maxParallel: 2 }));
        end('r1');
        end('r1');
        assert.equal(inFlight(), 1);
        assert.equal(admission.reserve('g1', request('r3', 'key_a', { maxParallel: 2 })).ok, true);
        assert.equal(admission.reserve('g1', request('r4', 'key_a', { maxParallel: 2 })).ok, false);
      });
    }

    it('holds one place for a reservation that is sent twice, even at the limit', () => {
      admission.reserve('g1', request('r1', 'key_a', { maxParallel: 1 }));
      assert.equal(admission.reserve('g1', request('r1', 'key_a', { maxParallel: 1 })).ok, true);
      assert.equal(inFlight(), 1);
    });

    it('refuses to reserve for a request that another process holds', () => {
      admission.reserve('g1', request('r1'));
      assert.throws(() => admission.reserve('g2', request('r1')), { code: 'permission_denied' });
      assert.equal(admission.reservation('r1' as RequestId)?.owner, 'g1');
    });

    it('moves the bounds of a live reservation and knows no other', () => {
      admission.reserve('g1', request('r1'));
      admission.adjust('r1' as RequestId, 7, 8);
      admission.adjust('r2' as RequestId, 7, 8);
      const held = admission.reservation('r1' as RequestId);
      assert.deepEqual([held?.maxInputTokens, held?.maxOutputTokens, held?.alias, held?.owner], [7, 8, 'openai/gpt-4o', 'g1']);
      assert.deepEqual([admission.reservation('r2' as RequestId), admission.size], [undefined, 1]);
    });

    it('ends what a worker held when it is gone, once, and nothing else', () => {
      admission.reserve('g1', request('r1'));
      admission.reserve('g1', request('r2', 'key_b'));
      admission.reserve('g2', request('r3'));
      admission.release('r2' as RequestId);
      assert.deepEqual(admission.abandon('g1'), ['r1']);
      assert.deepEqual(admission.abandon('g1'), []);
      assert.deepEqual([inFlight(), inFlight('key_b'), admission.size], [1, 0, 1]);
    });

    it('takes an end of a request it does not know', () => {
      admission.settle(settled('r9'), 1n);
      admission.release('r9' as RequestId);
      assert.deepEqual([inFlight(), admission.size], [0, 0]);
    });

    it('agrees with a plain count over any history', () => {
      fc.assert(
        fc.property(fc.array(act, { maxLength: 60 }), (history) => {
          const own = open();
          try {
            replay(own.admission, history);
          } finally {
            own.close();
          }
        }),
        { numRuns: 60 },
      );
    });
  });
}

/** One step of a history over few requests, keys and workers, so that they meet. */
type Act =
  | { readonly do: 'reserve'; readonly owner: string; readonly id: string; readonly key: string; readonly limit: number | undefined }
  | { readonly do: 'settle' | 'release' | 'adjust'; readonly id: string }
  | { readonly do: 'abandon'; readonly owner: string };

const id = fc.constantFrom('r1', 'r2', 'r3', 'r4', 'r5', 'r6');
const owner = fc.constantFrom('g1', 'g2', 'g3');
const act: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('reserve' as const),
      owner,
      id,
      key: fc.constantFrom('key_a', 'key_b'),
      limit: fc.option(fc.nat(3), { nil: undefined }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('settle' as const, 'release' as const, 'adjust' as const), id }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('abandon' as const), owner }) },
);

/** Replays a history against the plainest model there is: a table of who holds what. */
function replay(admission: Admission, history: readonly Act[]): void {
  const model = new Map<string, { owner: string; key: string }>();
  /** Ids are used once: whether another process may take one that a dead one held is up to the engine. */
  const orphans = new Map<string, string>();
  const held = (key: string): number => [...model.values()].filter((one) => one.key === key).length;
  for (const step of history) {
    if (step.do === 'reserve') {
      if ((orphans.get(step.id) ?? step.owner) !== step.owner) continue;
      const before = model.get(step.id);
      const wanted = request(step.id, step.key, step.limit === undefined ? {} : { maxParallel: step.limit });
      if (before !== undefined && before.owner !== step.owner) {
        assert.throws(() => admission.reserve(step.owner, wanted), { code: 'permission_denied' });
        continue;
      }
      const granted = before !== undefined || step.limit === undefined || held(step.key) < step.limit;
      assert.equal(admission.reserve(step.owner, wanted).ok, granted);
      if (granted && before === undefined) model.set(step.id, { owner: step.owner, key: step.key });
    } else if (step.do === 'abandon') {
      const expected = [...model].filter(([, one]) => one.owner === step.owner).map(([one]) => one);
      assert.deepEqual([...admission.abandon(step.owner)].sort(), expected.sort());
      for (const one of expected) {
        model.delete(one);
        orphans.set(one, step.owner);
      }
    } else {
      if (step.do === 'settle') admission.settle(settled(step.id), 1n);
      else if (step.do === 'release') admission.release(step.id as RequestId);
      else admission.adjust(step.id as RequestId, 1, 2);
      if (step.do !== 'adjust') model.delete(step.id);
    }
    for (const key of ['key_a', 'key_b']) assert.equal(admission.inFlight(key as KeyId), held(key));
    assert.equal(admission.size, model.size);
  }
}

admissionConformance('SQLite', () => {
  const admission = new SqliteAdmission();
  return { admission, close: () => admission.close() };
});

admissionConformance('the engine without rules', () => ({ admission: new EngineDesk().engine, close: () => undefined }));

admissionConformance('the engine with rules that nobody reaches', () => {
  const { engine } = new EngineDesk();
  engine.apply(policy({ limits: [limit({ amount: 1e9 })], budgets: [budget({ picodollars: '1000000000' })] }));
  return { admission: engine, close: () => undefined };
});
