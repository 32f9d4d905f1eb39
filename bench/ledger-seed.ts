/** A ledger as a large company has it after a year, the same in every run: written by the product's own writer, in large transactions. */
import path from 'node:path';
import type { UsageEvent } from '../src/core/usage.ts';
import { NO_USAGE } from '../src/core/usage.ts';
import type { JournalRecord } from '../src/ipc/messages/ledger.ts';
import { WAITS } from '../src/ledger/call-row.ts';
import { Compaction, RETENTION } from '../src/ledger/retention.ts';
import { DATABASE_FILE, MIGRATIONS } from '../src/ledger/schema.ts';
import { Sealer } from '../src/ledger/sealer.ts';
import { DAY_MS } from '../src/ledger/sums.ts';
import { Writer } from '../src/ledger/writer.ts';
import { openWritable } from '../src/store/sqlite/open.ts';

export interface SeedOptions {
  readonly folder: string;
  readonly rows: number;
  readonly days: number;
  /** Unix milliseconds: the end of the last day. */
  readonly to: number;
}

export const SHAPE = { organizations: 50, teams: 500, keys: 20_000, models: 60, providers: 8, endUsers: 10_000, tags: 40 } as const;
const PER_COMMIT = 20_000;
const ENCODING = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const OUTCOMES = ['upstream_error', 'cancelled', 'timeout'] as const;

/** Numbers in [0, 1) that are the same in every run (mulberry32). */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

function text32(value: number, length: number): string {
  let [rest, text] = [value, ''];
  for (let i = 0; i < length; i++) {
    text = ENCODING[rest % 32] + text;
    rest = Math.floor(rest / 32);
  }
  return text;
}

/** The call number `i`: a few keys make most calls, each uses three models, most calls end well, nights are quiet. */
function eventOf(i: number, random: () => number, { rows, days, to }: SeedOptions): UsageEvent {
  const share = ((i + random()) * days) / rows;
  const [day, hour] = [Math.floor(share), share % 1];
  const startedAt = Math.floor(to - (days - day) * DAY_MS + DAY_MS * (hour - 0.12 * Math.sin(2 * Math.PI * hour)));
  const key = Math.floor(SHAPE.keys * random() ** 2.5);
  const team = key % SHAPE.teams;
  const choice = random();
  const model = (key * 7 + (choice < 0.7 ? 0 : choice < 0.9 ? 1 : 2) * 13) % SHAPE.models;
  const provider = model % SHAPE.providers;
  const luck = random();
  const labelled = key % 5 === 0;
  return {
    v: 1,
    requestId: `req_${text32(startedAt, 10)}${text32(i, 16)}`,
    attempt: 1,
    proof: 'key',
    key: `key_${text32(key, 16)}`,
    organization: `org_${team % SHAPE.organizations}`,
    team: `team_${team}`,
    project: `project_${team}_${key % 2}`,
    ...(key % 3 === 0 && { user: `user_${key % 6_000}` }),
    ...(labelled && { endUser: `end_user_${(key * 31 + Math.floor(random() * 4)) % SHAPE.endUsers}` }),
    ...(key % 4 === 0 && { tags: [`tag_${key % SHAPE.tags}`, ...(random() < 0.1 ? ['urgent'] : [])] }),
    credential: `provider_${provider}_${team % 2}`,
    provider: `provider_${provider}`,
    alias: `alias_${model % 40}`,
    model: model === 0 ? 'gpt-4o' : `model_${model}`,
    priceList: 'openai',
    endpoint: '/v1/chat/completions',
    stream: i % 2 === 0,
    status: 200,
    outcome: luck < 0.96 ? 'ok' : OUTCOMES[i % OUTCOMES.length],
    usage: { ...NO_USAGE, input: 200 + Math.floor(random() * 4_000), output: 20 + Math.floor(random() * 800) },
    estimated: false,
    startedAt,
    latencyMs: 300 + Math.floor(random() * 4_000),
    firstByteMs: 100 + Math.floor(random() * 400),
    bytesIn: 900,
    bytesOut: 4_000,
  } as unknown as UsageEvent;
}

/** The vault's word on the same calls. */
function recordsOf(events: readonly UsageEvent[], offset: number): JournalRecord[] {
  return events.flatMap(({ requestId, startedAt: at, credential, organization, key, outcome }, i): JournalRecord[] => {
    const head = { generation: 'v', requestId, attempt: 1, at };
    const ended = { status: 200, bytesIn: 900, bytesOut: 4_000, outcome: outcome === 'ok' ? 'complete' : 'aborted' } as const;
    return [
      { k: 'start', offset: offset + 2 * i, ...head, credential, organization, key } as JournalRecord,
      { k: 'end', offset: offset + 2 * i + 1, ...head, ...ended } as JournalRecord,
    ];
  });
}

/** `tell`: rows so far. */
export function seedLedger(options: SeedOptions, tell: (rows: number) => void): void {
  const db = openWritable(path.join(options.folder, DATABASE_FILE), { synchronous: 'normal', migrations: MIGRATIONS });
  // A scratch file: a crash of the machine costs another run.
  db.exec('PRAGMA synchronous = OFF; PRAGMA cache_size = -500000');
  const writer = new Writer(db, WAITS, options.to);
  const random = numbers(1);
  for (let from = 0; from < options.rows; from += PER_COMMIT) {
    const events = Array.from({ length: Math.min(PER_COMMIT, options.rows - from) }, (_, i) => eventOf(from + i, random, options));
    const journal = {
      shard: 0,
      generation: 'v',
      records: recordsOf(events, 2 * from),
      reservations: new Map(),
      orphans: new Set<string>(),
    };
    const charged = events.map(() => '0');
    writer.apply(
      [
        { kind: 'usage', events, charged },
        { kind: 'journal', ...journal },
      ],
      options.to,
    );
    tell(from + events.length);
  }
  db.close();
}

/** Packs what is over, as the writer's upkeep does in its spare time; gives how many steps that took. */
export function sealLedger({ folder, to }: SeedOptions): number {
  const db = openWritable(path.join(folder, DATABASE_FILE), { synchronous: 'normal', migrations: MIGRATIONS });
  const sealer = new Sealer(db, to);
  let steps = 0;
  while (sealer.step(to)) steps++;
  const compaction = new Compaction(db, RETENTION);
  while (compaction.step(to) > 0);
  db.close();
  return steps;
}
