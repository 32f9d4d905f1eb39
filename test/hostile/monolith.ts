import http from 'node:http';
import net from 'node:net';
import { text } from 'node:stream/consumers';
import { ATTACKS } from './attacks.ts';
import { runAll, type EgressAnswer, type World } from './world.ts';

/**
 * The weak control: a gateway as they are usually built. One process, the provider key in an environment variable and a
 * file, and a forwarder that trusts its caller. What the vault's own design prevents even without isolation succeeds here.
 */

const origin = process.env['UPSTREAM'] as string;
const key = process.env['PROVIDER_KEY'] as string;

function urlOf(path: string): URL {
  if (path.startsWith('http:') || path.startsWith('//')) return new URL(path, origin);
  return new URL(origin + path);
}

async function forward(method: string, url: URL, headers: readonly (readonly [string, string])[]): Promise<EgressAnswer> {
  const answer = await new Promise<http.IncomingMessage>((resolve, reject) => {
    const request = http.request(
      {
        host: url.hostname,
        port: url.port,
        path: url.pathname,
        method,
        agent: false,
        headers: { ...Object.fromEntries(headers), authorization: `Bearer ${key}` },
      },
      resolve,
    );
    request.on('error', reject).end();
  });
  const { location } = answer.headers;
  if (location !== undefined) return forward(method, new URL(location, url), headers);
  return { status: answer.statusCode ?? 0, text: JSON.stringify(answer.headers) + (await text(answer)) };
}

/** Line by line, as a home-made client would. */
function raw(method: string, path: string, headers: readonly (readonly [string, string])[]): Promise<EgressAnswer> {
  const { hostname, port } = new URL(origin);
  const lines = [
    `${method} ${path} HTTP/1.1`,
    `host: ${hostname}`,
    ...headers.map(([name, value]) => `${name}: ${value}`),
    `authorization: Bearer ${key}`,
  ];
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = net.connect(Number(port), hostname, () => socket.write(`${lines.join('\r\n')}\r\n\r\n`));
    socket.setTimeout(1000, () => socket.destroy());
    socket.on('data', (chunk: Buffer) => (answer += chunk.toString('latin1')));
    socket.on('error', reject).on('close', () => resolve({ status: 0, text: answer }));
  });
}

const egress: World['egress'] = ({ method = 'POST', path, headers = [] }) => {
  const plain = method !== 'CONNECT' && !`${path}${headers.map(([, value]) => value).join('')}`.includes('\r');
  return plain ? forward(method, urlOf(path), headers) : raw(method, path, headers);
};

/** In one process every function of it can be called. */
const everything: World['vault'] = {
  run: '/nowhere',
  ask: async (head) => ({ ...head, key }),
  askThrough: () => Promise.reject(new Error('no sockets')),
};

/** Conversations are kept as they are: what is meant to seal them is one key for all, in the same process. */
const tenants: World['tenants'] = {
  tenantKey: async () => Buffer.alloc(32, 1),
  stored: async () => Buffer.from(JSON.stringify({ input: [key] })),
  open: (sealed) => sealed.toString(),
};

const server = http.createServer((request, response) => {
  void text(request)
    .then((body) =>
      runAll(ATTACKS, {
        ...(JSON.parse(body) as Omit<World, 'egress' | 'vault' | 'vaultPid' | 'tenants'>),
        vaultPid: process.pid,
        egress,
        vault: everything,
        tenants,
      }),
    )
    .then((outcomes) => response.end(JSON.stringify(outcomes)));
});
server.listen(0, '127.0.0.1', () => console.log((server.address() as net.AddressInfo).port));
