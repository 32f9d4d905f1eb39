import fs from 'node:fs';
import path from 'node:path';
import zlib from 'node:zlib';
import { holdsKey, type Attempt, type Gain, type World } from './world.ts';

/** Ways to what is kept for another tenant: the key that seals it, the ledger that stores it, the files that it lies in. */

const found = (world: World, bytes: Uint8Array | string): Gain => (holdsKey(world, bytes) ? 'key' : 'nothing');

/** A key that was given is a gain by itself; whether it opens the victim's response is told too. */
const withKey =
  (proof: 'edited row' | 'other key') =>
  async ({ tenants }: World): Promise<Gain> =>
    (await tenants.tenantKey(proof)).length > 0 ? 'power' : 'nothing';

async function storedAsItIs(world: World): Promise<Gain> {
  const sealed = await world.tenants.stored();
  return found(world, Buffer.concat([sealed, inflated(sealed)]));
}

/** What is deflated and not sealed would come out at one of the first bytes. */
function inflated(bytes: Buffer): Buffer {
  const options = { maxOutputLength: 1_000_000, finishFlush: zlib.constants.Z_SYNC_FLUSH };
  for (let from = 0; from < Math.min(bytes.length, 64); from++) {
    try {
      return zlib.inflateRawSync(bytes.subarray(from), options);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    }
  }
  return Buffer.alloc(0);
}

async function withOwnKey(world: World): Promise<Gain> {
  const { tenants } = world;
  return found(world, tenants.open(await tenants.stored(), await tenants.tenantKey('own')));
}

function ledgerFiles(world: World): Gain {
  const folder = path.join(world.dataDir, 'ledger');
  const files = fs.readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const bytes = files.map((entry) => fs.readFileSync(path.join(entry.parentPath, entry.name)));
  return bytes.some((one) => holdsKey(world, one)) ? 'key' : bytes.length > 0 ? 'power' : 'nothing';
}

export const TENANT_ATTEMPTS: readonly Attempt[] = [
  { name: 'tenant key of another, with an edited row', run: withKey('edited row') },
  { name: 'tenant key with a key that is not the row’s', run: withKey('other key') },
  { name: 'stored response of another, as it is kept', run: storedAsItIs },
  { name: 'stored response of another, with the own key', run: withOwnKey },
  { name: 'read the ledger’s files', run: ledgerFiles },
];
