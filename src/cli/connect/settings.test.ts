import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, describe, it } from 'node:test';
import { CliFailure } from '../failure.ts';
import type { Connection } from './connection.ts';
import { mergeEnv } from './env-settings.ts';
import { mergeJson } from './json-settings.ts';
import { changedLines, planFile, writeFiles } from './settings-files.ts';
import { mergeToml, type TomlChange } from './toml-settings.ts';

const refused =
  (why: RegExp) =>
  (error: unknown): boolean =>
    error instanceof CliFailure && why.test(error.message);
const text = (...lines: readonly string[]): string => `${lines.join('\n')}\n`;

describe('merging JSON settings', () => {
  it('keeps what else is there: members, order, indentation', () => {
    const before = text(
      '{',
      '    "model": "opus",',
      '    "env": {',
      '        "A": "1",',
      '        "B": "2"',
      '    },',
      '    "hooks": []',
      '}',
    );
    assert.equal(
      mergeJson('f', before, 'env', { B: '3', C: '4' }),
      text(
        '{',
        '    "model": "opus",',
        '    "env": {',
        '        "A": "1",',
        '        "B": "3",',
        '        "C": "4"',
        '    },',
        '    "hooks": []',
        '}',
      ),
    );
  });

  it('makes a file where there is none, or an empty one', () => {
    for (const before of [undefined, '', ' \n'])
      assert.equal(mergeJson('f', before, 'env', { A: '1' }), '{\n  "env": {\n    "A": "1"\n  }\n}\n');
  });

  it('changes nothing the second time', () => {
    const once = mergeJson('f', undefined, 'env', { A: '1' });
    assert.equal(mergeJson('f', once, 'env', { A: '1' }), once);
  });

  for (const [what, before, why] of [
    ['a comment', '{ // mine\n}', /not plain JSON/],
    ['a list', '[]', /not a JSON object/],
    ['a member of another type', '{"env": ["x"]}', /not an object/],
  ] as const) {
    it(`refuses ${what} rather than lose it`, () => assert.throws(() => mergeJson('f', before, 'env', { A: '1' }), refused(why)));
  }
});

const CHANGES: readonly TomlChange[] = [
  { table: null, values: { model: 'fast', model_provider: 'bulkhead' } },
  { table: 'model_providers.bulkhead', values: { base_url: 'http://127.0.0.1:4100/v1', wire_api: 'responses' } },
];
const merged = (before: string | undefined): string => mergeToml('f', before, CHANGES);

describe('merging TOML settings', () => {
  it('writes a new file', () => {
    const made = text(
      'model = "fast"',
      'model_provider = "bulkhead"',
      '',
      '[model_providers.bulkhead]',
      'base_url = "http://127.0.0.1:4100/v1"',
      'wire_api = "responses"',
    );
    assert.equal(merged(undefined), made);
    assert.equal(merged(made), made);
  });

  it('keeps comments, other keys, other tables and their order', () => {
    const before = text(
      '# mine',
      'model = "gpt-5.6"   # the big one',
      'approval_policy = "never"',
      '',
      '[model_providers.other]',
      'base_url = "https://x.example/v1" # not this one',
      '',
      '[mcp_servers.docs]',
      'args = ["-y", "docs"]',
    );
    assert.equal(
      merged(before),
      text(
        '# mine',
        'model = "fast" # the big one',
        'approval_policy = "never"',
        'model_provider = "bulkhead"',
        '',
        '[model_providers.other]',
        'base_url = "https://x.example/v1" # not this one',
        '',
        '[mcp_servers.docs]',
        'args = ["-y", "docs"]',
        '',
        '[model_providers.bulkhead]',
        'base_url = "http://127.0.0.1:4100/v1"',
        'wire_api = "responses"',
      ),
    );
  });

  it('changes a table that is there, however its header is written, and what stands below it stays', () => {
    const before = text('[ model_providers . "bulkhead" ] # ours', "base_url = 'old'", 'env_key = "K"', '', '[z]', 'wire_api = "chat"');
    assert.equal(
      merged(before),
      text(
        'model = "fast"',
        'model_provider = "bulkhead"',
        '',
        '[ model_providers . "bulkhead" ] # ours',
        'base_url = "http://127.0.0.1:4100/v1"',
        'env_key = "K"',
        'wire_api = "responses"',
        '',
        '[z]',
        'wire_api = "chat"',
      ),
    );
  });

  it('is not fooled by what looks like a header or key inside a string or list', () => {
    const before = text(
      'notes = """',
      '[model_providers.bulkhead]',
      'model = "no"',
      '"""',
      'list = [',
      '  "[z]", # ]',
      ']',
      "raw = '''",
      '[q]',
      "'''",
    );
    const after = merged(before);
    assert.ok(after.startsWith(before.trimEnd()), after);
    assert.ok(after.includes('\nmodel = "fast"\n'));
  });

  it('keeps Windows line ends', () => {
    const after = merged('a = 1\r\n\r\n[t]\r\nb = 2\r\n');
    assert.equal(after.replaceAll('\r\n', '').includes('\n'), false);
    assert.ok(after.includes('a = 1\r\nmodel = "fast"\r\n'));
  });

  for (const [what, before, why] of [
    ['an inline table', 'model_providers = { bulkhead = { base_url = "x" } }', /a form that/],
    ['a dotted key', 'model_providers.bulkhead.base_url = "x"', /a form that/],
    ['an inline table in its parent', '[model_providers]\nbulkhead = { base_url = "x" }', /a form that/],
    ['a value on several lines', 'model = """\nx"""', /not on one line/],
    ['a string without an end', 'a = """\nx', /does not end/],
    ['a list without an end', 'a = [1,\n', /does not end/],
  ] as const) {
    it(`refuses ${what} rather than break it`, () => assert.throws(() => merged(before), refused(why)));
  }
});

describe('merging a file of variables', () => {
  it('replaces one line or adds one', () => {
    assert.equal(mergeEnv(undefined, 'K', 'v'), 'K=v\n');
    assert.equal(mergeEnv('A=1\nexport K=old\n# K=no\n', 'K', 'v'), 'A=1\nK=v\n# K=no\n');
  });
});

describe('settings files', () => {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'bulkhead-connect-'));
  after(() => fs.rmSync(root, { recursive: true, force: true }));
  const connection: Connection = { gateway: 'http://127.0.0.1:4100', model: 'm', smallModel: 'm', key: 'k' };
  const put = (file: string, content: string) => planFile({ path: file, edit: () => content });

  it('are written whole, for their owner alone, with what was there kept beside them', () => {
    const file = path.join(root, 'a/b/settings.json');
    const [first] = writeFiles([put(file, 'one')], connection, 0);
    assert.deepEqual(first, { path: file, backup: null });
    const [second] = writeFiles([put(file, 'two')], connection, 86_400_000);
    assert.equal(fs.readFileSync(file, 'utf8'), 'two');
    assert.equal(fs.readFileSync(second?.backup ?? '', 'utf8'), 'one');
    for (const each of [file, second?.backup ?? '']) assert.equal(fs.statSync(each).mode & 0o777, 0o600);
    assert.deepEqual(
      fs.readdirSync(path.dirname(file)).filter((name) => name.endsWith('.draft')),
      [],
    );
  });

  it('that are links stay links', () => {
    const [real, link] = [path.join(root, 'real.toml'), path.join(root, 'link.toml')];
    fs.writeFileSync(real, 'old');
    fs.symlinkSync(real, link);
    writeFiles([put(link, 'new')], connection, 0);
    assert.ok(fs.lstatSync(link).isSymbolicLink());
    assert.equal(fs.readFileSync(real, 'utf8'), 'new');
  });

  it('are all left alone when one of them cannot be merged', () => {
    const file = path.join(root, 'first');
    const broken = planFile({
      path: path.join(root, 'second'),
      edit: () => {
        throw new CliFailure({ code: 'settings_unreadable', message: 'no', remedy: 'no' });
      },
    });
    assert.throws(() => writeFiles([put(file, 'x'), broken], connection, 0), CliFailure);
    assert.equal(fs.existsSync(file), false);
  });

  it('are shown as lines that go and come', () => assert.deepEqual(changedLines('a\nb\nc\n', 'a\nB\nc\nd\n'), ['- b', '+ B', '+ d']));
});
