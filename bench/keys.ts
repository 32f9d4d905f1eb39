/**
 * What a million keys cost: `node bench/keys.ts [keys]`. Starts a whole node, makes some hundred keys through the admin API, and measures how
 * long the first and the second request with each of them takes; then fills the database and does the same with fresh keys again.
 *
 * The keys that are filled in are copies with digests of their own: they are there to be searched among, and none of them is ever used.
 */
import fs from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { DATABASE_FILE } from '../src/control/database.ts';
import { httpRequest, startNode, type RunningNode } from '../test/e2e/node.ts';
import { pssByProcess } from './processes.ts';

const KEYS = Number(process.argv[2] ?? 1_000_000);
const FEW = 1_000;
const USED = 300;
const CONFIG = 'workers: 1\nsandbox: true\n';

const say = (text: string): void => console.error(`[bench] ${text}`);
const at = (times: readonly number[], share: number): string => {
  const sorted = times.toSorted((a, b) => a - b);
  return `${(sorted[Math.floor(share * (sorted.length - 1))] ?? 0).toFixed(2)} ms`;
};

/** Copies of one row until there are so many, each with an id, digest and name of its own. */
function fill(dataDir: string, keys: number): number {
  const file = path.join(dataDir, 'control', DATABASE_FILE);
  const { uid, gid } = fs.statSync(file);
  const db = new DatabaseSync(file);
  const columns = db
    .prepare('PRAGMA table_info(keys)')
    .all()
    .map(({ name }) => String(name));
  const own: Readonly<Record<string, string>> = {
    id: "printf('key_%026d', n.i)",
    digest: 'lower(hex(randomblob(32)))',
    name: "'filled ' || n.i",
  };
  const values = columns.map((name) => own[name] ?? `k."${name}"`).join(', ');
  const count = (): number => Number(db.prepare('SELECT count(*) AS count FROM keys').get()?.['count']);
  db.exec('PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF; PRAGMA cache_size = -500000');
  for (let from = count(); from < keys; from += 100_000) {
    const to = Math.min(keys, from + 100_000);
    db.exec(
      `WITH RECURSIVE n(i) AS (SELECT ${from} UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ${to})
       INSERT INTO keys (${columns.map((name) => `"${name}"`).join(', ')}) SELECT ${values} FROM n CROSS JOIN (SELECT * FROM keys LIMIT 1) AS k`,
    );
    say(`${to.toLocaleString('en')} keys`);
  }
  const filled = count();
  db.close();
  // The node's control process owns its file, under an account of its own where it can.
  for (const name of fs.readdirSync(path.dirname(file)).filter((one) => one.startsWith(DATABASE_FILE)))
    fs.chownSync(path.join(path.dirname(file), name), uid, gid);
  return filled;
}

async function newKeys(node: RunningNode, prefix: string): Promise<readonly string[]> {
  const keys: string[] = [];
  for (let i = 0; i < USED; i++) keys.push(await node.newKey(`${prefix} ${i}`));
  return keys;
}

const BODY = JSON.stringify({ model: 'sandbox/echo', messages: [{ role: 'user', content: 'x' }] });

async function requests(node: RunningNode, keys: readonly string[], expected = 200): Promise<readonly number[]> {
  const times: number[] = [];
  for (const key of keys) {
    const began = performance.now();
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
    const answer = await httpRequest('POST', `${node.url}/v1/chat/completions`, headers, BODY);
    times.push(performance.now() - began);
    if (answer.status !== expected) throw new Error(`${answer.status}, not ${expected}: ${answer.body.slice(0, 300)}`);
  }
  return times;
}

/** `BULKHEAD`-like keys that nobody has. */
const strangers = (keys: readonly string[]): readonly string[] =>
  keys.map((key, i) => key.slice(0, 12) + String(i).padStart(key.length - 12, 'x'));

async function measure(node: RunningNode, name: string): Promise<void> {
  const keys = await newKeys(node, name);
  await requests(node, keys.slice(0, 20));
  const fresh = keys.slice(20);
  const [first, second] = [await requests(node, fresh), await requests(node, fresh)];
  const unknown = await requests(node, strangers(fresh), 401);
  const memory = [...pssByProcess(node.supervisor.pid as number)].map(([role, megabytes]) => `${role} ${megabytes.toFixed(0)}`).join(', ');
  console.log(`${name}:`);
  console.log(`  first request of a key    p50 ${at(first, 0.5)}  p99 ${at(first, 0.99)}`);
  console.log(`  later ones                p50 ${at(second, 0.5)}  p99 ${at(second, 0.99)}`);
  console.log(`  a key that nobody has     p50 ${at(unknown, 0.5)}  p99 ${at(unknown, 0.99)}`);
  console.log(`  PSS MB: ${memory}`);
}

async function main(): Promise<void> {
  const first = await startNode({ config: CONFIG });
  await first.newKey('copied');
  await first.stop();
  for (const keys of [FEW, KEYS]) {
    const filled = fill(first.dataDir, keys).toLocaleString('en');
    const began = performance.now();
    const node = await startNode({ config: CONFIG, dataDir: first.dataDir, readyMs: 60_000 });
    console.log(`${filled} keys: ready ${((performance.now() - began) / 1000).toFixed(2)} s after the start`);
    await measure(node, `${filled} and ${USED} that are used`);
    await node.stop();
  }
  fs.rmSync(path.dirname(first.dataDir), { recursive: true, force: true });
}

await main();
