import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Json, JsonObject } from '../core/json.ts';
import { checkJournalHead, checkRecords, checkReserve, checkResume, checkUsage } from './check.ts';
import { endRecord, someId, startRecord, usageEvent } from './testing/events.ts';

const NOW = Date.now();
const ID = someId();
const event = (more: Record<string, unknown>): Json => ({ ...usageEvent(ID, { startedAt: NOW }), ...more }) as unknown as Json;
const usage = (more: Record<string, unknown>): Json => event({ usage: { ...usageEvent(ID).usage, ...more } });

describe('usage event', () => {
  it('passes as it is when it is right', () => {
    for (const more of [{}, { baseModel: 'gpt-4o' }]) {
      const right = usageEvent(ID, { startedAt: NOW, ...more });
      assert.deepEqual(checkUsage(right as unknown as Json, NOW), { ok: true, value: right });
    }
    const { firstByteMs: _, ...bare } = usageEvent(ID, { startedAt: NOW, baseModel: 'gpt-4o' });
    assert.deepEqual(checkUsage(bare as unknown as Json, NOW), { ok: true, value: bare });
  });

  it('keeps nothing that is not part of it', () => {
    const result = checkUsage(event({ picodollars: 0, state: 'confirmed' }), NOW);
    assert.ok(result.ok && !('picodollars' in result.value) && !('state' in result.value));
  });

  const refused: readonly (readonly [string, Json])[] = [
    ['event', null],
    ['event', [1]],
    ['v', event({ v: 2 })],
    ['requestId', event({ requestId: 'req_1' })],
    ['requestId', event({ requestId: `${ID}'; DROP TABLE usage` })],
    ['attempt', event({ attempt: 0 })],
    ['attempt', event({ attempt: 1.5 })],
    ['attempt', event({ attempt: 1e9 })],
    ['proof', event({ proof: 'none' })],
    ['key', event({ key: 'a b' })],
    ['organization', event({ organization: '' })],
    ['credential', event({ credential: '../x' })],
    ['provider', event({ provider: 7 })],
    ['model', event({ model: undefined })],
    ['stream', event({ stream: 'yes' })],
    ['status', event({ status: -1 })],
    ['outcome', event({ outcome: 'fine' })],
    ['estimated', event({ estimated: 1 })],
    ['startedAt', event({ startedAt: 0 })],
    ['startedAt', event({ startedAt: NOW + 3_600_000 })],
    ['startedAt', event({ startedAt: '2026' })],
    ['latencyMs', event({ latencyMs: -1 })],
    ['latencyMs', event({ latencyMs: 1e300 })],
    ['bytesIn', event({ bytesIn: 2 ** 53 })],
    ['firstByteMs', event({ firstByteMs: null })],
    ['usage', event({ usage: null })],
    ['input', usage({ input: -1 })],
    ['input', usage({ input: 1e12 })],
    ['output', usage({ output: 0.5 })],
    ['output', usage({ output: '1' })],
    ['cachedInput', usage({ cachedInput: undefined })],
  ];
  for (const [field, value] of refused) {
    it(`is refused for ${field}: ${JSON.stringify((value as JsonObject | null)?.[field] ?? value)?.slice(0, 60)}`, () =>
      assert.deepEqual(checkUsage(value, NOW), { ok: false, error: field }));
  }

  it('rounds durations, and shortens and clears text that clients choose', () => {
    const result = checkUsage(event({ latencyMs: 12.6, firstByteMs: 0.2, model: `a\u0000\u001b[31m\u2028${'x'.repeat(500)}\ud800` }), NOW);
    assert.ok(result.ok);
    assert.deepEqual([result.value.latencyMs, result.value.firstByteMs], [13, 0]);
    assert.match(result.value.model, /^a {2}\[31m x+$/);
    assert.equal(result.value.model.length, 256);
  });
});

describe('reservation', () => {
  const right = {
    requestId: ID,
    key: 'key_a',
    organization: 'org_a',
    team: 'team_a',
    alias: 'fast',
    maxInputTokens: 1,
    maxOutputTokens: 2,
  };
  it('passes with and without a limit', () => {
    assert.deepEqual(checkReserve(right), { ok: true, value: right });
    assert.deepEqual(checkReserve({ ...right, maxParallel: 3, extra: 1 }), { ok: true, value: { ...right, maxParallel: 3 } });
  });
  for (const [field, value] of Object.entries({
    requestId: 'x',
    key: '',
    organization: null,
    maxInputTokens: -1,
    maxOutputTokens: Number.NaN,
    maxParallel: -1,
  })) {
    it(`is refused for ${field} ${value}`, () => assert.deepEqual(checkReserve({ ...right, [field]: value }), { ok: false, error: field }));
  }
});

describe('journal call', () => {
  const records = (...list: readonly unknown[]): ReturnType<typeof checkRecords> => checkRecords(list as unknown as Json);
  it('passes records in order', () => {
    const list = [startRecord(ID, 0), endRecord(ID, 5)];
    assert.deepEqual(records(...list), { ok: true, value: list });
  });
  it('is refused when an offset does not rise', () =>
    assert.deepEqual(records(startRecord(ID, 5), endRecord(ID, 5)), { ok: false, error: 'offset' }));
  it('is refused for a record of no kind', () =>
    assert.deepEqual(records({ ...startRecord(ID, 1), k: 'middle' }), { ok: false, error: 'k' }));
  it('is refused for what is not a list', () => assert.deepEqual(checkRecords('all'), { ok: false, error: 'records' }));
  it('is refused for bytes below nothing', () =>
    assert.deepEqual(records(endRecord(ID, 1, { bytesIn: -1 })), { ok: false, error: 'bytesIn' }));
  it('is refused without a shard or a generation', () => {
    assert.deepEqual(checkJournalHead({ shard: -1, generation: 'g' }), { ok: false, error: 'shard' });
    assert.deepEqual(checkJournalHead({ shard: 0, generation: '' }), { ok: false, error: 'generation' });
  });
});

describe('limits and owners of a reservation', () => {
  const request = {
    requestId: someId(),
    key: 'key_a',
    organization: 'org_a',
    team: 'team_a',
    alias: 'fast',
    maxInputTokens: 1,
    maxOutputTokens: 1,
  };
  const rules = {
    limits: [{ id: 'l', measure: 'tokens', amount: 5, windowMs: 60_000, mode: 'enforce', model: 'gpt/*' }],
    budgets: [
      {
        id: 'b',
        picodollars: '12',
        window: { kind: 'calendar', unit: 'month', timeZone: 'Europe/Berlin' },
        enforcement: 'hard',
        mode: 'observe',
        thresholds: [50, 100],
        raises: [{ picodollars: '1', until: 5 }],
      },
    ],
  };
  const full = {
    ...request,
    project: 'project_a',
    user: 'user_a',
    endUser: 'someone ü',
    tags: ['nightly', 'batch'],
    rules,
    targets: [
      { provider: 'openai', model: 'gpt-4o', priceList: 'openai' },
      { provider: 'azure', model: 'deployment-7', baseModel: 'gpt-4o', priceList: 'azure' },
    ],
  };

  /** Rules ride as text. */
  const sent = { ...full, rules: JSON.stringify(rules) };

  it('are taken as they are, and are not there where they were not sent', () => {
    assert.deepEqual(checkReserve(sent), { ok: true, value: full });
    assert.deepEqual(checkReserve(request), { ok: true, value: request });
    assert.deepEqual(checkResume([request, sent]), { ok: true, value: [request, full] });
  });

  it('are read once as long as their text is the same', () => {
    const [one, same, other] = [sent, { ...sent }, { ...sent, rules: '{"limits":[]}' }].map((value) => checkReserve(value));
    assert.ok(one?.ok === true && same?.ok === true && other?.ok === true);
    assert.equal(one.value.rules, same.value.rules);
    assert.deepEqual(other.value.rules, { limits: [] });
    // What was refused is refused again.
    for (let i = 0; i < 2; i++) assert.deepEqual(checkReserve({ ...sent, rules: '{"limits":[{}]}' }), { ok: false, error: 'measure' });
  });

  it('are refused by field when they are not exactly right', () => {
    const [limit] = rules.limits;
    const [budget] = rules.budgets;
    const wrong: readonly (readonly [string, object])[] = [
      ['project', { project: '' }],
      ['user', { user: 'a b' }],
      ['endUser', { endUser: '' }],
      ['endUser', { endUser: 'x'.repeat(257) }],
      ['endUser', { endUser: 'a\nb' }],
      ['tags', { tags: 'nightly' }],
      ['tags', { tags: Array.from({ length: 17 }, (_, i) => `t${i}`) }],
      ['tags', { tags: ['x'.repeat(65)] }],
      ['tags', { tags: ['twice', 'twice'] }],
      ['targets', { targets: Array.from({ length: 17 }, () => full.targets[0]) }],
      ['provider', { targets: [{ provider: '', model: 'm', priceList: 'p' }] }],
      ['rules', { rules: [] }],
      ['limits', { rules: { limits: Array.from({ length: 33 }, () => limit) } }],
      ['measure', { rules: { limits: [{ ...limit, measure: 'dollars' }] } }],
      ['amount', { rules: { limits: [{ ...limit, amount: -1 }] } }],
      ['amount', { rules: { limits: [{ ...limit, amount: 1.5 }] } }],
      ['windowMs', { rules: { limits: [{ ...limit, windowMs: 0 }] } }],
      ['windowMs', { rules: { limits: [{ ...limit, measure: 'parallel' }] } }],
      ['mode', { rules: { limits: [{ ...limit, mode: 'off' }] } }],
      ['picodollars', { rules: { budgets: [{ ...budget, picodollars: '1.5' }] } }],
      ['picodollars', { rules: { budgets: [{ ...budget, picodollars: 12 }] } }],
      ['timeZone', { rules: { budgets: [{ ...budget, window: { kind: 'calendar', unit: 'day', timeZone: 'Moon/Base' } }] } }],
      ['unit', { rules: { budgets: [{ ...budget, window: { kind: 'calendar', unit: 'year', timeZone: 'UTC' } }] } }],
      ['ms', { rules: { budgets: [{ ...budget, window: { kind: 'rolling', ms: 0 } }] } }],
      ['kind', { rules: { budgets: [{ ...budget, window: { kind: 'lunar' } }] } }],
      ['percent', { rules: { budgets: [{ ...budget, thresholds: [0] }] } }],
      ['until', { rules: { budgets: [{ ...budget, raises: [{ picodollars: '1', until: 'soon' }] }] } }],
    ];
    for (const [field, change] of wrong) {
      const text = 'rules' in change ? { rules: JSON.stringify(change.rules) } : {};
      assert.deepEqual(
        checkReserve({ ...sent, ...change, ...text } as unknown as Json),
        { ok: false, error: field },
        JSON.stringify(change),
      );
    }
    for (const unread of [rules, '{"limits":', 'null', '', ' '.repeat(200_000)])
      assert.deepEqual(checkReserve({ ...sent, rules: unread } as unknown as Json), { ok: false, error: 'rules' });
  });

  it('of a report are checked alike, with its units and its tier', () => {
    const now = Date.now();
    const event = { ...usageEvent(someId()), project: 'project_a', endUser: 'someone', tags: ['x'] };
    const withUsage = (more: object): Json => ({ ...event, usage: { ...event.usage, ...more } }) as unknown as Json;
    assert.deepEqual(checkUsage(withUsage({ units: { image: 2 }, tier: 'batch' }), now), {
      ok: true,
      value: withUsage({ units: { image: 2 }, tier: 'batch' }),
    });
    for (const [field, value] of [
      ['units', withUsage({ units: { tokens: 2 } })],
      ['image', withUsage({ units: { image: 0.5 } })],
      ['tier', withUsage({ tier: 'a b' })],
      ['tags', { ...event, tags: ['x', 'x'] }],
      ['project', { ...event, project: '../x' }],
    ] as const)
      assert.deepEqual(checkUsage(value as unknown as Json, now), { ok: false, error: field });
  });
});
