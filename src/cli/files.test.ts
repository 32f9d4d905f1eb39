import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, describe, it } from 'node:test';
import { loadConfig } from '../config/load.ts';
import { configPage, pages } from '../../tools/generate-config-docs.ts';
import { logLine } from './commands/logs.ts';
import { run, type RunOptions } from './testing/cli.ts';

const root = fs.mkdtempSync(path.join(os.tmpdir(), 'bulkhead-cli-'));
after(() => fs.rmSync(root, { recursive: true, force: true }));
const cli = (args: readonly string[], options: RunOptions = {}) => run(args, { cwd: root, ...options });

describe('config check', () => {
  it('accepts a file that holds', async () => {
    fs.writeFileSync(path.join(root, 'bulkhead.yaml'), 'version: 1\n');
    assert.deepEqual(await cli(['config', 'check']), { code: 0, out: '✓ bulkhead.yaml is valid.\n', err: '' });
  });

  it('names file, line and remedy, and ends with 1', async () => {
    fs.writeFileSync(path.join(root, 'bad.yaml'), 'version: 1\nworkrs: 2\nlisten: x\n');
    const { code, out } = await cli(['config', 'check', 'bad.yaml']);
    assert.equal(code, 1);
    assert.deepEqual(out.split('\n').slice(0, 3), [
      'bad.yaml:2:1: unknown key workrs',
      '    Did you mean workers?',
      'bad.yaml:3:9: listen must be host:port, with brackets around an IPv6 address',
    ]);
    assert.match(out, /2 problems in bad\.yaml/);
    const answer = JSON.parse((await cli(['config', 'check', 'bad.yaml', '--json'])).out) as { valid: boolean; problems: unknown[] };
    assert.deepEqual([answer.valid, answer.problems.length], [false, 2]);
  });

  it('ends with 2 when there is no such file, or it is no text', async () => {
    const { code, err } = await cli(['config', 'check', 'none.yaml']);
    assert.equal(code, 2);
    assert.match(err, /none\.yaml does not exist\.[^]*bulkhead config check FILE/);
    fs.writeFileSync(path.join(root, 'binary.yaml'), Buffer.from([0xff, 0xfe]));
    assert.match((await cli(['config', 'check', 'binary.yaml'])).err, /is not UTF-8/);
  });

  it('prints the schema', async () => {
    const schema = JSON.parse((await cli(['config', 'schema'])).out) as { properties: object; additionalProperties: boolean };
    assert.equal(schema.additionalProperties, false);
    assert.ok('providers' in schema.properties);
  });
});

describe('logs', () => {
  const logs = path.join(root, 'data/logs/bulkhead.log');
  const line = (event: string, fields: object = {}): string =>
    JSON.stringify({ time: '2026-11-23T10:00:00.000Z', level: 'info', role: 'gateway', index: 1, event, ...fields });

  it('shows the last lines in words, or as they are', async () => {
    fs.mkdirSync(path.dirname(logs), { recursive: true });
    fs.writeFileSync(logs, `${line('a')}\n${line('request', { status: 200, model: 'x y' })}\nTypeError: crash\n`);
    assert.equal((await cli(['logs', '-n', '2'])).out, '10:00:00.000 gateway-1  request status=200 model="x y"\nTypeError: crash\n');
    assert.equal((await cli(['logs', '--json', '-n', '3'])).out.split('\n')[0], line('a'));
    assert.equal((await cli(['logs', '-n', 'x'])).code, 2);
  });

  it('says when there is no log', async () => assert.equal((await cli(['logs', '--data', 'elsewhere'])).code, 2));

  it('a log line cannot move the cursor of whoever reads it', () => {
    const terminal = { stdin: process.stdin, out: () => undefined, err: () => undefined, colour: false, width: 80, env: {}, cwd: '/' };
    for (const text of [
      line('x', { model: '\u001b[2J\u001b]0;owned\u0007\u202e\rdone' }),
      '\u001b[2Jowned\r\u009b2J',
      line('\u001b[31m', { '\u001b[1m': '\u2028' }),
    ]) {
      assert.doesNotMatch(logLine(terminal, text).replace(/\n$/, ''), /[\p{Cc}\p{Cf}\u2028\u2029]/u);
    }
  });
});

const reference = await pages();

describe('the reference', () => {
  for (const [name, text] of Object.entries(reference)) {
    it(`${name} is as its source says (npm run generate)`, () =>
      assert.equal(fs.readFileSync(new URL(`../../docs/reference/${name}`, import.meta.url), 'utf8'), text));
  }

  it('its example is valid', () => {
    const example = /```yaml\n([^]*?)```/.exec(configPage())?.[1] ?? '';
    assert.deepEqual(loadConfig(example, 'example.yaml').ok, true);
  });
});
