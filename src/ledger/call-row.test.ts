import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { readOperatorPrices, type OperatorPrices } from '../accounting/operator-prices.ts';
import { readPriceDetail, sumOf } from '../accounting/price-detail.ts';
import { addFact, emptyRow, expire, type CallFact, type CallRow, WAITS } from './call-row.ts';
import { endRecord, someId, startRecord, USUAL_COST, usageEvent } from './testing/events.ts';

const ID = someId();
const AT = 1_790_000_000_000;
const USAGE: CallFact = { fact: 'usage', event: usageEvent(ID, { startedAt: AT }) };
const RESERVATION = { team: 'team_r', alias: 'slow', maxInput: 500, maxOutput: 60 };
const START: CallFact = { fact: 'start', shard: 0, record: startRecord(ID, 1, { at: AT }), reservation: RESERVATION, orphan: false };
const END: CallFact = { fact: 'end', record: endRecord(ID, 2, { at: AT + 40 }) };
const ORPHANED: CallFact = { fact: 'orphaned' };

const heard = (...facts: readonly CallFact[]): CallRow => facts.reduce((row, fact) => addFact(row, fact, AT, WAITS), emptyRow(ID, 1));

describe('row of a call', () => {
  it('is open while only its start is known', () => {
    const row = heard(START);
    assert.deepEqual([row.state, row.dueAt, row.team, row.alias, row.key], ['open', null, 'team_r', 'slow', 'key_a']);
  });

  it('is usage-first until the journal speaks, and waits for it', () => {
    const row = heard(USAGE);
    assert.deepEqual([row.state, row.dueAt, row.picodollars], ['usage-first', AT + WAITS.graceMs, USUAL_COST]);
  });

  it('is confirmed by both', () => {
    const row = heard(START, USAGE);
    assert.deepEqual([row.state, row.dueAt, row.picodollars, row.alias, row.team], ['confirmed', null, USUAL_COST, 'fast', 'team_a']);
  });

  it('waits for the report only so long once the call ended, and shorter when its gateway is gone', () => {
    assert.equal(heard(START, END).dueAt, AT + WAITS.graceMs);
    assert.equal(heard(START, END, ORPHANED).dueAt, AT + WAITS.settleMs);
    assert.equal(heard(START, ORPHANED, END).dueAt, AT + WAITS.settleMs);
    assert.equal(heard(START, USAGE, ORPHANED).dueAt, null);
  });

  it('ends in the same row for any order and any repetition of what is heard', () => {
    const expected = heard(START, USAGE, END);
    const orders = fc.shuffledSubarray([START, USAGE, END], { minLength: 3 });
    const repeats = fc.array(fc.constantFrom(START, USAGE, END), { maxLength: 6 });
    fc.assert(
      fc.property(repeats, orders, repeats, (before, all, after) => assert.deepEqual(heard(...before, ...all, ...after), expected)),
    );
  });

  it('takes an expiry back in any order when the missing source speaks after all', () => {
    const late = (first: readonly CallFact[], rest: readonly CallFact[]): CallRow =>
      rest.reduce((row, fact) => addFact(row, fact, AT, WAITS), expire(heard(...first), undefined));
    const expected = heard(START, USAGE, END);
    for (const [first, rest] of [
      [[START], [USAGE, END]],
      [[START, END], [USAGE]],
      [[USAGE], [END, START]],
      [[START], [END, USAGE]],
    ] as const) {
      const row = late(first, rest);
      // What the reservation said stays in a row whose start came with it; everything reported replaces the estimate.
      assert.deepEqual(row, expected);
    }
  });

  it('keeps the first of two reports that differ', () => {
    const second: CallFact = { fact: 'usage', event: usageEvent(ID, { usage: { ...usageEvent(ID).usage, input: 1 } }) };
    assert.deepEqual(heard(START, USAGE, second), heard(START, USAGE));
  });

  it('believes the vault about who pays, and says that the gateway said otherwise', () => {
    const lie: CallFact = {
      fact: 'usage',
      event: usageEvent(ID, { key: 'key_z' as never, organization: 'org_z' as never, startedAt: AT }),
    };
    for (const row of [heard(START, lie), heard(lie, START)])
      assert.deepEqual([row.disputed, row.key, row.organization], [true, 'key_a', 'org_a']);
    assert.equal(heard(START, USAGE).disputed, false);
  });

  it('prices a name that tells nothing as the model that is said to be behind it', () => {
    const event = usageEvent(ID, { model: 'deployment-7', baseModel: 'gpt-4o', startedAt: AT });
    const told = heard(START, { fact: 'usage', event });
    assert.deepEqual([told.model, told.picodollars, told.priceKnown], ['deployment-7', heard(START, USAGE).picodollars, true]);
    assert.equal(readPriceDetail(told.priceDetail)?.source.as, 'gpt-4o');
    const untold = heard(START, { fact: 'usage', event: { ...event, baseModel: undefined } });
    assert.deepEqual([untold.priceKnown, untold.picodollars > told.picodollars], [false, true]);
  });

  it('takes the key of a service call from the gateway, in either order', () => {
    const start: CallFact = { fact: 'start', shard: 0, record: startRecord(ID, 1, { key: '' }), reservation: null, orphan: false };
    for (const row of [heard(start, USAGE), heard(USAGE, start)]) assert.deepEqual([row.disputed, row.key], [false, 'key_a']);
  });
});

describe('expired wait', () => {
  it('charges an unreported call by the vault’s bytes, within the reservation, at the price of one like it', () => {
    const like = { provider: 'openai', model: 'gpt-4o', priceList: 'openai', endpoint: '/v1/chat/completions' };
    const row = expire(heard(START, END), like);
    // 4000 bytes are 1000 tokens, but 500 were reserved; 900 bytes are 225, but 60 were.
    assert.deepEqual([row.usage.input, row.usage.output, row.picodollars], [500, 60, 500n * 2_500_000n + 60n * 10_000_000n]);
    assert.deepEqual(
      [row.state, row.outcome, row.estimated, row.priceKnown, row.status, row.latencyMs],
      ['unconfirmed', 'unconfirmed', true, true, 200, 40],
    );
  });

  it('charges by bytes alone when no reservation is known, and never nothing', () => {
    const row = expire(heard({ ...START, reservation: null }, END), undefined);
    assert.deepEqual([row.usage.input, row.usage.output, row.priceKnown], [1000, 225, false]);
    assert.ok(row.picodollars > 0n);
  });

  it('charges the reservation when the vault died before it counted', () => {
    const row = expire(heard(START), undefined);
    assert.deepEqual([row.usage.input, row.usage.output, row.estimated], [500, 60, true]);
  });

  it('leaves a report without a journal record as it is and marks it', () => {
    const row = expire(heard(USAGE), undefined);
    assert.deepEqual([row.state, row.picodollars, row.dueAt], ['unmatched', USUAL_COST, null]);
  });

  it('is priced by the operator’s prices that hold when it comes, keeps its sum, and is never priced again', () => {
    const table = (version: number, input: number): OperatorPrices => {
      const entries = [{ model: '*', rates: { input, output: input } }];
      const read = readOperatorPrices(JSON.stringify({ kind: 'prices', version, entries, discounts: [], margins: [{ ppm: 500_000 }] }));
      assert.ok(read.ok);
      return read.value;
    };
    const first = addFact(emptyRow(ID, 1), USAGE, AT, WAITS, table(1, 4));
    const detail = readPriceDetail(first.priceDetail);
    assert.ok(detail !== undefined);
    assert.deepEqual([sumOf(detail), first.priceVersion.endsWith('+1')], [first.picodollars, true]);
    const again = [START, USAGE, END].reduce((row, fact) => addFact(row, fact, AT, WAITS, table(2, 9)), first);
    assert.deepEqual(
      [again.picodollars, again.priceVersion, again.priceDetail],
      [first.picodollars, first.priceVersion, first.priceDetail],
    );
  });
});
