import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { systemClock } from '../../core/clock.ts';
import { BulkheadError } from '../../core/errors.ts';
import { newRequestId } from '../../core/ids.ts';
import type { JsonObject } from '../../core/json.ts';
import { JsonScanner } from '../../core/json-scan.ts';
import { trustedProxies } from '../../http/client-address.ts';
import { readBody } from '../../http/body.ts';
import { checkHead, checkJsonType, type Head } from '../../http/head.ts';
import { createListener, type Listener } from '../../http/listener.ts';
import type { Logger } from '../../telemetry/log.ts';
import type { Authorizer } from '../authorize.ts';
import type { Known } from '../caller.ts';
import { refuseForeign, type BorderRules } from './border.ts';
import { buildRouter, isPublic, type Handlers } from './router.ts';

const HEAD_BYTES = 16_384;
const HEADERS = 64;
const BODY_BYTES = 1024 * 1024;
const BODY_MS = 15_000;
const JSON_LIMITS = { depth: 32, keys: 2000 };
const CONNECTIONS = 256;
const NO_PROXIES = trustedProxies([]);

export interface ControlHttpOptions {
  readonly fd: number;
  readonly handlers: Handlers;
  readonly authorizer: Authorizer;
  /** Who presents a token, if it is right. */
  readonly identify: (headers: IncomingHttpHeaders, address: string) => Promise<Known | undefined>;
  readonly border: BorderRules;
  readonly log: Logger;
}

/** The control port: border, token, body, route, answer. Every refusal has the same form. */
export function serveControlHttp({ fd, handlers, authorizer, identify, border, log }: ControlHttpOptions): Listener {
  const route = buildRouter(handlers, authorizer);
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const head = checkHead(request, {
      headers: HEADERS,
      headBytes: HEAD_BYTES,
      proxies: NO_PROXIES,
      encodedSlashBehind: ['/admin/v1/models/'],
    });
    refuseForeign(request, border);
    const method = head.method === 'HEAD' ? 'GET' : head.method;
    const known = await identify(request.headers, head.clientAddress);
    if (known === undefined && !isPublic(method, head.path)) throw new BulkheadError('admin_token_invalid');
    const body = await readJson(request, response, head);
    const url = new URL(request.url ?? '/', 'http://control.invalid');
    const { status, reply } = await route(method, url, { known, body });
    write(response, status, reply);
  };
  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    const requestId = newRequestId(systemClock.now());
    response.setHeader('x-bulkhead-request-id', requestId);
    answer(request, response).catch((cause: unknown) => {
      const error = cause instanceof BulkheadError ? cause : new BulkheadError('internal', {}, { cause });
      if (error.row.status >= 500)
        log.error('request.failed', { request_id: requestId, code: error.code, cause: words(error.cause ?? error) });
      // What is left of a body is not waited for.
      if (!request.complete) response.setHeader('connection', 'close');
      if (error.row.status === 401) response.setHeader('www-authenticate', 'Bearer');
      if (!response.headersSent) write(response, error.row.status, adminError(error, requestId));
    });
  };
  return createListener({
    fd,
    limits: { headBytes: HEAD_BYTES, headers: HEADERS, connectionsPerAddress: CONNECTIONS },
    timeouts: { requestHeadMs: 10_000, requestMs: BODY_MS, keepAliveMs: 65_000 },
    onRequest,
    refusalBody: adminError,
  });
}

/** Nothing is built from a body before its bytes were scanned: depth, duplicate keys, encoding (security.md §8, 21–26). */
async function readJson(request: IncomingMessage, response: ServerResponse, head: Head): Promise<unknown> {
  const hasBody = (head.contentLength ?? 0) > 0 || request.headers['transfer-encoding'] !== undefined;
  if (!hasBody) return {};
  checkJsonType(head);
  const scanner = new JsonScanner(JSON_LIMITS, new Set());
  const bytes = await readBody(request, head, {
    limitBytes: BODY_BYTES,
    timeoutMs: BODY_MS,
    scanner,
    sendContinue: () => response.writeContinue(),
  });
  return JSON.parse(bytes.toString('utf8'), refusePrototype) as unknown;
}

/** No field of ours has such a name, and as a key of an object it would mean something else. */
function refusePrototype(key: string, value: unknown): unknown {
  if (key === '__proto__' || key === 'constructor' || key === 'prototype') {
    throw new BulkheadError('invalid_field', { field: key, reason: 'there is no such field' });
  }
  return value;
}

function adminError(error: BulkheadError, requestId: string): JsonObject {
  const field = error.code === 'invalid_field' ? error.values['field'] : undefined;
  return {
    error: {
      code: error.code,
      message: error.message,
      remedy: error.remedy,
      request_id: requestId,
      ...(field !== undefined && { param: String(field) }),
    },
  };
}

function write(response: ServerResponse, status: number, reply: unknown): void {
  const isText = typeof reply === 'string';
  const bytes = Buffer.from(isText ? reply : JSON.stringify(reply));
  response.writeHead(status, {
    'content-type': isText ? 'text/plain; version=0.0.4; charset=utf-8' : 'application/json',
    'content-length': bytes.length,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
    'cross-origin-resource-policy': 'same-origin',
  });
  response.end(bytes);
}

const words = (cause: unknown): string => (cause instanceof Error ? (cause.stack ?? cause.message) : String(cause));
