import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { NO_USAGE } from '../../../core/usage.ts';
import { isBulkheadError } from '../../../auditor/testing/errors.ts';
import type { UsageSummaryRow } from '../../../ipc/report-messages.ts';
import { ledgerRow, momentOf, periodOf, summaryRow } from './service.ts';

const NOW = Date.parse('2026-11-23T12:00:00Z');

describe('times of a report', () => {
  for (const [text, expected] of [
    ['30s', '2026-11-23T11:59:30.000Z'],
    ['7d', '2026-11-16T12:00:00.000Z'],
    ['2w', '2026-11-09T12:00:00.000Z'],
    ['2026-11-01', '2026-11-01T00:00:00.000Z'],
    ['2026-11-01T10:00:00+02:00', '2026-11-01T08:00:00.000Z'],
  ] as const) {
    it(`${text} is ${expected}`, () => assert.equal(new Date(momentOf(text, 'since', NOW)).toISOString(), expected));
  }

  it('a day that does not exist and a period that ends before it begins are refused', () => {
    assert.throws(
      () => momentOf('2026-13-01', 'since', NOW),
      (error) => isBulkheadError(error, 'invalid_field'),
    );
    assert.throws(
      () => periodOf({ since: '1d', until: '2d' }, NOW),
      (error) => isBulkheadError(error, 'invalid_field'),
    );
  });
});

const SUMS: UsageSummaryRow = {
  dimensions: { key: 'key_1', model: 'm' },
  requests: 4,
  open: 0,
  unconfirmed: 1,
  unmatched: 0,
  unpriced: 0,
  estimated: 0,
  failed: 1,
  inputTokens: 10,
  outputTokens: 5,
  cachedInputTokens: 2,
  cacheWriteTokens: 0,
  reasoningTokens: 1,
  audioTokens: 0,
  picodollars: '1250000',
  latencyMsTotal: 400,
  firstByteMsTotal: 0,
  firstBytes: 0,
};

describe('rows of a report', () => {
  it('money is decimal text, exact; means are of what was measured', () => {
    const row = summaryRow(SUMS, new Map([['key_1', 'laptop']]));
    assert.deepEqual(
      [row['cost_usd'], row['key'], row['key_name'], row['latency_ms'], row['first_byte_ms']],
      ['0.00000125', 'key_1', 'laptop', 100, null],
    );
  });

  it('a key that is gone keeps its usage', () => assert.equal(summaryRow(SUMS, new Map())['key_name'], null));

  it('a single row is flat', () => {
    const row = ledgerRow({
      requestId: 'req_1',
      attempt: 1,
      state: 'confirmed',
      organization: 'o',
      team: 't',
      key: 'k',
      project: '',
      user: '',
      endUser: '',
      tags: [],
      credential: 'c',
      provider: 'p',
      alias: 'a',
      model: 'm',
      endpoint: 'e',
      stream: false,
      status: 200,
      outcome: 'ok',
      usage: { ...NO_USAGE, input: 7, cacheWrite: 1, cacheWrite1h: 2 },
      picodollars: '1000000000000',
      priceVersion: 'v',
      priceKnown: true,
      priceDetail: '',
      estimated: false,
      disputed: false,
      proof: 'key',
      startedAt: NOW,
      latencyMs: 1,
      firstByteMs: null,
      bytesIn: 1,
      bytesOut: 1,
      upstreamBytesIn: null,
      upstreamBytesOut: null,
      upstreamOutcome: null,
    });
    assert.deepEqual(
      [row['input_tokens'], row['cache_write_tokens'], row['cost_usd'], row['started_at']],
      [7, 3, '1.00', '2026-11-23T12:00:00.000Z'],
    );
    assert.ok(Object.values(row).every((value) => value === null || typeof value !== 'object'));
  });
});
