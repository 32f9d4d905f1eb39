import assert from 'node:assert/strict';
import fs from 'node:fs';
import { describe, it } from 'node:test';
import { fidelityPage } from '../../tools/generate-fidelity.ts';
import { changedPaths } from './changes.ts';
import { computeFidelity, nameOf } from './fidelity.ts';
import { PROBES } from './probes/registry.ts';
import { CLIENT_PROTOCOLS } from './protocols/registry.ts';

const rows = computeFidelity();

describe('what becomes of every field', () => {
  it('is probed for every client protocol', () =>
    assert.deepEqual(PROBES.map(({ protocol }) => protocol).toSorted(), CLIENT_PROTOCOLS.map(({ id }) => id).toSorted()));

  for (const { side, from, field, probe, fates } of rows) {
    for (const [to, fate] of fates) {
      it(`${side} ${from} → ${to}: ${field} is ${fate.kind}`, () => {
        if (fate.kind === 'silent') assert.ok(probe.silent?.[to] ?? probe.silent?.all, 'left out without a word and without a reason');
        if (side === 'answer' || fate.kind === 'kept' || fate.kind === 'silent') return;
        const name = nameOf(field);
        assert.ok(
          fate.reported.some((path) => path === name || path === field || path === probe.reportedAs),
          `reported as ${fate.reported.join()}`,
        );
      });
    }
  }

  it('gives no reason for a silence that is none', () => {
    const idle = rows.filter(
      ({ probe, fates }) => probe.silent !== undefined && fates.length > 0 && fates.every(([, { kind }]) => kind !== 'silent'),
    );
    assert.deepEqual(
      idle.map(({ from, field }) => `${from} ${field}`),
      [],
    );
  });

  it('has no note about a field that is not probed', () => {
    for (const { protocol, request, answer } of PROBES)
      for (const { probes, notes } of [request, answer])
        for (const field of Object.keys(notes)) assert.ok(Object.hasOwn(probes, field), `${protocol} ${field}`);
  });

  it('is what docs/reference/fidelity.md says (npm run generate)', () =>
    assert.equal(fs.readFileSync(new URL('../../docs/reference/fidelity.md', import.meta.url), 'utf8'), fidelityPage()));
});

describe('changed paths', () => {
  it('names what is new by its outermost member or its kind', () => {
    assert.deepEqual(changedPaths({ a: 1 }, { a: 1, b: { c: { d: 1 } } }), ['b.c.d']);
    assert.deepEqual(changedPaths({ a: [{ type: 'x' }] }, { a: [{ type: 'x' }, { type: 'y', z: 1 }] }), ['a[].y']);
    assert.deepEqual(changedPaths({ a: [{ text: 't' }] }, { a: [{ text: 't' }, { inlineData: { data: '' } }] }), ['a[].inlineData']);
    assert.deepEqual(changedPaths({ c: 'hi' }, { c: [{ type: 'text', text: 'hi', mark: 1 }] }), ['c[].mark']);
    assert.deepEqual(changedPaths({ c: 'hi' }, { c: 'ho' }), ['c']);
    assert.deepEqual(changedPaths({ a: 1, b: 2 }, { a: 1 }), ['b']);
    assert.deepEqual(changedPaths({ a: [1] }, { a: [1] }), []);
  });
});
