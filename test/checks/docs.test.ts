import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import { generatedDocs } from '../../tools/generate-docs.ts';
import { ERRORS } from '../../src/core/errors.ts';
import { ATTACKS } from '../hostile/attacks.ts';
import { productFiles, ROOT } from './source-tree.ts';

const markdown = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md', ...listed('docs')];

function listed(folder: string): string[] {
  return fs
    .readdirSync(path.join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.md'))
    .map((file) => path.join(folder, file));
}

const GLOBAL_OPTIONS = ['--data', '--url', '--token-file', '--json', '--help'];

/** Command words → its options, from the generated reference. */
function commandOptions(reference: string): ReadonlyMap<string, readonly string[]> {
  const sections = reference.split(/^## /m).slice(1);
  return new Map(
    sections.map((section) => {
      const words = /^`(bulkhead(?: [a-z][a-z-]*)*)/.exec(section)?.[1]?.trim() ?? '';
      return [words, [...section.matchAll(/--[a-z-]+|(?<=`)-[a-z](?=,)/g)].map(([option]) => option)] as const;
    }),
  );
}

/** Lines of shell blocks that run the CLI, comments and pipes cut off. */
const shownCommands = (page: string): string[] =>
  [...page.matchAll(/```sh\n([\s\S]*?)```/g)]
    .flatMap((match) => (match[1] as string).split('\n'))
    .map(
      (line) =>
        line
          .replace('node bin/bulkhead.js', 'bulkhead')
          .split(/ [#|<>] ?| </)[0]
          ?.trim() ?? '',
    )
    .filter((line) => line.startsWith('bulkhead '));

function isKnown(line: string, options: ReadonlyMap<string, readonly string[]>): boolean {
  // What stands behind `--` is another program's.
  const words = line.replace(/ -- .*/, '').split(' ');
  const command = [3, 2].map((count) => words.slice(0, count).join(' ')).find((name) => options.has(name));
  if (command === undefined) return false;
  const known = [...(options.get(command) ?? []), ...GLOBAL_OPTIONS];
  return words.filter((word) => word.startsWith('-')).every((option) => known.includes(option.split('=')[0] as string));
}

/** The row of a layout in the table of attacks: of how many ways. */
const thefts = (layout: string): RegExp => new RegExp(`^\\| \`?${layout}\`? \\| \\d+ of (\\d+) \\|`, 'm');

const read = (file: string): string => fs.readFileSync(path.join(ROOT, file), 'utf8');

describe('docs', async () => {
  for (const [file, text] of await generatedDocs()) {
    it(`${file} says what the code says (npm run generate)`, () => assert.equal(read(file), text));
  }

  it('every link to a file leads somewhere', () => {
    const broken = markdown.flatMap((file) =>
      [...read(file).matchAll(/\]\((?!https?:|#)([^)#\s]+)[^)]*\)/g)]
        .map((match) => path.join(path.dirname(file), match[1] as string))
        .filter((target) => !fs.existsSync(path.join(ROOT, target)))
        .map((target) => `${file} → ${target}`),
    );
    assert.deepEqual(broken, []);
  });

  it('every bulkhead command that a page shows exists, with its options', () => {
    const options = commandOptions(read('docs/reference/cli.md'));
    const wrong = markdown.flatMap((file) =>
      shownCommands(read(file))
        .filter((line) => !isKnown(line, options))
        .map((line) => `${file}: ${line}`),
    );
    assert.deepEqual(wrong, []);
    assert.equal(isKnown('bulkhead key create --nonsense', options), false);
    assert.equal(isKnown('bulkhead nonsense', options), false);
  });

  it('the attack program is told with as many ways as it has', () => {
    const page = read('docs/security.md');
    const told = [/tries (\d+) ways/, ...['uids', 'rootless', 'landlock', 'control: `none`', 'control: one process'].map(thefts)];
    assert.deepEqual(
      told.map((pattern) => Number(pattern.exec(page)?.[1])),
      told.map(() => ATTACKS.length),
    );
  });

  it('every error of the table is thrown somewhere', () => {
    const code = productFiles()
      .filter(({ path: file }) => file !== 'src/core/error-table.ts')
      .map(({ text }) => text)
      .join('\n');
    assert.deepEqual(
      Object.keys(ERRORS).filter((name) => !code.includes(`'${name}'`)),
      [],
    );
  });
});
