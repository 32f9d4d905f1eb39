import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { CredentialId } from '../core/ids.ts';
import { CeilingBook } from './ceilings.ts';
import { temporaryFolder } from './testing/vault.ts';

const HOUR = 3_600_000;
const C = 'c' as CredentialId;

describe('ceilings', () => {
  let folder: string;
  const warned: string[] = [];
  before(() => (folder = temporaryFolder()));
  after(() => fs.rmSync(folder, { recursive: true }));
  const book = (name = 'busiest.json'): CeilingBook =>
    new CeilingBook(path.join(folder, name), (credential, kind) => warned.push(`${credential} ${kind}`));

  it('counts requests and bytes by the hour, and places always', () => {
    const ceilings = book();
    const enter = (at: number) => ceilings.enter(C, 'org', { requestsPerHour: 2, concurrent: 5, bytesPerHour: 100 }, at);
    const reached = (at: number): void => assert.throws(() => enter(at), { code: 'ceiling_reached' });
    const first = enter(0);
    enter(1);
    reached(2);
    ceilings.leave(first, 100);
    ceilings.leave(enter(HOUR), 100);
    reached(HOUR + 1);
    for (let i = 0; i < 4; i++) enter((2 + i) * HOUR);
    reached(10 * HOUR);
  });

  it('keeps credentials and organizations apart', () => {
    const ceilings = book();
    const enter = (credential: string, organization: string) =>
      ceilings.enter(credential as CredentialId, organization, { requestsPerHour: 1 }, 0);
    enter('a', 'x');
    enter('a', 'y');
    enter('b', 'x');
    assert.throws(() => enter('a', 'x'), { code: 'ceiling_reached' });
  });

  it('learns four times the busiest hour above a floor, over a restart', () => {
    const first = book('learned.json');
    const GIB = 2 ** 30;
    /** Bytes that pass in one hour, in steps of a GiB. */
    const fill = (ceilings: CeilingBook, at: number): number => {
      for (let n = 0; n <= 2000; n++) {
        try {
          ceilings.leave(ceilings.enter(C, 'org', {}, at), GIB);
        } catch (error) {
          assert.equal((error as { code: string }).code, 'ceiling_reached');
          return n;
        }
      }
      return Infinity;
    };
    assert.equal(fill(first, 0), 64, 'the floor');
    assert.equal(fill(first, HOUR), 256);
    first.enter(C, 'org', {}, 2 * HOUR);
    first.save();
    assert.equal(fill(book('learned.json'), 0), 1024, 'four times the busiest whole hour');
  });

  it('warns at half of a ceiling', () => {
    const ceilings = book();
    warned.length = 0;
    for (let n = 0; n < 10; n++) ceilings.leave(ceilings.enter('w' as CredentialId, 'org', { requestsPerHour: 10 }, 0), 0);
    assert.deepEqual(warned, ['w requestsPerHour']);
  });
});
