import dgram from 'node:dgram';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';

/** What lies outside the node: the provider, and the attacker's own machines. Both write down what reached them. */

export interface Arena {
  readonly upstream: string;
  readonly evil: { readonly host: string; readonly http: number; readonly tcp: number; readonly udp: number; readonly abstract: string };
  /** Words of attempts that succeeded, as seen from outside. */
  readonly marks: ReadonlySet<string>;
  /** Requests with the right key that the provider answered. */
  readonly served: () => number;
  clear(): void;
  close(): Promise<void>;
}

const listening = (server: net.Server, ...args: readonly unknown[]): Promise<number> =>
  new Promise((resolve) => {
    (server.listen as (...rest: unknown[]) => void).call(server, ...args, () => resolve((server.address() as AddressInfo).port));
  });

const lastPart = (url: string): string => url.split('?')[0]?.split('/').at(-1) ?? '';

export async function openArena(key: string): Promise<Arena> {
  const marks = new Set<string>();
  const count = { served: 0 };
  const note = (what: string): void => void marks.add(what);
  const evilHttp = http.createServer((request, response) => {
    if (request.headers.authorization?.includes(key) === true) note(lastPart(request.url ?? ''));
    response.end('{}');
  });
  const evilPort = await listening(evilHttp, 0, '127.0.0.1');
  const upstream = provider(key, `http://127.0.0.1:${evilPort}/redirected`, note, count);
  const upstreamPort = await listening(upstream, 0, '127.0.0.1');
  const hear = (socket: net.Socket): void => void socket.on('error', () => undefined).on('data', (chunk: Buffer) => note(chunk.toString()));
  const tcp = net.createServer(hear);
  const tcpPort = await listening(tcp, 0, '127.0.0.1');
  const abstract = net.createServer(hear);
  const name = `bulkhead-hostile-${process.pid}-${tcpPort}`;
  await new Promise<void>((resolve) => abstract.listen(`\0${name}`, resolve));
  const udp = dgram.createSocket('udp4', (message) => note(message.includes('dns') ? 'dns' : message.toString()));
  await new Promise<void>((resolve) => udp.bind(0, '127.0.0.1', resolve));
  return {
    upstream: `http://127.0.0.1:${upstreamPort}`,
    evil: { host: '127.0.0.1', http: evilPort, tcp: tcpPort, udp: udp.address().port, abstract: name },
    marks,
    served: () => count.served,
    clear: () => marks.clear(),
    close: async () => {
      udp.close();
      for (const server of [evilHttp, upstream]) server.closeAllConnections();
      await Promise.all([evilHttp, upstream, tcp, abstract].map((server) => new Promise((resolve) => server.close(resolve))));
    },
  };
}

/** A provider with habits that a thief would like: it redirects, and it says back what it was told. */
function provider(key: string, redirect: string, note: (mark: string) => void, count: { served: number }): http.Server {
  const server = http.createServer((request, response) => {
    const url = request.url ?? '';
    const sent = request.headers.authorization ?? '';
    const holds = sent.includes(key);
    if (holds) count.served += 1;
    if (holds && (url.startsWith('/outside/') || /\/(no-proof|edited-row|other-key|other-tenant)$/.test(url))) note(lastPart(url));
    if (holds && url.endsWith('/host-header') && request.headers.host !== `127.0.0.1:${(server.address() as AddressInfo).port}`)
      note('host-header');
    if (url === '/v1/redirect') return void response.writeHead(302, { location: redirect }).end();
    if (request.method === 'TRACE') return void response.end(`TRACE ${sent}`);
    if (url.startsWith('/v1/echo/')) return echo(url.slice(9), sent, response);
    response.setHeader('content-type', 'application/json').end('{"object":"list","data":[]}');
  });
  server.on('connect', (request, socket) => socket.end(`HTTP/1.1 200 OK\r\n\r\n${request.headers.authorization}`));
  return server;
}

function echo(how: string, sent: string, response: http.ServerResponse): void {
  response.setHeader('content-type', 'application/json');
  if (how === 'header') return void response.setHeader('x-you-sent', sent).end('{}');
  if (how === 'base64') return void response.end(JSON.stringify({ you: Buffer.from(sent).toString('base64') }));
  if (how === 'error')
    return void response.writeHead(401).end(JSON.stringify({ error: { message: `Incorrect API key provided: ${sent}` } }));
  if (how === 'body') return void response.end(JSON.stringify({ you: sent }));
  const pieces = JSON.stringify({ you: sent }).split('');
  const next = (): void => {
    const piece = pieces.splice(0, 7).join('');
    if (piece === '') return void response.end();
    response.write(piece, () => setImmediate(next));
  };
  next();
}
