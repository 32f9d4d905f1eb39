import type { IncomingMessage, ServerResponse } from 'node:http';

/**
 * Cross-origin access by allow-list (Fetch standard, "CORS protocol"). Never with credentials: keys travel in headers
 * that a page must hold itself, so a foreign page gains nothing from a visitor's browser.
 */
export class Cors {
  readonly #origins: ReadonlySet<string>;
  readonly #any: boolean;

  /** `origins`: exact origins, or `*` alone. Empty: no page may read an answer. */
  constructor(origins: readonly string[]) {
    this.#origins = new Set(origins);
    this.#any = this.#origins.has('*');
  }

  /** Headers to set on every answer to a request from `origin`; empty string: no Origin header. */
  headers(origin: string): readonly (readonly [string, string])[] {
    if (!this.#allows(origin)) return this.#origins.size === 0 ? [] : [['vary', 'origin']];
    const allowed = this.#any ? '*' : origin;
    return [
      ['access-control-allow-origin', allowed],
      ['access-control-expose-headers', '*'],
      ...(this.#any ? [] : ([['vary', 'origin']] as const)),
    ];
  }

  /** Answers an OPTIONS preflight. False: the request is none, and goes on as any other. */
  answerPreflight(request: IncomingMessage, response: ServerResponse, methods: readonly string[]): boolean {
    const { origin, 'access-control-request-method': method } = request.headers;
    if (request.method !== 'OPTIONS' || origin === undefined || method === undefined) return false;
    for (const [name, value] of this.headers(origin)) response.setHeader(name, value);
    if (this.#allows(origin)) {
      response.setHeader('access-control-allow-methods', methods.join(', '));
      response.setHeader('access-control-allow-headers', askedHeaders(request.headers['access-control-request-headers']));
      response.setHeader('access-control-max-age', '600');
    }
    response.writeHead(204).end();
    return true;
  }

  #allows(origin: string): boolean {
    return origin !== '' && (this.#any || this.#origins.has(origin));
  }
}

/** The client's own list back: what goes upstream is decided by another list, and SDKs add names of their own. */
function askedHeaders(asked: string | undefined): string {
  const names = (asked ?? '').split(',').map((name) => name.trim());
  const valid = names.filter((name) => /^[a-z0-9-]{1,64}$/i.test(name));
  return (valid.length === names.length ? valid : ['authorization', 'content-type', 'x-api-key']).slice(0, 64).join(', ');
}
