import type { IncomingMessage, ServerResponse } from 'node:http';
import net from 'node:net';
import { BulkheadError } from '../../core/errors.ts';
import type { Head } from '../head.ts';
import { checkHead } from '../head.ts';
import { createListener, type Listener, type ListenerOptions, type Refusal } from '../listener.ts';
import { readBody, type BodyRules } from '../body.ts';
import { writeError, writeJson } from '../respond.ts';
import { trustedProxies } from '../client-address.ts';

/** A border on a free port, as the gateway sets one up: head checked, body read, answered with what was understood. */
export interface Border {
  readonly port: number;
  readonly listener: Listener;
  readonly refused: Refusal[];
  close(): Promise<void>;
}

export interface BorderOptions {
  readonly listener?: Partial<ListenerOptions>;
  readonly body?: Partial<BodyRules>;
  /** Serves a request whose head passed; default: answers what it read. */
  readonly serve?: (head: Head, request: IncomingMessage, response: ServerResponse) => Promise<void>;
}

const PROXIES = trustedProxies([]);

export async function startBorder(options: BorderOptions = {}): Promise<Border> {
  const handle = boundHandle();
  const refused: Refusal[] = [];
  const serve = options.serve ?? echo(options.body ?? {});
  const listener = createListener({
    fd: handle.fd,
    limits: { headBytes: 16_384, headers: 100, connectionsPerAddress: 100 },
    timeouts: { requestHeadMs: 15_000, requestMs: 30_000, keepAliveMs: 75_000 },
    onRefused: (refusal) => refused.push(refusal),
    onRequest: (request, response) => {
      const answer = async (): Promise<void> =>
        serve(
          checkHead(request, { headers: 100, headBytes: 16_384, proxies: PROXIES, encodedSlashBehind: ['/v1/models/'] }),
          request,
          response,
        );
      answer().catch((error: unknown) =>
        writeError(response, error instanceof BulkheadError ? error : new BulkheadError('internal', {}, { cause: error }), 'req_TEST'),
      );
    },
    ...options.listener,
  });
  await listener.listening;
  return { port: handle.port, listener, refused, close: () => listener.drain(0) };
}

const echo =
  (rules: Partial<BodyRules>) =>
  async (head: Head, request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await readBody(request, head, {
      limitBytes: 1_000_000,
      timeoutMs: 10_000,
      sendContinue: () => response.writeContinue(),
      ...rules,
    });
    writeJson(
      response,
      200,
      {
        method: head.method,
        path: head.path,
        query: head.query,
        keys: head.keys,
        bytes: body.length,
        text: body.toString('latin1', 0, 200),
      },
      'req_TEST',
    );
  };

/** A descriptor that is bound and not yet listened on, as the supervisor hands it over. */
export function boundHandle(): { readonly fd: number; readonly port: number } {
  const internals = net as unknown as {
    _createServerHandle(address: string, port: number, type: number): { fd: number; getsockname(out: { port?: number }): number };
  };
  const handle = internals._createServerHandle('127.0.0.1', 0, 4);
  const name: { port?: number } = {};
  handle.getsockname(name);
  kept.push(handle);
  return { fd: handle.fd, port: name.port ?? 0 };
}

/** A handle that is collected closes its descriptor under the listener. */
const kept: unknown[] = [];

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Sends raw bytes, piece by piece, and gives everything that came back until the server closed or `until` holds. */
export function exchange(
  port: number,
  pieces: readonly (string | Buffer)[],
  until: (received: string) => boolean = isWhole,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(port, '127.0.0.1');
    let received = '';
    const done = (): void => {
      socket.destroy();
      resolve(received);
    };
    socket.setNoDelay(true);
    socket.on('data', (chunk) => {
      received += chunk.toString('latin1');
      if (until(received)) done();
    });
    socket.on('close', done);
    socket.on('error', (error: NodeJS.ErrnoException) => (error.code === 'ECONNRESET' || error.code === 'EPIPE' ? done() : reject(error)));
    socket.on('connect', () => sendPieces(socket, pieces, 0));
  });
}

function sendPieces(socket: net.Socket, pieces: readonly (string | Buffer)[], at: number): void {
  const piece = pieces[at];
  if (piece === undefined || socket.destroyed) return;
  socket.write(piece, () => setTimeout(() => sendPieces(socket, pieces, at + 1), 5));
}

const isWhole = (received: string): boolean => {
  const answer = parseAnswer(received);
  return answer !== undefined && answer.status !== 100 && answer.body.length >= Number(answer.headers['content-length'] ?? Infinity);
};

/** The last answer in the bytes. */
export function parseAnswer(received: string): Answer | undefined {
  const start = received.lastIndexOf('HTTP/1.1 ');
  const end = received.indexOf('\r\n\r\n', start);
  if (start === -1 || end === -1) return undefined;
  const [first = '', ...lines] = received.slice(start, end).split('\r\n');
  const headers = Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
  );
  return { status: Number(first.split(' ')[1]), headers, body: received.slice(end + 4) };
}

export async function ask(port: number, ...pieces: readonly (string | Buffer)[]): Promise<Answer> {
  const answer = parseAnswer(await exchange(port, pieces));
  if (answer === undefined) throw new Error('no answer');
  return answer;
}
