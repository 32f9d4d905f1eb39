import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import { generatedDocs } from '../../tools/generate-docs.ts';
import { ERRORS } from '../../src/core/errors.ts';
import { productFiles, ROOT } from './source-tree.ts';

const markdown = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md', ...listed('docs')];

function listed(folder: string): string[] {
  return fs
    .readdirSync(path.join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.md'))
    .map((file) => path.join(folder, file));
}

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

  it('every error of the table is thrown somewhere', () => {
    const code = productFiles()
      .filter(({ path: file }) => file !== 'src/core/errors.ts')
      .map(({ text }) => text)
      .join('\n');
    assert.deepEqual(
      Object.keys(ERRORS).filter((name) => !code.includes(`'${name}'`)),
      [],
    );
  });
});
