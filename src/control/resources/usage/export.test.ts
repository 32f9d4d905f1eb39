import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { usageExportQuery, usageStatementQuery } from '../../../api/usage.ts';
import type { LedgerAdminCall } from '../../../ipc/messages/ledger.ts';
import type { UsageDay, UsageSummaryRow } from '../../../ipc/messages/reports.ts';
import type { ControlDeps } from '../../deps.ts';
import { openControlStore } from '../../database.ts';
import { NOW, ROW, SUMS } from '../../testing/usage.ts';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { exportPage } from './export.ts';
import { FOCUS_COLUMNS } from './focus.ts';
import { monthlyStatement } from './statement.ts';

const DAY: UsageDay = {
  ...SUMS,
  day: Date.parse('2026-11-30'),
  dimensions: {
    organization: 'default',
    team: 'default',
    key: 'key_gone',
    model: 'gpt-4o',
    alias: 'fast',
    provider: 'openai',
    outcome: 'ok',
    project: '',
  },
};

/** Control's own database, and a ledger that answers what the test says. */
function deps(
  t: TestContext,
  answer: (call: LedgerAdminCall) => object,
): { readonly given: ControlDeps; readonly asked: LedgerAdminCall[] } {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'bh-export-'));
  const { db } = openControlStore(folder, NOW);
  t.after(async () => {
    await db.destroy();
    fs.rmSync(folder, { recursive: true });
  });
  const asked: LedgerAdminCall[] = [];
  const unary = (head: unknown): Promise<{ readonly head: object }> => {
    asked.push(head as LedgerAdminCall);
    return Promise.resolve({ head: answer(head as LedgerAdminCall) });
  };
  return { given: { db, ledger: { unary }, clock: { now: () => NOW, monotonic: () => 0 } } as unknown as ControlDeps, asked };
}

const summary = (rows: readonly UsageSummaryRow[]): object => ({ rows, truncated: false, wholeDaysBefore: null, nothingBefore: null });

describe('export', () => {
  it('gives lines of CSV that a spreadsheet does not run, the heading once, and the end of time for the next page', async (t) => {
    const { given, asked } = deps(t, ({ op }) =>
      op === 'usage.summary' ? summary([{ ...SUMS, dimensions: {} }]) : { rows: [ROW], next: '1.req_1.1' },
    );
    const first = await exportPage(given, usageExportQuery.parse({ since: '1d' }));
    const [heading = '', line = ''] = first.text.split('\n');
    assert.match(heading, /^request_id,attempt,state,started_at,organization/);
    assert.match(
      line,
      /^req_1,1,confirmed,2026-11-23T12:00:00.000Z,default,default,,key_1,,'=cmd\(\),"red,blue",c,openai,a,"m, large",e,false,200,ok,7,/,
    );
    assert.match(line, /,1\.000000000001,v,/);
    assert.deepEqual([first.lines, first.total, first.next], [1, 4, '1.req_1.1']);
    const second = await exportPage(given, usageExportQuery.parse({ since: '1d', until: first.to, after: first.next }));
    assert.deepEqual([second.text, second.total], [`${line}\n`, null]);
    assert.equal(asked.filter(({ op }) => op === 'usage.summary').length, 1);
  });

  it('gives one JSON object a line', async (t) => {
    const { given } = deps(t, ({ op }) => (op === 'usage.summary' ? summary([]) : { rows: [ROW, ROW], next: null }));
    const { text, total } = await exportPage(given, usageExportQuery.parse({ format: 'json' }));
    const lines = text.trimEnd().split('\n');
    assert.deepEqual([lines.length, (JSON.parse(lines[1] ?? '') as { cost_usd: string }).cost_usd, total], [2, '1.000000000001', 0]);
  });

  it('gives FOCUS charges: every mandatory column filled, costs exact, periods of UTC', async (t) => {
    const { given } = deps(t, () => ({ days: [DAY], next: null }));
    const { text } = await exportPage(given, usageExportQuery.parse({ format: 'focus' }));
    const [heading = '', line = ''] = text.split('\n');
    assert.deepEqual(heading.split(','), FOCUS_COLUMNS);
    // The only quoted cell is that of the tags.
    const cells = line.replace(/"\{.*\}"/, 'TAGS').split(',');
    const cell = (name: (typeof FOCUS_COLUMNS)[number]): string | undefined => cells[FOCUS_COLUMNS.indexOf(name)];
    for (const name of MANDATORY) assert.ok(cell(name) !== undefined && (cell(name) !== '' || name === 'ChargeClass'), name);
    for (const name of ['BilledCost', 'EffectiveCost', 'ListCost', 'ContractedCost'] as const) assert.equal(cell(name), '1.250000000001');
    assert.deepEqual(
      [cell('BillingPeriodStart'), cell('BillingPeriodEnd'), cell('ChargePeriodStart'), cell('ChargePeriodEnd')],
      ['2026-11-01T00:00:00Z', '2026-12-01T00:00:00Z', '2026-11-30T00:00:00Z', '2026-12-01T00:00:00Z'],
    );
    assert.deepEqual(
      [cell('BillingAccountName'), cell('SubAccountName'), cell('ResourceName'), cell('Tags')],
      ['default', 'default', '', 'TAGS'],
    );
    assert.match(line, /"\{""alias"":""fast"",""outcome"":""ok""\}"/);
  });
});

/** Of FOCUS 1.2; `ChargeClass` is null for what corrects nothing. */
const MANDATORY = [
  'BilledCost',
  'BillingAccountId',
  'BillingAccountName',
  'BillingCurrency',
  'BillingPeriodEnd',
  'BillingPeriodStart',
  'ChargeCategory',
  'ChargeClass',
  'ChargeDescription',
  'ChargePeriodEnd',
  'ChargePeriodStart',
  'ContractedCost',
  'EffectiveCost',
  'InvoiceIssuerName',
  'ListCost',
  'PricingQuantity',
  'PricingUnit',
  'ProviderName',
  'PublisherName',
  'ServiceCategory',
  'ServiceName',
] as const;

describe('statement', () => {
  it('adds up each team to the last picodollar, over the month of the zone', async (t) => {
    const line = (team: string, model: string, picodollars: string): UsageSummaryRow => ({
      ...SUMS,
      picodollars,
      dimensions: { organization: 'default', team, project: '', model },
    });
    const { given, asked } = deps(t, () =>
      summary([line('default', 'a', '1'), line('team_gone', 'a', '9000000000000'), line('default', 'b', '2')]),
    );
    const statement = await monthlyStatement(given, usageStatementQuery.parse({ month: '2026-10', time_zone: 'Europe/Berlin' }));
    assert.deepEqual([statement.from, statement.to, statement.complete], ['2026-09-30T22:00:00.000Z', '2026-10-31T23:00:00.000Z', true]);
    assert.deepEqual(
      statement.teams.map(({ team, team_name: name, cost_usd: cost, requests, estimated, lines }) => [
        team,
        name,
        cost,
        requests,
        estimated,
        lines.length,
      ]),
      [
        ['team_gone', null, '9.00', 4, 2, 1],
        ['default', 'default', '0.000000000003', 8, 4, 2],
      ],
    );
    assert.deepEqual(asked[0]?.op, 'usage.summary');
  });

  it('is not final while the month runs or a call is open, and a zone that does not exist is refused', async (t) => {
    const { given } = deps(t, () => summary([{ ...SUMS, open: 1, dimensions: {} }]));
    const complete = async (month: string): Promise<boolean> =>
      (await monthlyStatement(given, usageStatementQuery.parse({ month }))).complete;
    assert.deepEqual([await complete('2026-11'), await complete('2026-01')], [false, false]);
    const query = usageStatementQuery.parse({ month: '2026-11', time_zone: 'Mars/Olympus' });
    await assert.rejects(monthlyStatement(given, query), { code: 'invalid_field' });
  });
});
