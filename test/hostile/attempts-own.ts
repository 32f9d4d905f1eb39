import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import path from 'node:path';
import v8 from 'node:v8';
import { holdsKey, type Attempt, type Gain, type World } from './world.ts';

/** Ways inside the own process, and against files. */

const found = (world: World, bytes: Uint8Array | string): Gain => (holdsKey(world, bytes) ? 'key' : 'nothing');

async function heap(world: World): Promise<Gain> {
  const chunks: Buffer[] = [];
  for await (const chunk of v8.getHeapSnapshot() as AsyncIterable<Buffer>) chunks.push(chunk);
  return found(world, Buffer.concat(chunks));
}

/** Everything written to any socket while a legitimate call is under way. */
async function patchedWrites(world: World): Promise<Gain> {
  const seen: string[] = [];
  const prototype = net.Socket.prototype as unknown as { write: (...args: unknown[]) => boolean };
  const original = prototype.write;
  prototype.write = function (this: unknown, ...args: unknown[]) {
    seen.push(Buffer.isBuffer(args[0]) ? args[0].toString('latin1') : String(args[0]));
    return original.apply(this, args);
  };
  try {
    await world.egress({ path: '/v1/models', method: 'GET' });
  } finally {
    prototype.write = original;
  }
  return found(world, seen.join('\n'));
}

async function patchedRequest(world: World): Promise<Gain> {
  const seen: string[] = [];
  const original = http.request;
  const patched = (...args: unknown[]): http.ClientRequest => {
    seen.push(JSON.stringify(args.map((arg) => (arg instanceof URL ? arg.href : arg))));
    return (original as (...rest: unknown[]) => http.ClientRequest)(...args);
  };
  Object.assign(http, { request: patched });
  try {
    await world.egress({ path: '/v1/models', method: 'GET' });
  } finally {
    Object.assign(http, { request: original });
  }
  return found(world, seen.join('\n'));
}

/** Opens for writing and writes nothing: the attack must not break the node that the other attempts need. */
function writable(file: string): Gain {
  fs.closeSync(fs.openSync(file, 'r+'));
  return 'power';
}

function plant(folder: string): Gain {
  const file = path.join(folder, `planted-${process.pid}`);
  fs.writeFileSync(file, '');
  fs.rmSync(file);
  return 'power';
}

const firstReadable = (files: readonly string[]): Gain => {
  let refused: unknown = new Error('no file');
  for (const file of files) {
    try {
      return fs.readFileSync(file).length > 0 ? 'key' : 'nothing';
    } catch (error) {
      refused = error;
    }
  }
  throw refused;
};

export const OWN_ATTEMPTS: readonly Attempt[] = [
  { name: 'own environment', run: (world) => found(world, JSON.stringify(process.env)) },
  { name: 'own /proc/self/environ', run: (world) => found(world, fs.readFileSync('/proc/self/environ')) },
  { name: 'own heap snapshot', run: heap },
  { name: 'patched Socket.write', run: patchedWrites },
  { name: 'patched http.request', run: patchedRequest },
  { name: 'report of the own process', run: (world) => found(world, JSON.stringify(process.report.getReport())) },
  { name: 'read the secret files', run: (world) => firstReadable(world.secretFiles) },
  { name: 'read them through /proc/self/root', run: (world) => firstReadable(world.secretFiles.map((file) => `/proc/self/root${file}`)) },
  {
    name: 'read them through a link of its own',
    run: (world) => {
      const link = path.join(world.dataDir, `link-${process.pid}`);
      fs.symlinkSync(world.secretFiles[0] as string, link);
      try {
        return firstReadable([link]);
      } finally {
        fs.rmSync(link);
      }
    },
  },
  { name: 'overwrite the secret files', run: (world) => writable(world.secretFiles[0] as string) },
  { name: 'overwrite the vault’s program', run: (world) => writable(path.join(world.codeDir, 'src/vault/serve.ts')) },
  { name: 'plant a program beside the vault’s', run: (world) => plant(path.join(world.codeDir, 'src/vault')) },
  { name: 'overwrite the runtime', run: () => plant(path.dirname(process.execPath)) },
  { name: 'poison the compile cache', run: (world) => plant(path.join(world.dataDir, 'cache')) },
  {
    name: 'read the admin token',
    run: (world) => (fs.readFileSync(path.join(world.dataDir, 'admin/token')).length > 0 ? 'power' : 'nothing'),
  },
  { name: 'change control’s database', run: (world) => writable(path.join(world.dataDir, 'control', databaseOf(world))) },
  {
    name: 'change the audit log',
    run: (world) => writable(path.join(world.dataDir, 'auditor', fs.readdirSync(path.join(world.dataDir, 'auditor'))[0] as string)),
  },
  { name: 'write beside the data folder', run: (world) => plant(path.dirname(world.dataDir)) },
];

const databaseOf = (world: World): string => fs.readdirSync(path.join(world.dataDir, 'control'))[0] as string;
