import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BulkheadError } from '../core/errors.ts';
import type { LimitState } from '../core/rules.ts';
import { durationText, limitHeaders, refusedBy, retryHeaders } from './limit-headers.ts';

const NOW = Date.UTC(2026, 10, 30, 22, 59, 0, 1);
const STATES: readonly LimitState[] = [
  { measure: 'requests', limit: 60, remaining: 59, resetMs: 1000 },
  { measure: 'input_tokens', limit: 5000, remaining: 12, resetMs: 59_500 },
  { measure: 'parallel', limit: 4, remaining: 3, resetMs: 0 },
];
const limited = (values: Record<string, string | number> = {}): BulkheadError =>
  new BulkheadError('rate_limited', {
    owner: 'Team search',
    limit: 60,
    measure: 'requests',
    window: 'a minute',
    seconds: 7,
    rule: 'lim_1',
    ...values,
  });

describe('headers of limits', () => {
  it('are OpenAI’s for its clients and all who have none of their own', () => {
    const expected = {
      'x-ratelimit-limit-requests': '60',
      'x-ratelimit-remaining-requests': '59',
      'x-ratelimit-reset-requests': '1s',
      'x-ratelimit-limit-input-tokens': '5000',
      'x-ratelimit-remaining-input-tokens': '12',
      'x-ratelimit-reset-input-tokens': '59.5s',
    };
    for (const protocol of ['openai-chat', 'openai-responses', 'gemini', 'cohere-rerank'] as const)
      assert.deepEqual(Object.fromEntries(limitHeaders(STATES, protocol, NOW)), expected, protocol);
  });

  it('are Anthropic’s for its clients, with a time that is never too early', () => {
    const expected = {
      'anthropic-ratelimit-requests-limit': '60',
      'anthropic-ratelimit-requests-remaining': '59',
      'anthropic-ratelimit-requests-reset': '2026-11-30T22:59:02Z',
      'anthropic-ratelimit-input-tokens-limit': '5000',
      'anthropic-ratelimit-input-tokens-remaining': '12',
      'anthropic-ratelimit-input-tokens-reset': '2026-11-30T23:00:00Z',
    };
    for (const protocol of ['anthropic-messages', 'anthropic-count-tokens'] as const)
      assert.deepEqual(Object.fromEntries(limitHeaders(STATES, protocol, NOW)), expected, protocol);
  });

  const durations: readonly (readonly [number, string])[] = [
    [0, '0ms'],
    [0.2, '1ms'],
    [120, '120ms'],
    [1000, '1s'],
    [1500, '1.5s'],
    [59_999.5, '1m0s'],
    [360_000, '6m0s'],
    [3_600_000, '1h0m0s'],
    [90_061_001, '25h1m1.001s'],
    [-5, '0ms'],
  ];
  for (const [ms, text] of durations) it(`a duration of ${ms} ms is ${text}`, () => assert.equal(durationText(ms), text));

  it('of a refusal say when to come again only where that helps', () => {
    assert.deepEqual(retryHeaders(limited()), [
      ['retry-after', '7'],
      ['retry-after-ms', '7000'],
    ]);
    assert.deepEqual(retryHeaders(limited({ seconds: 0 }))[0], ['retry-after', '1']);
    assert.deepEqual(retryHeaders(new BulkheadError('too_many_parallel_requests', { owner: 'The key key_1', limit: 2 }))[0], [
      'retry-after',
      '1',
    ]);
    assert.deepEqual(retryHeaders(new BulkheadError('budget_exceeded', { seconds: 9 })), []);
  });

  for (const [words, measure] of [
    ['requests', 'requests'],
    ['tokens for openai/*', 'tokens'],
    ['input tokens', 'input_tokens'],
    ['output tokens (this request alone may take 9)', 'output_tokens'],
  ])
    it(`of a refusal show that nothing is left of: ${words}`, () =>
      assert.deepEqual(refusedBy(limited({ measure: words ?? '' })), [{ measure, limit: 60, remaining: 0, resetMs: 7000 }]));

  it('of other refusals show no limit', () => {
    assert.deepEqual(refusedBy(new BulkheadError('budget_exceeded', { seconds: 9, limit: 3 })), []);
    assert.deepEqual(refusedBy(limited({ measure: 'tokenses' })), []);
  });
});
