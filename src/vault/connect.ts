import net from 'node:net';
import tls from 'node:tls';
import { BulkheadError } from '../core/errors.ts';
import type { CredentialBinding } from '../ipc/messages.ts';
import { mayDial, resolveChecked, type Address, type Resolve } from './address.ts';

const MAX_PROXY_HEAD_BYTES = 8 * 1024;
const PORTS: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443 };

/** Dials one credential's origin, and nothing else. */
export class Dialer {
  readonly #origin: URL;
  readonly #proxy: URL | undefined;
  readonly #allowPrivate: boolean;
  readonly #resolve: Resolve;
  readonly #context: tls.SecureContext | undefined;
  /** The newest TLS session, so that further connections skip the key exchange. */
  #session: Buffer | undefined;

  constructor({ origin, proxy, allowPrivate, ca }: CredentialBinding, resolve: Resolve) {
    this.#origin = new URL(origin);
    this.#proxy = proxy === undefined ? undefined : new URL(proxy);
    this.#allowPrivate = allowPrivate;
    this.#resolve = resolve;
    if (this.#origin.protocol !== 'https:') return;
    this.#context = tls.createSecureContext({ minVersion: 'TLSv1.2', ...(ca === undefined ? {} : { ca: [...tls.rootCertificates, ca] }) });
  }

  /** A connection ready for a request. Rejects with `address_refused`, `upstream_timeout` or `upstream_unreachable`. */
  async connect(timeoutMs: number): Promise<net.Socket> {
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), timeoutMs);
    const late = new Promise<never>((_, reject) => {
      abort.signal.onabort = () => reject(new BulkheadError('upstream_timeout', { seconds: timeoutMs / 1000 }));
    });
    try {
      return await Promise.race([late, this.#establish(abort.signal)]);
    } catch (cause) {
      abort.abort();
      if (cause instanceof BulkheadError) throw cause;
      throw new BulkheadError('upstream_unreachable', { reason: reasonOf(cause) }, { cause });
    } finally {
      clearTimeout(timer);
    }
  }

  /** An abort destroys whatever was connected so far. */
  async #establish(signal: AbortSignal): Promise<net.Socket> {
    // The operator's proxy is named by the operator and usually private; what lies behind it is the proxy's to check.
    const first = this.#proxy ?? this.#origin;
    const allowPrivate = this.#proxy !== undefined || this.#allowPrivate;
    const socket = dial(first, await resolveChecked(first.hostname, allowPrivate, this.#resolve), signal);
    await happened(socket, 'connect');
    if (!mayDial(socket.remoteAddress ?? '', allowPrivate)) throw new BulkheadError('address_refused');
    if (this.#proxy !== undefined) await tunnel(socket, this.#origin);
    return this.#context === undefined ? socket : this.#secure(socket, this.#context);
  }

  async #secure(socket: net.Socket, secureContext: tls.SecureContext): Promise<net.Socket> {
    const host = this.#origin.hostname.replace(/^\[|\]$/g, '');
    const secure = tls.connect({
      socket,
      secureContext,
      host,
      servername: net.isIP(host) === 0 ? host : '',
      ALPNProtocols: ['http/1.1'],
      ...(this.#session === undefined ? {} : { session: this.#session }),
    });
    secure.on('session', (session) => (this.#session = session));
    await happened(secure, 'secureConnect');
    return secure;
  }
}

const portOf = (url: URL): number => (url.port === '' ? (PORTS[url.protocol] as number) : Number(url.port));

/** `lookup` gives only the checked addresses, so a second answer of the resolver cannot change where the connection goes. */
const dial = (url: URL, addresses: readonly Address[], signal: AbortSignal): net.Socket =>
  net.connect({
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: portOf(url),
    signal,
    noDelay: true,
    keepAlive: true,
    autoSelectFamily: true,
    lookup: (_host, _options, done) =>
      done(
        null,
        addresses.map((each) => ({ ...each })),
      ),
  });

function happened(socket: net.Socket, event: 'connect' | 'secureConnect'): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once(event, resolve);
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('the connection was closed')));
  });
}

/** CONNECT through the operator's proxy (RFC 9110 §9.3.6). */
async function tunnel(socket: net.Socket, origin: URL): Promise<void> {
  const authority = `${origin.hostname}:${portOf(origin)}`;
  socket.write(`CONNECT ${authority} HTTP/1.1\r\nhost: ${authority}\r\n\r\n`);
  const head = await new Promise<string>((resolve, reject) => {
    let text = '';
    const read = (): void => {
      // Byte by byte, so that nothing of what follows the head is taken from the connection.
      for (let byte = socket.read(1) as Buffer | null; byte !== null; byte = socket.read(1) as Buffer | null) {
        text += byte.toString('latin1');
        if (text.endsWith('\r\n\r\n') || text.length > MAX_PROXY_HEAD_BYTES) return (socket.off('readable', read), resolve(text));
      }
    };
    socket.on('readable', read);
    socket.once('close', () => reject(new Error('the proxy closed the connection')));
  });
  if (!/^HTTP\/1\.[01] 200[ \r]/.test(head)) throw new Error(`the proxy answered ${head.slice(9, 12)}`);
}

/** Words for the operator: the system's code where there is one, never addresses or bytes. */
function reasonOf(cause: unknown): string {
  const { code } = cause as { readonly code?: unknown };
  return typeof code === 'string' ? code : cause instanceof Error ? cause.message : 'unknown';
}
