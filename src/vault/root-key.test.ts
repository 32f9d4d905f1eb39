import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, describe, it } from 'node:test';
import { readRootKey } from './root-key.ts';
import { temporaryFolder } from './testing/vault.ts';
import { keyCheck } from '../core/xaes.ts';

const folders: string[] = [];
function folder(): string {
  folders.push(temporaryFolder());
  return folders.at(-1) as string;
}
/** A descriptor that gives `bytes`. */
function descriptor(bytes: Buffer | string): number {
  const file = path.join(folder(), 'given');
  fs.writeFileSync(file, bytes);
  return fs.openSync(file, 'r');
}

describe('root key', () => {
  afterEach(() => folders.splice(0).forEach((each) => fs.rmSync(each, { recursive: true })));

  it('is made at the first start with mode 0400 and read again', () => {
    const at = folder();
    const check = keyCheck(readRootKey({ kind: 'file' }, at));
    assert.equal(fs.statSync(path.join(at, 'root.key')).mode & 0o777, 0o400);
    assert.equal(keyCheck(readRootKey({ kind: 'file' }, at)), check);
  });

  it('refuses a lost, torn or open file', () => {
    const at = folder();
    fs.writeFileSync(path.join(at, 'store.json'), '{}');
    assert.throws(() => readRootKey({ kind: 'file' }, at), /is missing/);
    fs.writeFileSync(path.join(at, 'root.key'), Buffer.alloc(31), { mode: 0o600 });
    assert.throws(() => readRootKey({ kind: 'file' }, at), /does not have 32 bytes/);
    fs.chmodSync(path.join(at, 'root.key'), 0o640);
    assert.throws(() => readRootKey({ kind: 'file' }, at), /read by others/);
  });

  it('comes from a descriptor, of exactly 32 bytes (40: an empty one does not start)', () => {
    readRootKey({ kind: 'fd', fd: descriptor(Buffer.alloc(32, 7)) }, folder());
    for (const size of [0, 31, 33])
      assert.throws(() => readRootKey({ kind: 'fd', fd: descriptor(Buffer.alloc(size)) }, folder()), /32 bytes/);
  });

  it('comes from a passphrase with this folder’s salt, a line end aside', () => {
    const at = folder();
    const read = (text: string, where: string): string => keyCheck(readRootKey({ kind: 'passphrase', fd: descriptor(text) }, where));
    const check = read('correct horse battery', at);
    assert.equal(read('correct horse battery\n', at), check);
    assert.notEqual(read('correct horse batterx', at), check);
    assert.notEqual(read('correct horse battery', folder()), check);
    for (const text of ['', '\n', 'short', 'x'.repeat(1025)]) assert.throws(() => read(text, at), /a passphrase has/);
  });
});
