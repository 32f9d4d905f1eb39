import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { CredentialId, RequestId } from '../core/ids.ts';
import type { JournalRecord } from '../ipc/messages/ledger.ts';
import { Journal, type JournalEntry } from './journal.ts';
import { temporaryFolder } from './testing/vault.ts';

const start = (n: number): JournalEntry => ({
  k: 'start',
  requestId: `req_${n}` as RequestId,
  attempt: 1,
  credential: 'openai' as CredentialId,
  organization: 'org_A',
  key: 'key_1',
  at: 1,
});
const end = (n: number): JournalEntry => ({
  k: 'end',
  requestId: `req_${n}` as RequestId,
  attempt: 1,
  status: 200,
  bytesIn: 1,
  bytesOut: 2,
  outcome: 'complete',
  at: 2,
});

const recordsOf = (journal: Journal): JournalRecord[] => journal.unacknowledged().map((json) => JSON.parse(json) as JournalRecord);

/** Everything a ledger would get, acknowledged batch by batch. */
function drain(journal: Journal): string[] {
  const seen: string[] = [];
  for (let records = recordsOf(journal); records.length > 0; records = recordsOf(journal)) {
    seen.push(...records.map(({ offset, k, requestId }) => `${offset}:${k}:${requestId}`));
    journal.acknowledge(records.at(-1)?.offset ?? 0);
  }
  return seen;
}

describe('journal', () => {
  const folders: string[] = [];
  const folder = (): string => {
    folders.push(temporaryFolder());
    return folders.at(-1) as string;
  };
  after(() => folders.forEach((each) => fs.rmSync(each, { recursive: true })));

  it('a start is in the file when it resolves, and starts of one turn share a write', async () => {
    const at = folder();
    const journal = new Journal(at, 'g1');
    await Promise.all([1, 2, 3].map((n) => journal.start(start(n))));
    const [segment] = fs.readdirSync(at).filter((name) => name.endsWith('.log'));
    assert.equal(fs.readFileSync(path.join(at, segment as string), 'utf8').split('\n').length, 4);
    journal.end(end(2));
    await journal.start(start(4));
    assert.deepEqual(drain(journal), ['1:start:req_1', '2:start:req_2', '3:start:req_3', '4:end:req_2', '5:start:req_4']);
    assert.deepEqual(journal.unacknowledged(), []);
    journal.close();
  });

  it('gives what was not acknowledged again, after a restart too, with rising offsets', async () => {
    const at = folder();
    const first = new Journal(at, 'g1');
    await first.start(start(1));
    assert.equal(first.unacknowledged().length, 1);
    assert.equal(first.unacknowledged().length, 1, 'given again until acknowledged');
    first.acknowledge(1);
    await first.start(start(2));
    first.close();
    const second = new Journal(at, 'g2');
    await second.start(start(3));
    const records = recordsOf(second);
    assert.deepEqual(
      records.map(({ offset, generation }) => [offset, generation]),
      [[2, 'g1']],
    );
    second.acknowledge(2);
    assert.deepEqual(
      recordsOf(second).map(({ generation }) => generation),
      ['g2'],
    );
    assert.ok((recordsOf(second)[0]?.offset ?? 0) > 2);
    second.close();
  });

  it('skips a torn tail after kill -9, at every byte of the last line', async () => {
    const at = folder();
    const journal = new Journal(at, 'g1');
    await journal.start(start(1));
    await journal.start(start(2));
    journal.close();
    const file = path.join(at, fs.readdirSync(at).find((name) => name.endsWith('.log')) as string);
    const whole = fs.readFileSync(file);
    const last = whole.lastIndexOf('\n', whole.length - 2) + 1;
    for (let length = last; length < whole.length; length += 9) {
      const torn = folder();
      fs.writeFileSync(path.join(torn, path.basename(file)), whole.subarray(0, length));
      const next = new Journal(torn, 'g2');
      await next.start(start(9));
      assert.deepEqual(
        drain(next).map((line) => line.split(':')[2]),
        ['req_1', 'req_9'],
        `cut at ${length}`,
      );
      next.close();
    }
  });

  it('a changed byte in a line is never taken for a record', async () => {
    const at = folder();
    const journal = new Journal(at, 'g1');
    await journal.start(start(1));
    journal.close();
    const file = path.join(at, fs.readdirSync(at).find((name) => name.endsWith('.log')) as string);
    const bytes = fs.readFileSync(file);
    bytes[40] = (bytes[40] as number) ^ 1;
    fs.writeFileSync(file, bytes);
    assert.deepEqual(drain(new Journal(at, 'g2')), []);
  });

  it('rotates at 4 MiB, and a segment dies once the ledger has all of it', async () => {
    const at = folder();
    const journal = new Journal(at, 'g1');
    const segments = (): number => fs.readdirSync(at).filter((name) => name.endsWith('.log')).length;
    const count = 28_000;
    for (let n = 0; n < count; n += 1000) await Promise.all(Array.from({ length: 1000 }, (_, i) => journal.start(start(n + i))));
    assert.equal(segments(), 2);
    assert.equal(drain(journal).length, count);
    assert.equal(segments(), 1);
    journal.close();
    const next = new Journal(at, 'g2');
    await next.start(start(count));
    assert.deepEqual(drain(next), [`${count + 1}:start:req_${count}`]);
    next.close();
  });

  it('a disk that does not take the bytes: starts are refused until it does, and ends wait', async (t) => {
    const at = folder();
    const journal = new Journal(at, 'g1');
    await journal.start(start(1));
    type Done = (error: NodeJS.ErrnoException | null) => void;
    const sync = t.mock.method(fs, 'fdatasync', (_fd: number, done: Done) => done(Object.assign(new Error('I/O error'), { code: 'EIO' })));
    journal.tick();
    await assert.rejects(journal.start(start(2)), { code: 'journal_failed' });
    journal.end(end(1));
    journal.tick();
    await assert.rejects(journal.start(start(3)), { code: 'journal_failed' });
    sync.mock.mockImplementation((_fd: number, done: Done) => done(null));
    journal.tick();
    await journal.start(start(4));
    sync.mock.restore();
    assert.deepEqual(drain(journal), ['1:start:req_1', '2:end:req_1', '3:start:req_4']);
    journal.close();
  });

  it('disk full: the start is refused with journal_failed, and later records are whole', async () => {
    const at = folder();
    const program = `
      import { Journal } from ${JSON.stringify(fileURLToPath(new URL('./journal.ts', import.meta.url)))};
      const journal = new Journal(${JSON.stringify(at)}, 'g1');
      const entry = (n) => ({ k: 'start', requestId: 'req_' + n, attempt: 1, credential: 'c', organization: 'o', key: 'k', at: 1 });
      let refused = 0, written = 0;
      for (let n = 0; n < 100; n++) await journal.start(entry(n)).then(() => written++, (error) => { if (error.code === 'journal_failed') refused++; });
      process.stdout.write(JSON.stringify({ refused, written }));
      process.exit(0);`;
    // A file-size limit is the disk that is full: a short write, then an error.
    const child = spawn('sh', ['-c', `trap '' XFSZ; ulimit -f 16; exec "$0" --input-type=module -e "$1"`, process.execPath, program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    await new Promise((resolve) => child.once('close', resolve));
    const { refused, written } = JSON.parse(output) as { refused: number; written: number };
    assert.ok(refused > 0 && written > 0 && refused + written === 100, output);
    assert.equal(drain(new Journal(at, 'g2')).length, written);
  });
});
