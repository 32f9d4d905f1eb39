import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import path from 'node:path';
import { temporaryFolder } from './vault.ts';

/** A provider whose behaviour is chosen by the last part of the path, and that remembers what it saw. */
export interface TestUpstream {
  readonly origin: string;
  readonly port: number;
  readonly seen: { readonly path: string; readonly headers: http.IncomingHttpHeaders; readonly body: Buffer; readonly socket: Socket }[];
  readonly closed: { count: number };
  connections(): number;
  close(): void;
}

type Behaviour = (response: http.ServerResponse, request: http.IncomingMessage, body: Buffer) => void;

const raw =
  (text: string | ((request: http.IncomingMessage) => string), end = true): Behaviour =>
  (_response, request) => {
    const bytes = typeof text === 'string' ? text : text(request);
    if (end) request.socket.end(bytes);
    else request.socket.write(bytes);
  };

const BEHAVIOURS: Readonly<Record<string, Behaviour>> = {
  redirect: (response) => response.writeHead(302, { location: 'http://169.254.169.254/latest/meta-data/' }).end('secret body'),
  gzip: (response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end('x'),
  echo: (response, request) => {
    response.setHeader('x-seen', request.headers.authorization ?? '');
    response.writeHead(401, { 'content-type': 'application/json' });
    const key = (request.headers.authorization ?? '').slice('Bearer '.length);
    response.write(`{"error":"Incorrect API key provided: ${key.slice(0, 9)}`);
    setTimeout(() => response.end(`${key.slice(9)}","b64":"${Buffer.from(`Bearer ${key}`).toString('base64')}"}`), 30);
  },
  cut: raw('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf'),
  'no-head': raw('HTTP/1.1 200 OK\r\ncontent-'),
  silent: () => undefined,
  stalled: raw('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf', false),
  'close-delimited': raw('HTTP/1.1 200 OK\r\n\r\nall of it'),
  events: (response, request) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const timer = setInterval(() => response.write('data: {"a":1}\n\n'), 5);
    request.socket.once('close', () => clearInterval(timer));
  },
  flood: (response) => {
    response.writeHead(200);
    const block = Buffer.alloc(64 * 1024, 'x');
    let sent = 0;
    const more = (): void => {
      while (sent < 32 * 1024 * 1024) {
        sent += block.length;
        if (!response.write(block)) return void response.once('drain', more);
      }
      response.end();
    };
    more();
  },
  slow: (response) => void setTimeout(() => response.end('{}'), 400),
};

export async function startUpstream(tls?: { readonly key: string; readonly cert: string }): Promise<TestUpstream> {
  const seen: TestUpstream['seen'] = [];
  const closed = { count: 0 };
  let connections = 0;
  const answer = (request: http.IncomingMessage, response: http.ServerResponse): void => {
    const parts: Buffer[] = [];
    request.on('data', (chunk: Buffer) => parts.push(chunk));
    request.on('error', () => response.destroy());
    request.on('end', () => {
      const body = Buffer.concat(parts);
      seen.push({ path: request.url ?? '', headers: request.headers, body, socket: request.socket });
      const behaviour = BEHAVIOURS[(request.url ?? '').split('/').at(-1) ?? ''];
      if (behaviour !== undefined) return behaviour(response, request, body);
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ ok: true, bytes: body.length }));
    });
  };
  const server = tls === undefined ? http.createServer(answer) : https.createServer(tls, answer);
  server.on('connection', (socket: Socket) => {
    connections++;
    socket.once('close', () => closed.count++);
    socket.on('error', () => socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    origin: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    port,
    seen,
    closed,
    connections: () => connections,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** A certificate for `name` and 127.0.0.1, signed by itself; undefined where the openssl program is missing. */
export function makeCertificate(name: string): { readonly key: string; readonly cert: string } | undefined {
  const folder = temporaryFolder();
  const [key, cert] = [path.join(folder, 'key'), path.join(folder, 'cert')];
  const subject = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name},IP:127.0.0.1`];
  const made = spawnSync('openssl', [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-days',
    '2',
    '-keyout',
    key,
    '-out',
    cert,
    ...subject,
  ]);
  const files = made.status === 0 ? { key: fs.readFileSync(key, 'utf8'), cert: fs.readFileSync(cert, 'utf8') } : undefined;
  fs.rmSync(folder, { recursive: true });
  return files;
}

/** Waits until `check` holds; the test's own time limit is the deadline. */
export async function until(check: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await check())) await new Promise((resolve) => setTimeout(resolve, 10));
}
