import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';

const FILE = 'log-signing.key';

/** The log-signing key: Ed25519, made at the first start, readable by the auditor only. */
export function openSigningKey(folder: string): { readonly privateKey: KeyObject; readonly publicKey: string } {
  const file = path.join(folder, FILE);
  if (!fs.existsSync(file)) createKeyFile(file);
  const privateKey = createPrivateKey(fs.readFileSync(file));
  return { privateKey, publicKey: rawPublicKey(privateKey) };
}

/** Ed25519 over `bulkhead/<kind>/v1\n` + text, base64. */
export const signRecord = (privateKey: KeyObject, kind: 'gap', text: string): string =>
  sign(null, Buffer.from(`bulkhead/${kind}/v1\n${text}`), privateKey).toString('base64');

/** Written beside its place and moved there, so that a crash leaves no half a key. */
function createKeyFile(file: string): void {
  const { privateKey } = generateKeyPairSync('ed25519');
  const fresh = `${file}.new`;
  fs.rmSync(fresh, { force: true });
  fs.writeFileSync(fresh, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o400, flag: 'wx', flush: true });
  fs.renameSync(fresh, file);
}

function rawPublicKey(privateKey: KeyObject): string {
  const jwk = createPublicKey(privateKey).export({ format: 'jwk' });
  return Buffer.from(jwk.x ?? '', 'base64url').toString('base64');
}
