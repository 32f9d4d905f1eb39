import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import https from 'node:https';
import net, { type Socket } from 'node:net';
import { systemClock } from '../core/clock.ts';
import { BulkheadError } from '../core/errors.ts';
import { newRequestId } from '../core/ids.ts';
import type { JsonObject } from '../core/json.ts';
import { Connections } from './connections.ts';
import type { TrustedProxies } from './client-address.ts';
import { errorBody } from './respond.ts';

/**
 * The border where client bytes become requests: bounds on heads, connections and time, refusals in the clients' own form, TLS and draining.
 * What a request says is checked by `checkHead`, its body is read by `readBody`; both are called by whoever serves it.
 */

export interface TlsPair {
  /** PEM, leaf first. */
  readonly cert: Buffer | string;
  readonly key: Buffer | string;
}

export interface ListenerOptions {
  /** A bound descriptor, inherited. */
  readonly fd: number;
  readonly tls?: TlsPair;
  readonly limits: {
    readonly headBytes: number;
    readonly headers: number;
    readonly connectionsPerAddress: number;
    /** Of a body that is still coming when its answer is out; default 64 MiB. */
    readonly droppedBytes?: number;
  };
  readonly timeouts: {
    readonly requestHeadMs: number;
    /** For the whole request; answers may take as long as they like. */
    readonly requestMs: number;
    readonly keepAliveMs: number;
  };
  /** Their connections are not counted per address: they speak for many clients. */
  readonly proxies?: TrustedProxies;
  readonly onRequest: (request: IncomingMessage, response: ServerResponse) => void;
  /** Told of every refusal that never became a request. */
  readonly onRefused?: (refusal: Refusal) => void;
  /** The body of such a refusal; the default is `errorBody`. */
  readonly refusalBody?: (error: BulkheadError, requestId: string) => JsonObject;
}

export interface Refusal {
  readonly error: BulkheadError;
  readonly requestId: string;
  /** The socket's address. */
  readonly address: string;
}

export interface Listener {
  /** Resolves when connections are accepted; rejects when the descriptor cannot be listened on. */
  readonly listening: Promise<void>;
  readonly connections: number;
  /** Requests whose answer is not yet whole. */
  readonly active: number;
  /** Takes effect for new connections. Throws and changes nothing when the pair does not fit. */
  reloadTls(pair: TlsPair): void;
  /**
   * Stops accepting; answers what is under way and what still arrives on open connections with `connection: close`; closes idle connections
   * after `lingerMs` (default 250: a request may be on its way) and everything after `graceMs`. Resolves when no connection is left.
   */
  drain(graceMs: number, lingerMs?: number): Promise<void>;
}

const CHECK_INTERVAL_MS = 1_000;
const LINGER_MS = 250;
const DROPPED_BYTES = 64 * 1024 * 1024;
const DROP_MS = 5_000;
const DROP_CHECK_MS = 100;
/** `readBody` is the first to say 408; the server's own limit only catches requests that nobody reads. */
const REQUEST_BACKSTOP_MS = 1_000;

export function createListener(options: ListenerOptions): Listener {
  const server = createServer(options);
  const connections = new Connections();
  const refuse = (socket: Socket, error: BulkheadError): void => refuseSocket(socket, error, options);
  const serve = (request: IncomingMessage, response: ServerResponse): void => {
    connections.begin(request.socket, response);
    // A write behind the end is reported here, and an error that nobody hears would end the process with all its requests.
    response.on('error', () => response.destroy());
    response.on('finish', () => dropRest(request, options.limits.droppedBytes ?? DROPPED_BYTES));
    options.onRequest(request, response);
  };
  // A head may overrun the count by one, so that checkHead sees that it did: Node drops what is beyond without a word.
  server.maxHeadersCount = options.limits.headers + 1;
  server.on('connection', (socket: Socket) => {
    const address = socket.remoteAddress ?? '';
    const count = connections.add(socket, address);
    if (count <= options.limits.connectionsPerAddress || options.proxies?.has(address) === true) return;
    const error = new BulkheadError('too_many_connections', { limit: options.limits.connectionsPerAddress });
    if (options.tls === undefined) refuse(socket, error);
    else dropSocket(socket, error, options);
  });
  server.on('request', serve);
  server.on('checkContinue', serve);
  server.on('checkExpectation', serve);
  server.on('connect', (request: IncomingMessage) => refuse(request.socket, new BulkheadError('bad_target')));
  server.on('clientError', (cause: NodeJS.ErrnoException, socket: Socket) => {
    const error = refusalFor(cause, options);
    if (error === undefined || connections.owesAnswer(socket)) socket.destroy();
    else refuse(socket, error);
  });
  return {
    listening: listening(server, options.fd),
    get connections() {
      return connections.size;
    },
    get active() {
      return connections.active;
    },
    reloadTls: (pair) => {
      if (!(server instanceof https.Server)) throw new BulkheadError('internal', {}, { cause: new Error('this listener has no TLS') });
      server.setSecureContext(tlsOptions(pair));
    },
    drain: (graceMs, lingerMs = LINGER_MS) => drain(server, connections, graceMs, lingerMs),
  };
}

function createServer({ tls, limits, timeouts }: ListenerOptions): http.Server {
  const settings: http.ServerOptions = {
    maxHeaderSize: limits.headBytes,
    headersTimeout: timeouts.requestHeadMs,
    requestTimeout: timeouts.requestMs + REQUEST_BACKSTOP_MS,
    keepAliveTimeout: timeouts.keepAliveMs,
    connectionsCheckingInterval: CHECK_INTERVAL_MS,
    noDelay: true,
    insecureHTTPParser: false,
    // checkHead refuses a missing Host in the form of all other refusals.
    requireHostHeader: false,
  };
  if (tls === undefined) return http.createServer(settings);
  return https.createServer({ ...settings, ...tlsOptions(tls), handshakeTimeout: timeouts.requestHeadMs });
}

const tlsOptions = ({ cert, key }: TlsPair): https.ServerOptions => ({ cert, key, minVersion: 'TLSv1.2', ALPNProtocols: ['http/1.1'] });

function listening(server: http.Server, fd: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ fd }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** What to say about an error that Node found below HTTP. Undefined: nothing that the client could read. */
function refusalFor(cause: NodeJS.ErrnoException, { limits, timeouts }: ListenerOptions): BulkheadError | undefined {
  const code = cause.code ?? '';
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return new BulkheadError('request_timeout', { seconds: Math.ceil(timeouts.requestHeadMs / 1000) }, { cause });
  if (code === 'HPE_HEADER_OVERFLOW') return new BulkheadError('head_too_large', { limit: limits.headBytes }, { cause });
  if (code === 'HPE_CHUNK_EXTENSIONS_OVERFLOW') return new BulkheadError('body_too_large', { limit: limits.headBytes }, { cause });
  if (!code.startsWith('HPE_')) return undefined;
  return new BulkheadError('malformed_request', { reason: code.slice(4).toLowerCase().replaceAll('_', ' ') }, { cause });
}

/** Answers on the socket itself, where there is no request to answer. */
function refuseSocket(socket: Socket, error: BulkheadError, options: ListenerOptions): void {
  const requestId = newRequestId(systemClock.now());
  options.onRefused?.({ error, requestId, address: socket.remoteAddress ?? '' });
  if (!socket.writable) return void socket.destroy();
  const body = JSON.stringify((options.refusalBody ?? errorBody)(error, requestId));
  socket.on('error', () => socket.destroy());
  socket.end(
    `HTTP/1.1 ${error.row.status} ${http.STATUS_CODES[error.row.status] ?? 'Refused'}\r\ncontent-type: application/json\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nx-bulkhead-request-id: ${requestId}\r\nconnection: close\r\n\r\n${body}`,
  );
  closeSoon(socket);
}

/**
 * Reads what is still coming of a body whose answer is out, and drops it: closing at once would reset the connection and take the answer
 * with it. Within bounds, because a stranger who was refused may send for ever.
 */
function dropRest(request: IncomingMessage, limit: number): void {
  if (request.complete || request.destroyed) return;
  const { socket } = request;
  const [from, deadline] = [socket.bytesRead, systemClock.monotonic() + DROP_MS];
  // Node drops an unread body below the stream, where only the socket counts it.
  const watch = setInterval(() => {
    if (request.complete || socket.destroyed) return clearInterval(watch);
    if (socket.bytesRead - from > limit || systemClock.monotonic() > deadline) socket.destroy();
  }, DROP_CHECK_MS).unref();
  request.on('error', () => socket.destroy());
  request.resume();
}

/** Takes no more from the client, gives it a second to read the answer, then closes: a client that never closes must not hold the socket. */
function closeSoon(socket: Socket): void {
  socket.resume();
  const timer = setTimeout(() => socket.destroy(), 1_000).unref();
  socket.once('close', () => clearTimeout(timer));
}

function dropSocket(socket: Socket, error: BulkheadError, options: ListenerOptions): void {
  options.onRefused?.({ error, requestId: newRequestId(systemClock.now()), address: socket.remoteAddress ?? '' });
  socket.destroy();
}

async function drain(server: http.Server, connections: Connections, graceMs: number, lingerMs: number): Promise<void> {
  const deadline = systemClock.monotonic() + graceMs;
  connections.startDraining();
  // Not http.Server#close: that one would close idle connections at once, with a request perhaps on its way.
  const closed = new Promise<void>((resolve) => net.Server.prototype.close.call(server, () => resolve()));
  const lingerUntil = systemClock.monotonic() + Math.min(lingerMs, graceMs);
  const sweep = setInterval(() => {
    const now = systemClock.monotonic();
    if (now >= deadline) return connections.closeAll();
    if (now < lingerUntil) return;
    server.closeIdleConnections();
    connections.closeUnused();
  }, 25);
  await closed;
  // The server counts a socket as closed a moment before the socket says so.
  while (connections.size > 0) await new Promise((resolve) => setTimeout(resolve, 1));
  clearInterval(sweep);
  // The server is closed already; this ends the timer that looks for late requests.
  server.close(() => undefined);
}
