import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { isArchivePath, readArchive, writeArchive, type ArchiveEntry } from './archive.ts';

const entry = (path: string, text: string): ArchiveEntry => ({ path, mode: 0o600, bytes: Buffer.from(text) });
const SAMPLE = [
  entry('manifest.json', '{}'),
  entry('ledger/ledger.db', 'x'.repeat(512)),
  entry('vault-0/store/a.sealed', 'y'.repeat(1000)),
  entry('empty', ''),
];

/** The sample with bytes of its first header changed and the checksum made right again. */
function forged(change: (header: Buffer) => void): Buffer {
  const archive = Buffer.from(writeArchive(SAMPLE));
  const header = archive.subarray(0, 512);
  change(header);
  header.fill(0x20, 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return archive;
}

describe('an archive', () => {
  it('gives back what was put in', () => assert.deepEqual(readArchive(writeArchive(SAMPLE)), SAMPLE));

  it('is a tar that other tools read', (t) => {
    const listed = spawnSync('tar', ['-tf', '-'], { input: writeArchive(SAMPLE), encoding: 'utf8' });
    if (listed.error !== undefined) return t.skip('no tar on this machine');
    assert.equal(listed.stdout, SAMPLE.map(({ path }) => `${path}\n`).join(''));
  });

  for (const path of [
    '../x',
    'a/../b',
    '/etc/passwd',
    'a//b',
    './a',
    'a/.',
    'a\\b',
    'a b',
    '',
    'ü',
    `${'a/'.repeat(60)}b`,
    'x'.repeat(101),
  ]) {
    it(`refuses the path ${JSON.stringify(path.slice(0, 20))}, written or read`, () => {
      assert.equal(isArchivePath(path), false);
      assert.throws(() => writeArchive([entry(path, 'x')]), /cannot be archived/);
      if (path.length > 100) return;
      const archive = forged((header) => {
        header.fill(0, 0, 100);
        header.write(path, 0, 'utf8');
      });
      assert.throws(() => readArchive(archive), /leads elsewhere/);
    });
  }

  for (const [name, type] of [
    ['a symbolic link', '2'],
    ['a hard link', '1'],
    ['a folder', '5'],
    ['a device', '3'],
    ['an extended header', 'x'],
    ['a long name of GNU tar', 'L'],
  ] as const) {
    it(`refuses ${name}`, () => assert.throws(() => readArchive(forged((header) => header.write(type, 156))), /plain files/));
  }

  it('refuses a prefix field, which would lengthen the path', () =>
    assert.throws(() => readArchive(forged((header) => header.write('..', 345))), /plain files/));
  it('refuses a wrong checksum', () => {
    const archive = Buffer.from(writeArchive(SAMPLE));
    archive[0] = 0x7a;
    assert.throws(() => readArchive(archive), /header is not right/);
  });
  it('refuses a size that is no number', () => assert.throws(() => readArchive(forged((header) => header.write('-1', 124))), /no number/));
  it('refuses a path twice', () => assert.throws(() => readArchive(writeArchive([entry('a', '1'), entry('a', '2')])), /twice/));
  it('refuses something after its end', () =>
    assert.throws(() => readArchive(Buffer.concat([writeArchive(SAMPLE), Buffer.from('more')])), /after its end/));
  it('refuses every cut', () => {
    const archive = writeArchive(SAMPLE);
    for (let end = 0; end < archive.length; end += 64) assert.throws(() => readArchive(archive.subarray(0, end)), /damaged/);
  });
});
