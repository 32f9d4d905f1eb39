import type { LookupAddress } from 'node:dns';
import { once } from 'node:events';
import net from 'node:net';
import tls from 'node:tls';
import { BulkheadError } from '../core/error.ts';
import type { CredentialBinding } from '../ipc/messages/vault.ts';
import { mayDial, resolveChecked, systemResolve } from './address.ts';

const MAX_IDLE = 256;
const IDLE_MS = 30_000;
const MAX_PROXY_HEAD_BYTES = 8 * 1024;

type Destination = Pick<CredentialBinding, 'origin' | 'allowPrivate' | 'proxy' | 'ca'>;

/** Who uses a connection at the moment. */
export interface ConnectionUser {
  onBytes(chunk: Buffer): void;
  /** The connection ended, properly or not. Nothing follows. */
  onClosed(): void;
}

/** One upstream connection; it has a user, or it is idle in its pool, or it is destroyed. */
export class Connection {
  readonly socket: net.Socket;
  user: ConnectionUser | undefined;
  /** Set: it carried a request before, so the other side may have closed it meanwhile. */
  idleSince: number | undefined;

  constructor(socket: net.Socket) {
    this.socket = socket;
    // Bytes that nobody asked for mean that requests and answers are out of step.
    socket.on('data', (chunk: Buffer) => (this.user === undefined ? socket.destroy() : this.user.onBytes(chunk)));
    for (const event of ['end', 'error']) socket.on(event, () => socket.destroy());
    socket.on('close', () => this.user?.onClosed());
  }
}

/** Connections to one origin and nowhere else. The newest idle one is taken first: the old ones age out. */
export class Pool {
  readonly host: string;
  readonly #origin: URL;
  readonly #binding: Destination;
  readonly #resolve: typeof systemResolve;
  readonly #context: tls.SecureContext | undefined;
  /** The newest TLS session, so that further connections skip the key exchange. */
  #session: Buffer | undefined;
  #idle: Connection[] = [];
  #retired = false;

  constructor(binding: Destination, resolve = systemResolve) {
    this.#origin = new URL(binding.origin);
    this.host = this.#origin.host;
    this.#binding = binding;
    this.#resolve = resolve;
    const authorities = binding.ca === undefined ? {} : { ca: [...tls.rootCertificates, binding.ca] };
    if (this.#origin.protocol === 'https:') this.#context = tls.createSecureContext({ minVersion: 'TLSv1.2', ...authorities });
  }

  /** An idle connection. */
  take(): Connection | undefined {
    let connection = this.#idle.pop();
    while (connection?.socket.destroyed === true) connection = this.#idle.pop();
    return connection;
  }

  /** A new connection. Rejects with `address_refused`, `upstream_timeout` or `upstream_unreachable`. */
  async open(timeoutMs: number): Promise<Connection> {
    const abort = new AbortController();
    const late = new Promise<never>((_, reject) => abort.signal.addEventListener('abort', reject));
    const timer = setTimeout(() => abort.abort(), timeoutMs);
    try {
      return new Connection(await Promise.race([late, this.#establish(abort.signal)]));
    } catch (cause) {
      if (abort.signal.aborted) throw new BulkheadError('upstream_timeout', { seconds: timeoutMs / 1000 }, { cause });
      abort.abort();
      throw cause instanceof BulkheadError ? cause : new BulkheadError('upstream_unreachable', { reason: reasonOf(cause) }, { cause });
    } finally {
      clearTimeout(timer);
    }
  }

  /** Takes a connection back after a whole answer. */
  give(connection: Connection, now: number): void {
    connection.user = undefined;
    connection.idleSince = now;
    if (this.#retired || this.#idle.length >= MAX_IDLE) connection.socket.destroy();
    else this.#idle.push(connection);
  }

  /** Closes what was idle too long. */
  sweep(now: number): void {
    const old = this.#idle.filter(({ idleSince = 0 }) => now - idleSince >= IDLE_MS);
    this.#idle = this.#idle.slice(old.length);
    for (const { socket } of old) socket.destroy();
  }

  /** The credential is gone or changed: idle connections close now, those in use when their answer is whole. */
  retire(): void {
    this.#retired = true;
    this.sweep(Infinity);
  }

  /** An abort destroys whatever was connected so far. */
  async #establish(signal: AbortSignal): Promise<net.Socket> {
    const { proxy } = this.#binding;
    // The operator's proxy is named by the operator and usually private; what lies behind it is the proxy's to check.
    const allowPrivate = proxy !== undefined || this.#binding.allowPrivate;
    const first = proxy === undefined ? this.#origin : new URL(proxy);
    const socket = dial(first, await resolveChecked(first.hostname, allowPrivate, this.#resolve), signal);
    await once(socket, 'connect');
    if (!mayDial(socket.remoteAddress ?? '', allowPrivate)) throw new BulkheadError('address_refused');
    if (proxy !== undefined) await tunnel(socket, this.#origin, signal);
    if (this.#context === undefined) return socket;
    const host = hostOf(this.#origin);
    // The certificate is checked against `host`; an address is never sent as a name (RFC 6066 §3).
    const name = { host, servername: net.isIP(host) === 0 ? host : '', ...(this.#session === undefined ? {} : { session: this.#session }) };
    const secure = tls.connect({ socket, secureContext: this.#context, ALPNProtocols: ['http/1.1'], ...name });
    secure.on('session', (next) => (this.#session = next));
    await once(secure, 'secureConnect');
    return secure;
  }
}

const portOf = (url: URL): number => Number(url.port || (url.protocol === 'https:' ? 443 : 80));
const hostOf = (url: URL): string => url.hostname.replace(/^\[|\]$/g, '');

/** `lookup` gives only the checked addresses, so a second answer of the resolver cannot change where the connection goes. */
function dial(url: URL, addresses: readonly LookupAddress[], signal: AbortSignal): net.Socket {
  const found = addresses.map((each) => ({ ...each }));
  const lookup: net.LookupFunction = (_host, _options, done) => done(null, found);
  const options = { noDelay: true, keepAlive: true, autoSelectFamily: true, signal, lookup };
  const socket = net.connect({ host: hostOf(url), port: portOf(url), ...options });
  socket.on('end', () => socket.destroy(new Error('the connection was closed')));
  return socket.on('error', () => socket.destroy());
}

/** CONNECT through the operator's proxy (RFC 9110 §9.3.6). */
async function tunnel(socket: net.Socket, origin: URL, signal: AbortSignal): Promise<void> {
  const authority = `${origin.hostname}:${portOf(origin)}`;
  socket.write(`CONNECT ${authority} HTTP/1.1\r\nhost: ${authority}\r\n\r\n`);
  let head = '';
  while (!head.endsWith('\r\n\r\n')) {
    // Byte by byte, so that nothing of what follows the head is taken from the connection.
    const byte = socket.read(1) as Buffer | null;
    if (byte === null) await once(socket, 'readable', { signal });
    else head += byte.toString('latin1');
    if (head.length > MAX_PROXY_HEAD_BYTES) throw new Error('the proxy’s answer is too long');
  }
  if (!/^HTTP\/1\.[01] 200[ \r]/.test(head)) throw new Error(`the proxy answered ${head.slice(9, 12)}`);
}

/** Words for the operator: the system's code where there is one, never addresses or bytes. */
function reasonOf(cause: unknown): string {
  const { code } = cause as { readonly code?: unknown };
  return typeof code === 'string' ? code : cause instanceof Error ? cause.message : 'unknown';
}
