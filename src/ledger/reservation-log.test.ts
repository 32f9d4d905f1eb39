import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { setImmediate as turn, setTimeout as wait } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import type { Reservation } from '../admission/admission.ts';
import type { RequestId } from '../core/ids.ts';
import { ReservationLog, type ReservationLogOptions } from './reservation-log.ts';
import { reserveOf } from './testing/admission.ts';
import { someId } from './testing/events.ts';

let folder: string;
let file: string;
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'bh-reservations-'));
  file = path.join(folder, 'reservations.log');
});
afterEach(() => fs.rmSync(folder, { recursive: true }));

const never = (reason: string): never => assert.fail(reason);
const open = (more: Partial<ReservationLogOptions> = {}): ReturnType<typeof ReservationLog.open> =>
  ReservationLog.open({ folder, onFailure: never, onRecovery: () => undefined, ...more });
const record = (requestId: RequestId = someId()): Reservation => ({
  ...reserveOf(requestId),
  owner: 'gateway-0/g',
  at: 1_790_000_000_000,
  hard: true,
});
const grant = (log: ReservationLog, requestId: RequestId): Promise<boolean> =>
  new Promise((resolve) => log.grant(record(requestId), resolve));
/** What a process that starts now would find, as if the one before had been killed. */
function found(): string[] {
  const {
    log,
    found: { reservations },
  } = open();
  log.close();
  return reservations.map(({ requestId }) => requestId);
}

describe('log of reservations', () => {
  it('has a grant in the file when it says so, in one write with its neighbours, and not after its end', async () => {
    let writes = 0;
    const { log } = open({ write: (fd, bytes, offset) => (writes++, fs.writeSync(fd, bytes, offset)) });
    const [a, b, c] = [someId(), someId(), someId()];
    let told = 0;
    const granted = [a, b, c].map((id) => grant(log, id).then((isWritten) => (told++, isWritten)));
    assert.deepEqual([told, fs.readFileSync(file, 'utf8')], [0, '']);
    assert.deepEqual(await Promise.all(granted), [true, true, true]);
    assert.equal(writes, 1);
    assert.deepEqual(found(), [a, b, c]);
    log.end(b);
    await turn();
    assert.deepEqual([found(), log.has(b), log.has(a)], [[a, c], false, true]);
    log.close();
  });

  it('keeps everything of a reservation that its successor needs', async () => {
    const { log } = open();
    const whole = { ...record(), tags: ['nightly'], endUser: 'someone ü', rules: { limits: [] }, project: 'project_a' };
    await new Promise((resolve) => log.grant(whole, resolve));
    log.close();
    assert.deepEqual(open().found, { reservations: [whole], damaged: 0 });
  });

  it('reads lines of one record, as earlier builds wrote them', () => {
    const [a, b] = [record(), record()];
    const line = (json: string): string => `${crc32(json).toString(16).padStart(8, '0')} ${json}\n`;
    fs.writeFileSync(file, [{ r: a }, { r: b }, { e: a.requestId }].map((said) => line(JSON.stringify(said))).join(''));
    assert.deepEqual(open().found, { reservations: [b], damaged: 0 });
  });

  it('finds after a crash at any byte exactly what was whole by then', async () => {
    const { log } = open();
    const ids = Array.from({ length: 6 }, () => someId());
    for (const id of ids) await grant(log, id);
    log.end(ids[1] as string);
    log.end(ids[4] as string);
    await turn();
    log.close();
    const content = fs.readFileSync(file);
    const lines = content.toString().split('\n').slice(0, -1);
    for (let cut = 0; cut <= content.length; cut++) {
      fs.writeFileSync(file, content.subarray(0, cut));
      const whole = content.subarray(0, cut).toString().split('\n').length - 1;
      const expected = new Set<string>();
      for (const line of lines.slice(0, whole)) {
        for (const said of JSON.parse(line.slice(9)) as { r?: Reservation; e?: string }[]) {
          if (said.r !== undefined) expected.add(said.r.requestId);
          else expected.delete(said.e ?? '');
        }
      }
      assert.deepEqual(found(), [...expected], `cut at byte ${cut}`);
      // The torn line is gone, so that what is written next stands on a line of its own.
      const { log: next } = open();
      const more = someId();
      await grant(next, more);
      next.close();
      assert.deepEqual(found(), [...expected, more], `after a cut at byte ${cut}`);
    }
  });

  it('passes over a damaged line in the middle, says so, and loses nothing else', async () => {
    const { log } = open();
    const ids = [someId(), someId(), someId()];
    for (const id of ids) await grant(log, id);
    log.close();
    const lines = fs.readFileSync(file, 'utf8').split('\n');
    lines[1] = (lines[1] as string).replace('"maxOutputTokens":100', '"maxOutputTokens":999');
    fs.writeFileSync(file, lines.join('\n'));
    const { found: after } = open();
    assert.deepEqual([after.reservations.map(({ requestId }) => requestId), after.damaged], [[ids[0], ids[2]], 1]);
  });

  it('refuses grants while the disk does, leaves no part of one behind, and keeps ends for later', async () => {
    let room = Infinity;
    const failures: string[] = [];
    let recoveries = 0;
    const { log } = open({
      onFailure: (reason) => void failures.push(reason),
      onRecovery: () => void recoveries++,
      write: (fd, bytes, offset) => {
        if (room <= 0) throw new Error('ENOSPC: no space left on device');
        const written = fs.writeSync(fd, bytes, offset, Math.min(room, bytes.length - offset));
        room -= written;
        return written;
      },
    });
    const [a, b, c] = [someId(), someId(), someId()];
    await grant(log, a);
    room = 40;
    log.end(a);
    assert.equal(await grant(log, b), false);
    assert.deepEqual([found(), log.has(b), failures.length, recoveries], [[a], false, 1, 0]);
    assert.match(failures[0] ?? '', /no space left/);
    room = Infinity;
    for (let i = 0; i < 40 && recoveries === 0; i++) await wait(50);
    assert.deepEqual([found(), recoveries], [[], 1]);
    assert.equal(await grant(log, c), true);
    assert.deepEqual(found(), [c]);
    log.close();
  });

  it('has a grant that follows the end of the same request', async () => {
    const { log } = open();
    const id = someId();
    await grant(log, id);
    log.end(id);
    await grant(log, id);
    assert.deepEqual([found(), log.has(id)], [[id], true]);
    log.close();
  });

  it('is rewritten when it has grown, with what is live and nothing else', async () => {
    const { log } = open({ compactBytes: 4000 });
    const live = someId();
    await grant(log, live);
    for (let i = 0; i < 100; i++) {
      const id = someId();
      await grant(log, id);
      log.end(id);
      await turn();
    }
    assert.ok(fs.statSync(file).size < 6000, `${fs.statSync(file).size} bytes`);
    assert.equal(fs.statSync(file).size, log.bytes);
    assert.deepEqual(found(), [live]);
    log.close();
  });

  it('finds what was granted and not ended, whatever the history', async () => {
    const step = fc.record({ act: fc.constantFrom('grant' as const, 'end' as const, 'turn' as const, 'reopen' as const), of: fc.nat(5) });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        fs.rmSync(file, { force: true });
        const ids = Array.from({ length: 6 }, () => someId());
        const model = new Set<string>();
        let { log } = open({ compactBytes: 2000 });
        for (const { act, of } of steps) {
          const id = ids[of] as RequestId;
          if (act === 'turn') await turn();
          else if (act === 'reopen') {
            log.close();
            ({ log } = open({ compactBytes: 2000 }));
          } else if (act === 'end') {
            log.end(id);
            model.delete(id);
          } else if (!model.has(id)) {
            log.grant(record(id), () => undefined);
            model.add(id);
          }
        }
        log.close();
        assert.deepEqual(found().toSorted(), [...model].toSorted());
      }),
      { numRuns: 200 },
    );
  });
});
