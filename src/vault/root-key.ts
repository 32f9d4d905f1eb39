import { argon2Sync, createSecretKey, hkdfSync, randomBytes, type KeyObject } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import type { RootKeySource } from '../core/process.ts';
import { writeAtomically } from '../core/durable-file.ts';

const KEY_BYTES = 32;
const MIN_PASSPHRASE_BYTES = 12;
const MAX_PASSPHRASE_BYTES = 1024;

/** The key under which everything in the vault's folder is sealed. The root key itself is overwritten. Throws in words. */
export function readRootKey(source: RootKeySource, folder: string): KeyObject {
  const root = source.kind === 'passphrase' ? fromPassphrase(source.fd, folder) : read(source.kind === 'fd' ? source.fd : keyFile(folder));
  if (root.length !== KEY_BYTES) throw new Error(`the root key does not have ${KEY_BYTES} bytes`);
  const derived = Buffer.from(hkdfSync('sha256', root, '', 'bulkhead/vault/seal/v1', KEY_BYTES));
  root.fill(0);
  const key = createSecretKey(derived);
  derived.fill(0);
  return key;
}

/** The descriptor of the folder's own key file, which the first start makes. */
function keyFile(folder: string): number {
  const file = path.join(folder, 'root.key');
  if (!fs.existsSync(file)) {
    if (fs.existsSync(path.join(folder, 'store.json'))) throw new Error(`${file} is missing, and the store cannot be opened without it`);
    writeAtomically(file, randomBytes(KEY_BYTES), 0o400);
  }
  if ((fs.statSync(file).mode & 0o077) !== 0) throw new Error(`${file} can be read by others; make its mode 0400`);
  return fs.openSync(file, 'r');
}

/** Everything behind a descriptor, at most one byte more than may be there. Leaves no other copy. */
function read(fd: number, max = KEY_BYTES): Buffer {
  const bytes = Buffer.allocUnsafeSlow(max + 1);
  let length = 0;
  for (let count = -1; count !== 0 && length < bytes.length; length += count)
    count = fs.readSync(fd, bytes, length, bytes.length - length, null);
  fs.closeSync(fd);
  return bytes.subarray(0, length);
}

/** argon2id (RFC 9106): 64 MiB, three passes, a salt of this folder. */
function fromPassphrase(fd: number, folder: string): Buffer {
  const text = read(fd, MAX_PASSPHRASE_BYTES);
  const message = text.subarray(0, text.at(-1) === 0x0a ? -1 : text.length);
  if (message.length < MIN_PASSPHRASE_BYTES || text.length > MAX_PASSPHRASE_BYTES)
    throw new Error(`a passphrase has ${MIN_PASSPHRASE_BYTES} to ${MAX_PASSPHRASE_BYTES} bytes`);
  const file = path.join(folder, 'root.salt');
  if (!fs.existsSync(file)) writeAtomically(file, randomBytes(16));
  const cost = { parallelism: 1, tagLength: KEY_BYTES, memory: 65_536, passes: 3 };
  const root = argon2Sync('argon2id', { message, nonce: fs.readFileSync(file), ...cost });
  text.fill(0);
  return root;
}
