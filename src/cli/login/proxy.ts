import http from 'node:http';
import type { Socket } from 'node:net';
import type { Terminal } from '../terminal.ts';

/** How an issuer is reached where the way out leads through a proxy: `https_proxy`, `all_proxy` and `no_proxy`, as other programs read them. */

/** Undefined: none. Throws for one that is not `http://host:port`. */
export function proxyFor(url: URL, env: Terminal['env']): URL | undefined {
  const named = (name: string): string | undefined => env[name] ?? env[name.toUpperCase()];
  const text = named('https_proxy') ?? named('all_proxy') ?? '';
  if (text === '' || isExempt(url, named('no_proxy') ?? '')) return undefined;
  const proxy = URL.canParse(text) ? new URL(text) : undefined;
  if (proxy?.protocol !== 'http:') throw new Error('the proxy of https_proxy is not one of the form http://host:port');
  return proxy;
}

/** `example.com` stands for the host and all below it, with or without a leading dot; `*` for all. */
function isExempt({ hostname, port }: URL, list: string): boolean {
  const names = list.split(',').map((name) => name.trim().toLowerCase());
  return names.some((entry) => {
    const [, name = '', only] = /^(?:\*?\.)?(.*?)(?::(\d+))?$/.exec(entry) ?? [];
    const isHost = hostname === name || hostname === `[${name}]` || hostname.endsWith(`.${name}`);
    return entry === '*' || (name !== '' && isHost && (only === undefined || only === (port === '' ? '443' : port)));
  });
}

/** A connection to `url` through the proxy, which is told host and port; what goes over it is the caller's to encrypt. */
export function tunnel(proxy: URL, url: URL, timeoutMs: number): Promise<Socket> {
  return connect(proxy, `${url.hostname}:${url.port === '' ? 443 : url.port}`, timeoutMs);
}

function connect(proxy: URL, target: string, timeoutMs: number): Promise<Socket> {
  const { hostname, port, username, password } = proxy;
  const words = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  const credentials = username === '' ? {} : { 'proxy-authorization': `Basic ${Buffer.from(words).toString('base64')}` };
  return new Promise((resolve, reject) => {
    const fail = (reason: string): void => reject(new Error(`the proxy ${hostname}:${port} ${reason}`));
    const request = http.request({
      host: hostname.replace(/^\[|\]$/g, ''),
      port: port === '' ? 80 : Number(port),
      method: 'CONNECT',
      path: target,
      headers: { host: target, ...credentials },
      agent: false,
      timeout: timeoutMs,
    });
    request.once('connect', (response, socket) => {
      if (response.statusCode === 200) return resolve(socket);
      socket.destroy();
      fail(`answered ${response.statusCode ?? 'nothing'}`);
    });
    // One that answers like a web server instead.
    request.once('response', (response) => {
      response.destroy();
      fail(`answered ${response.statusCode ?? 'nothing'}`);
    });
    request.once('timeout', () => request.destroy(new Error('no answer in time')));
    request.once('error', (error: NodeJS.ErrnoException) => fail(`cannot be reached: ${error.code ?? error.message}`));
    request.end();
  });
}
