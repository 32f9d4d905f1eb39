import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { checkLine, firstBreak } from './chain.ts';
import { LogFile } from './log-file.ts';

let folder: string;
let file: string;
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'bh-log-'));
  file = path.join(folder, 'control.log');
});
afterEach(() => fs.rmSync(folder, { recursive: true }));

const linesOf = (at: string): string[] => fs.readFileSync(at, 'utf8').split('\n').slice(0, -1);

describe('log file', () => {
  it('gives each record its place, in order, also when they share a sync', async () => {
    const { log } = await LogFile.open(file);
    const receipts = await Promise.all(Array.from({ length: 50 }, (_, i) => log.append({ kind: 'act', i })));
    assert.deepEqual(
      receipts.map(({ sequence }) => sequence),
      Array.from({ length: 50 }, (_, i) => i + 1),
    );
    const lines = linesOf(file);
    assert.equal(firstBreak(lines), undefined);
    assert.equal(checkLine(lines[49] as string)?.hash, receipts[49]?.hash);
    await log.close();
  });

  it('goes on with the chain after a restart', async () => {
    const first = await LogFile.open(file);
    await first.log.append({ a: 1 });
    await first.log.close();
    const second = await LogFile.open(file);
    assert.equal(second.repair, undefined);
    assert.equal((await second.log.append({ a: 2 })).sequence, 2);
    assert.equal(firstBreak(linesOf(file)), undefined);
    await second.log.close();
  });

  it('cuts a torn end off, keeps it beside the log and says what it cut', async () => {
    const first = await LogFile.open(file);
    await first.log.append({ a: 1 });
    await first.log.close();
    fs.appendFileSync(file, '{"sequence":2,"prev');
    const { log, repair } = await LogFile.open(file);
    assert.equal(repair?.bytes, 19);
    assert.equal(fs.readFileSync(`${file}.torn-1`, 'utf8'), '{"sequence":2,"prev');
    assert.equal((await log.append({ a: 2 })).sequence, 2);
    assert.equal(firstBreak(linesOf(file)), undefined);
    await log.close();
  });

  it('tail gives the newest lines, oldest first', async () => {
    const { log } = await LogFile.open(file);
    for (let i = 1; i <= 5; i++) await log.append({ i });
    assert.deepEqual(
      (await log.tail(2)).map((line) => checkLine(line)?.sequence),
      [4, 5],
    );
    await log.close();
  });

  it('refuses a record that is too large and stays usable', async () => {
    const { log } = await LogFile.open(file);
    await assert.rejects(log.append({ text: 'x'.repeat(70_000) }), /too large/);
    assert.equal((await log.append({ a: 1 })).sequence, 1);
    await log.close();
  });

  it('a copy holds what was durable', async () => {
    const { log } = await LogFile.open(file);
    await log.append({ a: 1 });
    const bytes = await log.copyTo(path.join(folder, 'copy.log'));
    assert.equal(fs.statSync(path.join(folder, 'copy.log')).size, bytes);
    assert.equal(firstBreak(linesOf(path.join(folder, 'copy.log'))), undefined);
    await log.close();
  });
});
