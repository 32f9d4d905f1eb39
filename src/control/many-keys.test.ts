import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, it } from 'node:test';
import type { CompiledQuery } from 'kysely';
import type { Identity } from '../access/permissions.ts';
import { keyListQuery, type KeyListQuery } from '../api/keys.ts';
import { DATABASE_FILE, openControlStore, type Database } from './database.ts';
import { listKeys, pageQuery } from './resources/keys/list.ts';
import { pastGrace, unconfirmed } from './resources/keys/revoke.ts';
import { findByDigest } from './resources/keys/service.ts';
import { keysOf } from './resources/keys/work.ts';
import type { KeyDigest } from '../core/ids.ts';

/** 100,000 keys in 100 teams of 10 organizations: what is read is read off an index, in its order, and ends with the page. */

const KEYS = 100_000;
const OPERATOR: Identity = { user: null, grants: [{ role: 'platform_admin', organization: null, team: null }] };

let folder: string;
let db: Database;
let reader: DatabaseSync;
before(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'bh-many-'));
  ({ db } = openControlStore(folder, 1));
  reader = new DatabaseSync(path.join(folder, DATABASE_FILE));
  reader.exec(`
    WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 9)
      INSERT INTO organizations (id, name, created_at) SELECT 'o' || i, 'o' || i, 1 FROM n;
    WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 99)
      INSERT INTO teams (id, organization, name, created_at) SELECT 't' || i, 'o' || (i % 10), 't' || i, 1 FROM n;
    INSERT INTO users (id, name, email, state, created_at) VALUES ('u', 'u', 'u@example.com', 'active', 1);
    WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ${KEYS - 1})
      INSERT INTO keys (id, digest, version, name, hint, organization, team, environment, created_at, "user", state, signed_text, signature)
      SELECT printf('key_%06d', i), printf('%064x', i), 1, printf('name-%06d', i), '', 'o' || (i % 10), 't' || (i % 100), 'live', i,
        iif(i % 10000 = 7, 'u', NULL), iif(i % 1000 = 0, 'revoked', 'active'), '{}', '' FROM n;
  `);
});
after(async () => {
  reader.close();
  await db.destroy();
  fs.rmSync(folder, { recursive: true });
});

/** What SQLite does for a query, a line a step. */
const plan = ({ sql, parameters }: CompiledQuery): string =>
  reader
    .prepare(`EXPLAIN QUERY PLAN ${sql}`)
    .all(...(parameters as (string | number)[]))
    .map(({ detail }) => String(detail))
    .join('\n');

const query = (text: string): KeyListQuery => keyListQuery.parse(Object.fromEntries(new URLSearchParams(text)));

describe('a list of very many keys', () => {
  for (const [text, index] of [
    ['', /autoindex_keys_1/],
    ['after=key_050000', /autoindex_keys_1/],
    ['organization=o3', /keys_of_organization /],
    ['organization=o3&after=key_050000', /keys_of_organization /],
    ['team=t13', /keys_of_team /],
    ['user=u', /keys_of_user /],
    ['state=active', /autoindex_keys_1/],
    ['state=revoked', /keys_revoked/],
    ['q=name-05', /keys_by_name /],
    ['q=name-05&after=key_050000', /keys_by_name /],
    ['organization=o3&q=name-05', /keys_of_organization_by_name /],
    ['team=t13&q=name-05', /keys_of_team_by_name /],
  ] as const) {
    it(`${text || 'whole'}: off an index in its own order, nothing is sorted`, () => {
      const steps = plan(pageQuery(db, query(text), undefined, OPERATOR, 1).compile());
      assert.match(steps, index, steps);
      assert.doesNotMatch(steps, /TEMP B-TREE|SCAN keys$/m, steps);
    });
  }

  it('of a member: their own alone', () => {
    const steps = plan(pageQuery(db, query(''), { organization: 'o7', team: 't7', own: true }, { user: 'u', grants: [] }, 1).compile());
    assert.match(steps, /keys_of_(user|team) /);
    assert.doesNotMatch(steps, /TEMP B-TREE/);
  });

  it('pages put together are the whole, each key once, in order', async () => {
    for (const text of ['team=t13&limit=300', 'organization=o3&team=t13&q=name-&limit=170', 'user=u&limit=3', 'state=revoked&limit=33']) {
      const ids: string[] = [];
      for (let after: string | null = ''; after !== null;) {
        const page = await listKeys(db, query(`${text}${after === '' ? '' : `&after=${after}`}`), OPERATOR, 1);
        ids.push(...page.keys.map(({ id }) => id));
        after = page.next;
      }
      const expected = text.includes('revoked') ? 100 : text.startsWith('user') ? 10 : 1000;
      assert.deepEqual([ids.length, new Set(ids).size], [expected, expected], text);
      assert.deepEqual(ids, text.includes('q=') ? ids.toSorted() : ids.toSorted().reverse());
    }
  });

  it('of two teams at once: merged, and still one page', async () => {
    const identity: Identity = {
      user: null,
      grants: [
        { role: 'team_admin', organization: 'o1', team: 't11' },
        { role: 'viewer', organization: 'o2', team: 't12' },
      ],
    };
    const { keys, next } = await listKeys(db, query('limit=10'), identity, 1);
    assert.deepEqual([keys.length, next], [10, keys.at(-1)?.id]);
    assert.deepEqual(new Set(keys.map(({ team }) => team)), new Set(['t11', 't12']));
  });
});

describe('one of very many keys', () => {
  it('is found by its digest with one look into an index', async () => {
    const steps = plan(db.selectFrom('keys').selectAll().where('digest', '=', 'x').where('state', '=', 'active').compile());
    assert.match(steps, /^SEARCH keys USING INDEX sqlite_autoindex_keys_2 \(digest=\?\)$/);
    assert.equal((await findByDigest(db, (5).toString(16).padStart(64, '0') as KeyDigest))?.id, 'key_000005');
  });

  it('work on those of a team reads a page at a time', async () => {
    const page = await keysOf(db, { kind: 'team', target: 't13' }, '');
    const rest = await keysOf(db, { kind: 'team', target: 't13' }, page.at(-1)?.id ?? '');
    assert.deepEqual([page.length, rest.length, page[0]?.id, rest[0]?.id], [200, 200, 'key_000013', 'key_020013']);
  });

  it('what is to be finished is found without looking at the others', () => {
    assert.match(plan(unconfirmed(db).compile()), /^SCAN keys USING INDEX keys_unconfirmed$/);
    assert.match(plan(pastGrace(db, 1).compile()), /^SEARCH keys USING INDEX keys_in_grace /);
  });
});
