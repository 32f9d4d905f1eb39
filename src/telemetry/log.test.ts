import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createLogger, LOG_FIELDS, type Logger, type LogFields, type LogSink } from './log.ts';

interface Captured {
  readonly log: Logger;
  readonly text: () => Promise<string>;
  readonly lines: () => Promise<Record<string, unknown>[]>;
}

function captured(): Captured {
  let written = '';
  const log = createLogger({
    role: 'gateway',
    index: 1,
    write: (lines, done) => {
      written += lines.toString();
      setImmediate(done, null);
    },
  });
  const text = async (): Promise<string> => {
    await log.flush();
    return written;
  };
  return {
    log,
    text,
    lines: async () =>
      (await text())
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line) as Record<string, unknown>),
  };
}

const script = (body: string): string =>
  `import { createLogger } from ${JSON.stringify(new URL('./log.ts', import.meta.url).href)}; const log = createLogger({ role: 'vault', index: 0 }); ${body}`;
const run = (body: string): readonly string[] => ['--input-type=module', '-e', script(body)];

describe('log', () => {
  it('writes one JSON object a line, in order, numbered', async () => {
    const { log, lines } = captured();
    log.info('request.done', { request_id: 'req_1', status: 200, stream: true, reason: null });
    log.warn('b');
    log.error('c', { cause: 'x' });
    const seen = await lines();
    assert.deepEqual(
      seen.map(({ time: _time, ...rest }) => rest),
      [
        {
          level: 'info',
          role: 'gateway',
          index: 1,
          seq: 0,
          event: 'request.done',
          request_id: 'req_1',
          status: 200,
          stream: true,
          reason: null,
        },
        { level: 'warn', role: 'gateway', index: 1, seq: 1, event: 'b' },
        { level: 'error', role: 'gateway', index: 1, seq: 2, event: 'c', cause: 'x' },
      ],
    );
    assert.match(String(seen[0]?.['time']), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  });

  it('attack 33: no value starts a line, drives a terminal or turns the text around', async () => {
    const { log, text, lines } = captured();
    const hostile = 'a\r\n{"level":"error"}\u2028\u2029\u001b[2J\u009b31m\u007f\u0000\u202egnp.exe\u2066\ufeff"\\';
    log.info(hostile, { path: hostile, model: hostile });
    const raw = await text();
    assert.equal(raw.split('\n').length, 2);
    assert.match(raw.slice(0, -1), /^[\x20-\x7e]*$/);
    assert.equal((await lines())[0]?.['path'], hostile);
  });

  it('attack 33: a lone surrogate does not break the line', async () => {
    const { log, text } = captured();
    log.info('a', { model: 'x\ud800' });
    assert.match(await text(), /"model":"x\\ud800"/);
  });

  it('drops fields that are not listed, also where the type was widened', async () => {
    const { log, lines } = captured();
    const wide = {
      status: 1,
      prompt: 'secret text',
      event: 'forged',
      level: 'forged',
      seq: 9,
      __proto__: { model: 'inherited' },
      constructor: 'x',
      reason: undefined,
    };
    log.info('a', wide as object as LogFields);
    const { time: _time, ...rest } = (await lines())[0] ?? {};
    assert.deepEqual(rest, { level: 'info', role: 'gateway', index: 1, seq: 0, event: 'a', status: 1 });
    assert.ok(
      !(LOG_FIELDS as readonly string[]).some((name) =>
        ['time', 'level', 'role', 'index', 'seq', 'event', 'prompt', 'body'].includes(name),
      ),
    );
  });

  it('prints no key, of ours or of a provider', async () => {
    const { log, text, lines } = captured();
    for (const key of [
      'bh_live_abcdefghijklmnopqrstuvwxyz012345678901',
      'bha_abcdefghijklmnopqrstuvwxyz0123456789',
      'sk-proj-abcdefghijklmnopqrst',
      'sk-ant-api03-abcdefghijklmnop',
      'Bearer abcdefghijklmnop',
    ]) {
      log.error('failed', { cause: `upstream said: ${key} is wrong` });
    }
    const raw = await text();
    assert.doesNotMatch(raw, /abcdefgh/);
    assert.equal(raw.match(/\[secret\]/g)?.length, 5);
    for (const before of ['\n', '\t', '\u001b', '\\', '"', '=', '\u2028'])
      log.error('failed', { cause: `${before}bh_live_abcdefghijklmnopqrstuvwxyz012345678901${before}` });
    log.info('kept', { reason: 'task-management-system-name' });
    assert.doesNotMatch(await text(), /abcdefgh/);
    assert.equal((await lines()).at(-1)?.['reason'], 'task-management-system-name');
  });

  it('cuts long values, and writes odd numbers as valid JSON', async () => {
    const { log, lines } = captured();
    log.info('a', { cause: 'x'.repeat(10_000), duration_ms: Number.NaN, status: Infinity });
    const [line] = await lines();
    assert.deepEqual([String(line?.['cause']).length, line?.['duration_ms'], line?.['status']], [2_001, null, null]);
  });

  it('loses lines when the reader is slow, says how many, and numbers show where', async () => {
    const held: { lines: string; done: (error: Error | null) => void }[] = [];
    const write: LogSink = (lines, done) => void held.push({ lines: lines.toString(), done });
    const log = createLogger({ role: 'gateway', index: 0, write, queueLimit: 500 });
    log.error('first');
    for (let i = 0; i < 100; i++) log.info('more');
    assert.equal(held.length, 1);
    assert.ok(log.lost > 80 && log.lost < 100);
    const lost = log.lost;
    held[0]?.done(null);
    const [gap, ...kept] = (held[1]?.lines ?? '')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    assert.deepEqual([gap?.['event'], gap?.['count'], kept.length], ['log.gap', lost, 100 - lost]);
    held[1]?.done(null);
    log.error('last');
    assert.deepEqual((held[2]?.lines ?? '').includes('log.gap'), false);
    assert.equal((JSON.parse(held[2]?.lines ?? '') as { seq: number }).seq, 101);
  });

  it('counts what a failed write lost, and says it with the next that works', async () => {
    const outcomes: (Error | null)[] = [new Error('EPIPE'), null];
    const texts: string[] = [];
    const log = createLogger({
      role: 'gateway',
      index: 0,
      write: (lines, done) => (texts.push(lines.toString()), done(outcomes.shift() ?? null)),
    });
    log.error('a');
    log.error('b');
    assert.equal(log.lost, 1);
    assert.match(texts[1] ?? '', /log\.gap","count":1[\s\S]*"event":"b"/);
  });

  it('writes what is left when the process ends, by exit or by a throw', () => {
    for (const end of ['process.exit(0)', 'throw new Error()', '']) {
      const { stdout } = spawnSync(process.execPath, run(`log.info('a'); log.error('b'); log.info('c'); ${end}`), { encoding: 'utf8' });
      const events = stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as { seq: number; event: string });
      assert.deepEqual(
        [...new Map(events.map(({ seq, event }) => [seq, event]))],
        [
          [0, 'a'],
          [1, 'b'],
          [2, 'c'],
        ],
        end,
      );
    }
  });

  it('a pipe that nobody empties stops neither the event loop nor the process', async () => {
    const body = `setInterval(() => { for (let i = 0; i < 200; i++) log.info('x', { cause: 'y'.repeat(1000) }); process.stderr.write('.'); }, 5);`;
    const child = spawn(process.execPath, run(body), { stdio: ['ignore', 'pipe', 'pipe'] });
    let ticks = 0;
    child.stderr.on('data', (bytes: Buffer) => (ticks += bytes.length));
    while (ticks < 30) await sleep(10);
    child.kill('SIGKILL');
  });

  it('a reader that is gone costs lines only', async () => {
    const body = `setInterval(() => { log.error('x'); if (log.lost > 5) { process.stderr.write('lost'); process.exit(0); } }, 5);`;
    const child = spawn(process.execPath, run(body), { stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.destroy();
    let said = '';
    child.stderr.on('data', (bytes: Buffer) => (said += bytes.toString()));
    const code = await new Promise((resolve) => child.once('close', resolve));
    assert.deepEqual([said, code], ['lost', 0]);
  });
});
