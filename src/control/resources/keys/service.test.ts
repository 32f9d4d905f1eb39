import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { isBulkheadError } from '../../../auditor/testing/errors.ts';
import { newKeyId } from '../../../core/ids.ts';
import type { PermitFor } from '../../acts.ts';
import { openControlStore, type Database } from '../../database.ts';
import { createKey, type KeyDeps, type KeyDraft } from './service.ts';

const permit: PermitFor<'key.create'> = {
  actor: { kind: 'admin', id: 'admin:local' },
  act: 'key.create',
  target: 'key/x',
  receipt: { sequence: 1, hash: '' },
};
const draft = (): KeyDraft => ({
  id: newKeyId(1),
  name: 'k',
  organization: 'default',
  team: 'default',
  project: null,
  user: null,
  service_account: null,
  kind: 'llm',
  environment: 'live',
  expires_at: null,
  models: null,
  max_parallel: null,
  endpoints: null,
  addresses: null,
  rules: null,
  metadata: null,
  lineage: null,
});

let folder: string;
let db: Database;
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'bh-keys-'));
  ({ db } = openControlStore(folder, 1));
});
afterEach(async () => {
  await db.destroy();
  fs.rmSync(folder, { recursive: true });
});

/** The vault takes its time to sign, and meanwhile something happens. */
const signingWhile = (meanwhile: () => Promise<unknown>): KeyDeps =>
  ({
    db,
    vaults: {
      sign: async (_: string, text: string) => {
        await meanwhile();
        return { text, signature: 's' };
      },
    },
  }) as unknown as KeyDeps;

describe('a key that is signed while a parent changes', () => {
  for (const [what, change] of [
    ['shrinks', { models: '["a"]' }],
    ['is removed', { removed_at: 1 }],
  ] as const) {
    it(`is not written where its team ${what}: nobody would find it any more`, async () => {
      const deps = signingWhile(() => db.updateTable('teams').set(change).where('id', '=', 'default').execute());
      await assert.rejects(createKey(deps, permit, draft(), 1), (error) => isBulkheadError(error, 'changed_meanwhile'));
      assert.deepEqual(await db.selectFrom('keys').selectAll().execute(), []);
    });
  }

  it('is written where nothing changes', async () => {
    const { stored } = await createKey(
      signingWhile(() => Promise.resolve()),
      permit,
      draft(),
      1,
    );
    assert.equal((await db.selectFrom('keys').select('id').executeTakeFirstOrThrow()).id, stored.id);
  });
});
