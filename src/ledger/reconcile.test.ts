import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { UsageEvent } from '../core/usage.ts';
import type { DifferenceKind } from '../core/reports.ts';
import { differences } from './reports.ts';
import { endRecord, someId, startRecord, usageEvent } from './testing/events.ts';
import { journalItem, scratch, type Scratch } from './testing/scratch.ts';

const NOW = Date.now();

/** A call of a gateway and a vault that agree: an answer of 40 bytes and 3 more for each token. */
function call(i: number, more: Partial<UsageEvent> = {}): { readonly id: string; readonly event: UsageEvent; readonly bytes: number } {
  const id = someId();
  const output = 100 + (i % 50);
  const bytes = 40 + 3 * output;
  return { id, bytes, event: usageEvent(id, { bytesOut: 4000, bytesIn: bytes, usage: { ...usageEvent(id).usage, output }, ...more }) };
}
type Call = ReturnType<typeof call>;

let offset = 0;
function journal({ writer }: Scratch, calls: readonly Call[]): void {
  const records = calls.flatMap(({ id, bytes }) => [
    startRecord(id, ++offset),
    endRecord(id, ++offset, { bytesOut: 4000, bytesIn: bytes }),
  ]);
  writer.apply([journalItem(records)], NOW);
}
const report = ({ writer }: Scratch, events: readonly UsageEvent[]): unknown => writer.apply([{ kind: 'usage', events }], NOW);

/** Request ids that stand in the table, by kind. */
function found({ db }: Scratch, kind: DifferenceKind | null = null): readonly string[] {
  const query = { op: 'reconciliation.list', from: 0, to: NOW + 86_400_000, kind, limit: 1000, before: null } as const;
  return differences(db, query)
    .rows.filter(({ resolvedAt }) => resolvedAt === null)
    .map(({ requestId }) => requestId)
    .toSorted();
}
const ids = (calls: readonly Call[]): readonly string[] => calls.map(({ id }) => id).toSorted();
const every = <T>(list: readonly T[], nth: number): readonly T[] => list.filter((_, i) => i % nth === 3);

describe('reconciliation', () => {
  it('finds nothing where both agree, in any order of their words', (t) => {
    const file = scratch(t);
    const calls = Array.from({ length: 200 }, (_, i) => call(i));
    journal(file, calls.slice(0, 100));
    report(
      file,
      calls.map(({ event }) => event),
    );
    journal(file, calls.slice(100));
    file.writer.sweep(NOW + 120_000);
    assert.deepEqual([found(file), file.writer.takeDifferences()], [[], { found: [], resolved: 0 }]);
  });

  it('a gateway that omits a tenth of its reports: exactly those', (t) => {
    const file = scratch(t);
    const calls = Array.from({ length: 100 }, (_, i) => call(i));
    const omitted = every(calls, 10);
    report(
      file,
      calls.filter((one) => !omitted.includes(one)).map(({ event }) => event),
    );
    journal(file, calls);
    file.writer.sweep(NOW + 120_000);
    assert.deepEqual(found(file), ids(omitted));
    assert.deepEqual(
      file.writer
        .takeDifferences()
        .found.map(({ requestId }) => requestId)
        .toSorted(),
      ids(omitted),
    );
    // Said late, they are settled.
    report(
      file,
      omitted.map(({ event }) => event),
    );
    assert.deepEqual([found(file), file.writer.takeDifferences()], [[], { found: [], resolved: omitted.length }]);
  });

  it('a gateway that tells a tenth less of its bytes: exactly those calls', (t) => {
    const file = scratch(t);
    const calls = Array.from({ length: 100 }, (_, i) => call(i + 300));
    const shrunk = every(calls, 10);
    report(
      file,
      calls.map((one) => (shrunk.includes(one) ? { ...one.event, bytesOut: 3600 } : one.event)),
    );
    journal(file, calls);
    assert.deepEqual([found(file), found(file, 'bytes_sent')], [ids(shrunk), ids(shrunk)]);
  });

  it('a gateway that tells a tenth less of its tokens and the truth of its bytes: exactly those calls, the first ones too', (t) => {
    const file = scratch(t);
    const calls = Array.from({ length: 300 }, (_, i) => call(i));
    const shrunk = every(calls, 10);
    const lie = ({ event }: Call): UsageEvent => ({
      ...event,
      usage: { ...event.usage, input: Math.floor(event.usage.input * 0.9), output: Math.floor(event.usage.output * 0.9) },
    });
    for (let from = 0; from < 300; from += 30) {
      const some = calls.slice(from, from + 30);
      report(
        file,
        some.map((one) => (shrunk.includes(one) ? lie(one) : one.event)),
      );
      journal(file, some);
    }
    assert.deepEqual([found(file, 'output_tokens'), found(file, 'input_tokens')], [ids(shrunk), ids(shrunk)]);
    const [one] = differences(file.db, {
      op: 'reconciliation.list',
      from: 0,
      to: NOW + 1,
      kind: 'input_tokens',
      limit: 1,
      before: null,
    }).rows;
    assert.deepEqual([one?.reported, one?.journal], [900, 4000]);
  });

  it('knows after a restart what a token weighs', (t) => {
    const file = scratch(t);
    const honest = Array.from({ length: 100 }, (_, i) => call(i));
    report(
      file,
      honest.map(({ event }) => event),
    );
    journal(file, honest);
    const after = file.reopen();
    const liar = call(7);
    report(after, [{ ...liar.event, usage: { ...liar.event.usage, output: Math.floor(liar.event.usage.output * 0.9) } }]);
    journal(after, [liar]);
    assert.deepEqual(found(after), [liar.id]);
  });

  it('a report without a journal, and one that names another owner', (t) => {
    const file = scratch(t);
    const [invented, foreign] = [call(1), call(2, { key: 'key_other' as never })];
    report(file, [invented.event, foreign.event]);
    journal(file, [foreign]);
    file.writer.sweep(NOW + 120_000);
    assert.deepEqual([found(file, 'missing_journal'), found(file, 'owner')], [[invented.id], [foreign.id]]);
  });

  it('calls that were cut, whose tokens we counted, or that carry files are not judged by their bytes', (t) => {
    const file = scratch(t);
    const honest = Array.from({ length: 100 }, (_, i) => call(i));
    const cut = call(1, { outcome: 'cancelled', bytesIn: 10 });
    const counted = call(2, { estimated: true, usage: { ...usageEvent(someId()).usage, output: 20 } });
    report(
      file,
      [...honest, cut, counted].map(({ event }) => event),
    );
    journal(file, [...honest, cut, counted]);
    const picture = call(3, { bytesOut: 400_000 });
    report(file, [picture.event]);
    file.writer.apply(
      [journalItem([startRecord(picture.id, ++offset), endRecord(picture.id, ++offset, { bytesOut: 400_000, bytesIn: picture.bytes })])],
      NOW,
    );
    assert.deepEqual(found(file), []);
  });

  it('gives every difference once over its pages', (t) => {
    const file = scratch(t);
    const calls = Array.from({ length: 23 }, (_, i) => call(i, { bytesIn: 7000, bytesOut: 9000 }));
    report(
      file,
      calls.map(({ event }) => event),
    );
    journal(file, calls);
    const seen: string[] = [];
    let before: string | null = null;
    do {
      const query = { op: 'reconciliation.list', from: 0, to: NOW + 1, kind: null, limit: 5, before } as const;
      const page: ReturnType<typeof differences> = differences(file.db, query);
      seen.push(...page.rows.map(({ requestId, kind }) => `${requestId} ${kind}`));
      before = page.next;
    } while (before !== null);
    assert.deepEqual([seen.length, new Set(seen).size], [46, 46]);
  });
});
