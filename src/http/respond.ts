import type { IncomingMessage, ServerResponse } from 'node:http';
import type { BulkheadError, ErrorKind } from '../core/errors.ts';
import type { JsonObject } from '../core/json.ts';

/** Which headers pass in which direction, and how answers are written. */

type HeaderList = readonly (readonly [string, string])[];

/** Client headers that an upstream may see. All others stay here: keys, cookies, proxy and hop-by-hop headers (security.md §8, 14). */
const UPSTREAM_REQUEST_HEADERS = new Set([
  'content-type',
  'accept',
  'openai-beta',
  'anthropic-beta',
  'anthropic-version',
  'idempotency-key',
]);
/** No value that an API defines is longer or holds other bytes. */
const PLAIN_VALUE = /^[\x20-\x7e]{0,2048}$/;

/** Provider headers that a client sees under their own names. */
const CLIENT_RESPONSE_HEADERS = new Set(['content-type', 'retry-after', 'retry-after-ms']);
/** Provider headers that a client sees as `x-upstream-<name>`: request ids, rate limits, versions, timings. */
const PREFIXED =
  /^(?:x-request-id|request-id|x-ratelimit-|ratelimit-|anthropic-|openai-|x-should-retry|cf-ray|x-groq-|x-ms-request-id|apim-request-id|x-amzn-requestid|x-debug-trace-id)/;

/** The end-to-end headers of a client's request that go upstream, lower-case names. */
export function headersForUpstream(request: IncomingMessage): HeaderList {
  const passed: [string, string][] = [];
  for (const name of UPSTREAM_REQUEST_HEADERS) {
    const value = request.headers[name];
    if (typeof value === 'string' && PLAIN_VALUE.test(value)) passed.push([name, value]);
  }
  return passed;
}

/** The headers of an upstream answer that go to the client. The names are lower-case. */
export function headersForClient(upstream: HeaderList): HeaderList {
  const passed: [string, string][] = [];
  for (const [name, value] of upstream) {
    const shown = nameForClient(name);
    if (shown === '' || !PLAIN_VALUE.test(value)) continue;
    // Azure says `request-id` and `x-request-id`, which are one name here: its support may ask for either.
    const same = shown === UPSTREAM_ID ? passed.find(([other]) => other === shown) : undefined;
    if (same === undefined) passed.push([shown, value]);
    else same[1] += `, ${value}`;
  }
  return passed;
}

const UPSTREAM_ID = 'x-upstream-request-id';

/** Providers send the same two dozen names with every answer. */
const namesForClient = new Map<string, string>();
const MAX_NAMES = 1_000;

/** Empty: the header stays here. */
function nameForClient(name: string): string {
  const known = namesForClient.get(name);
  if (known !== undefined) return known;
  const prefixed = PREFIXED.test(name) ? `x-upstream-${name.startsWith('x-') ? name.slice(2) : name}` : '';
  const shown = CLIENT_RESPONSE_HEADERS.has(name) ? name : prefixed;
  if (namesForClient.size < MAX_NAMES) namesForClient.set(name, shown);
  return shown;
}

/** Error type names of the OpenAI dialect, used wherever no other protocol is known. */
const ERROR_TYPES: Readonly<Record<ErrorKind, string>> = {
  invalid_request: 'invalid_request_error',
  authentication: 'authentication_error',
  permission: 'permission_error',
  not_found: 'not_found_error',
  too_large: 'invalid_request_error',
  rate_limit: 'rate_limit_error',
  budget: 'insufficient_quota',
  upstream: 'upstream_error',
  timeout: 'timeout_error',
  unavailable: 'service_unavailable_error',
  conflict: 'conflict_error',
  internal: 'server_error',
};

/** The body of a refusal before the protocol of the client is known. */
export function errorBody(error: BulkheadError, requestId: string): JsonObject {
  return {
    error: {
      message: error.message,
      type: ERROR_TYPES[error.row.kind],
      param: null,
      code: error.code,
      remedy: error.remedy,
      request_id: requestId,
    },
  };
}

/**
 * Writes a head in one go, which spares Node a table of names where nothing was set before. `headers` have lower-case names;
 * of one that comes twice the last counts.
 */
export function writeHead(response: ServerResponse, status: number, headers: HeaderList): void {
  const flat: string[] = [];
  for (const [name, value] of headers) {
    let at = 0;
    while (at < flat.length && flat[at] !== name) at += 2;
    flat[at] = name;
    flat[at + 1] = value;
  }
  response.writeHead(status, flat);
}

/** Writes a whole JSON answer. Does nothing once an answer has begun or the client is gone. */
export function writeJson(
  response: ServerResponse,
  status: number,
  body: JsonObject | Buffer,
  requestId: string,
  headers: HeaderList = [],
): void {
  if (response.headersSent || response.destroyed) return;
  const bytes = Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body));
  response.setHeader('content-type', 'application/json');
  for (const [name, value] of headers) response.setHeader(name, value);
  response.setHeader('content-length', bytes.length);
  response.setHeader('x-bulkhead-request-id', requestId);
  response.setHeader('cache-control', 'no-store');
  response.setHeader('x-content-type-options', 'nosniff');
  response.writeHead(status);
  response.end(bytes);
}

/** Writes a refusal in the neutral form. */
export function writeError(response: ServerResponse, error: BulkheadError, requestId: string, headers: HeaderList = []): void {
  writeJson(response, error.row.status, errorBody(error, requestId), requestId, headers);
}
