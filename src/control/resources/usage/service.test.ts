import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { NO_USAGE } from '../../../core/usage.ts';
import { isBulkheadError } from '../../../auditor/testing/errors.ts';
import type { UsageSummaryRow } from '../../../ipc/messages/reports.ts';
import { NOW, ROW, SUMS } from '../../testing/usage.ts';
import { ledgerRow, momentOf, periodOf, summaryRow } from './service.ts';

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

const SUMMED: UsageSummaryRow = { ...SUMS, picodollars: '1250000', dimensions: { key: 'key_1', model: 'm' } };

describe('rows of a report', () => {
  it('money is decimal text, exact; means are of what was measured', () => {
    const row = summaryRow(SUMMED, { key: new Map([['key_1', 'laptop']]) });
    assert.deepEqual(
      [row['cost_usd'], row['key'], row['key_name'], row['latency_ms'], row['first_byte_ms']],
      ['0.00000125', 'key_1', 'laptop', 100, null],
    );
  });

  it('a team has its own name, and not that of an organization with the same id', () => {
    const row = { ...SUMMED, dimensions: { team: 'default', organization: 'default', model: 'm' } };
    const names = { team: new Map([['default', 'search']]), organization: new Map([['default', 'acme']]) };
    const shown = summaryRow(row, names);
    assert.deepEqual([shown['team'], shown['team_name'], shown['organization_name']], ['default', 'search', 'acme']);
  });

  it('a key that is gone keeps its usage', () => assert.equal(summaryRow(SUMMED, { key: new Map() })['key_name'], null));

  it('a single row is flat', () => {
    const row = ledgerRow({ ...ROW, usage: { ...NO_USAGE, input: 7, cacheWrite: 1, cacheWrite1h: 2 }, picodollars: '1000000000000' });
    assert.deepEqual(
      [row['input_tokens'], row['cache_write_tokens'], row['cost_usd'], row['started_at']],
      [7, 3, '1.00', '2026-11-23T12:00:00.000Z'],
    );
    assert.ok(Object.values(row).every((value) => value === null || typeof value !== 'object'));
  });
});
