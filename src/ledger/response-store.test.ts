import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { ResponseStore } from './response-store.ts';

const NAME = { id: 'resp_1', organization: 'org_a', team: 'team_a' };
const FACTS = { provider: null };
let folder: string;
let now: number;
let store: ResponseStore;
const clock = { now: () => now, monotonic: () => now };

beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'bh-responses-'));
  now = 1_000_000;
  store = new ResponseStore(folder, clock);
});
afterEach(() => {
  store.close();
  fs.rmSync(folder, { recursive: true });
});

describe('stored responses', () => {
  it('come back after a restart, byte for byte', () => {
    assert.equal(store.put(NAME, { provider: 'openai' }, Buffer.from([0, 1, 255]), now + 10), true);
    store.close();
    store = new ResponseStore(folder, clock);
    const found = store.get(NAME);
    assert.deepEqual([found?.facts, Buffer.from(found?.sealed ?? [])], [{ provider: 'openai' }, Buffer.from([0, 1, 255])]);
  });

  it('other tenant’s id: is no response at all, to read, to remove or to write over', () => {
    store.put(NAME, FACTS, Buffer.from('mine'), now + 10);
    for (const other of [
      { ...NAME, organization: 'org_b' },
      { ...NAME, team: 'team_b' },
    ]) {
      assert.equal(store.get(other), undefined);
      assert.equal(store.remove(other), false);
      assert.equal(store.put(other, FACTS, Buffer.from('theirs'), now + 10), false);
    }
    assert.equal(Buffer.from(store.get(NAME)?.sealed ?? []).toString(), 'mine');
  });

  it('end with their time, on disk too', () => {
    store.put(NAME, FACTS, Buffer.from('x'), now + 10);
    now += 10;
    assert.equal(store.get(NAME), undefined);
    now += 120_000;
    store.put({ ...NAME, id: 'resp_2' }, FACTS, Buffer.from('y'), now + 10);
    now -= 120_010;
    assert.equal(store.get(NAME), undefined);
  });

  it('are gone when removed, and the second removal says so', () => {
    store.put(NAME, FACTS, Buffer.from('x'), now + 10);
    assert.deepEqual([store.remove(NAME), store.remove(NAME), store.get(NAME)], [true, false, undefined]);
  });

  it('cost no file where there are none', () => assert.deepEqual(fs.readdirSync(folder), []));
});
