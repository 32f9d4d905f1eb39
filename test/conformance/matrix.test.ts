import assert from 'node:assert/strict';
import fs from 'node:fs';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';
import { conformancePage, PAGE } from '../../tools/generate-conformance.ts';
import { UNEQUAL } from './known-differences.ts';
import { computeMatrix } from './matrix.ts';

const matrix = await computeMatrix();

describe('the matrix of clients and providers', () => {
  it('has no answer that a client reads otherwise, but those that are explained', () => {
    const unexplained = matrix.mismatches.filter(
      ({ case: name, client }) => !UNEQUAL.some((row) => row.case === name && row.clients.test(client)),
    );
    assert.deepEqual(
      unexplained.map(
        ({ case: name, client, wanted, got }) => `${client}: ${name}\n${inspect({ wanted, got }, { depth: 6, breakLength: 160 })}`,
      ),
      [],
    );
  });

  it('has no explanation that is not needed', () => {
    const idle = UNEQUAL.filter(
      (row) => !matrix.mismatches.some(({ case: name, client }) => row.case === name && row.clients.test(client)),
    );
    assert.deepEqual(idle, []);
  });

  it('holds every provider that was recorded in conversation', () => assert.deepEqual(matrix.others, ['voyage']));

  it('is the one in docs/reference/conformance.md (node tools/generate-conformance.ts)', () =>
    assert.equal(fs.readFileSync(PAGE, 'utf8'), conformancePage(matrix)));
});
