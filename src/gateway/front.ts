import type { IncomingMessage, ServerResponse } from 'node:http';
import { BulkheadError } from '../core/errors.ts';
import { newRequestId, type ProviderId, type RequestId } from '../core/ids.ts';
import type { Outcome } from '../core/usage.ts';
import { findRaw } from '../endpoints/raw.ts';
import { findEndpoint } from '../endpoints/registry.ts';
import type { Endpoint, ForwardEndpoint, Found, LocalEndpoint, StoredEndpoint } from '../endpoints/endpoint.ts';
import { checkHead, type Head } from '../http/head.ts';
import { writeError, writeJson } from '../http/respond.ts';
import { NATIVE } from '../wire/native.ts';
import type { Deps } from './deps.ts';
import { Exchange } from './exchange.ts';
import { asBulkheadError, wireError } from './failure.ts';
import { serveLocal } from './local.ts';
import { closeIfUnread } from './refuse.ts';
import { serveRequest } from './pipeline.ts';
import { serveStored } from './stored.ts';
import type { Policy } from './policy-store.ts';

export interface FrontOptions {
  readonly policy: () => Policy | undefined;
  /** Names of what is away: `policy`, `vault-0`, `ledger`. */
  readonly missing: () => readonly string[];
}

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];
/** Names of models hold slashes, and some clients encode them. */
const ENCODED_SLASH_BEHIND = ['/v1/models/', '/v1beta/models/'];

interface Arrival {
  readonly id: RequestId;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly policy: Policy;
  readonly arrived: number;
}

/** The first to see a request: checks its head, finds its endpoint, and writes one line when it is over. */
export function front(deps: Deps, options: FrontOptions): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => {
    const id = newRequestId(deps.clock.now());
    const arrived = deps.clock.monotonic();
    const policy = options.policy();
    if (policy === undefined) return writeError(response, new BulkheadError('admission_unavailable'), id);
    const arrival: Arrival = { id, request, response, policy, arrived };
    let endpoint: Endpoint | undefined;
    try {
      const head = checkHead(request, {
        headers: policy.snapshot.limits.headers,
        headBytes: policy.snapshot.limits.headBytes,
        proxies: policy.proxies,
        encodedSlashBehind: ENCODED_SLASH_BEHIND,
      });
      if (policy.cors.answerPreflight(request, response, METHODS)) return;
      if (head.origin !== '') for (const [name, value] of policy.cors.headers(head.origin)) response.setHeader(name, value);
      const found =
        findRaw(head.method, head.path, (name) => policy.providers.has(name as ProviderId)) ?? findEndpoint(head.method, head.path);
      endpoint = found.endpoint;
      if (isForward(found)) forward(arrival, found, head, deps);
      else if (found.endpoint.kind === 'stored') stored(arrival, found.endpoint, found.name ?? '', head, deps);
      else void local(arrival, found as Found<LocalEndpoint>, head, deps, options.missing());
    } catch (thrown) {
      refuseEarly(arrival, endpoint, thrown, deps);
    }
  };
}

const isForward = (found: Found): found is Found<ForwardEndpoint> => found.endpoint.kind === 'forward';

function forward(arrival: Arrival, { endpoint, name, raw }: Found<ForwardEndpoint>, head: Head, deps: Deps): void {
  const exchange = new Exchange({ ...arrival, endpoint, pathModel: name, raw, head }, deps.clock);
  void concluded(exchange, serveRequest(exchange, deps), deps);
}

/** One that its provider keeps is asked of it as it is, like any other path of a provider. */
function stored(arrival: Arrival, endpoint: StoredEndpoint, id: string, head: Head, deps: Deps): void {
  const { method, path } = endpoint;
  const asked: ForwardEndpoint = { kind: 'forward', id: endpoint.id, method, path, protocol: 'raw', operation: 'raw', body: 'any' };
  const exchange = new Exchange({ ...arrival, endpoint: asked, pathModel: undefined, raw: undefined, head }, deps.clock);
  void concluded(exchange, serveStored(exchange, endpoint, id, deps), deps);
}

async function concluded(exchange: Exchange, served: Promise<void>, deps: Deps): Promise<void> {
  deps.metrics.activeRequests.add(1);
  await served;
  deps.metrics.activeRequests.add(-1);
  conclude(exchange, deps);
}

/** Counts and, where the policy says so, logs. No content. */
function conclude(exchange: Exchange, { metrics, log }: Deps): void {
  const { response, endpoint, head, attempts, policy } = exchange;
  const last = attempts.at(-1);
  const outcome: Outcome | 'refused' | 'local' = exchange.answeredHere
    ? 'local'
    : exchange.gone && last === undefined
      ? 'cancelled'
      : (last?.outcome ?? 'refused');
  const status = response.headersSent ? response.statusCode : 0;
  metrics.request(endpoint.id, status, outcome, exchange.elapsedMs);
  if (exchange.firstByteMs !== undefined) metrics.firstByte(exchange.firstByteMs);
  if (!policy.snapshot.logRequests) return;
  log.info('request', {
    request_id: exchange.id,
    method: head.method,
    path: head.path,
    status,
    outcome,
    duration_ms: Math.round(exchange.elapsedMs * 1000) / 1000,
    attempts: attempts.length,
    address: head.clientAddress,
    ...exchange.facts,
    ...(exchange.refusedWith === undefined ? {} : { code: exchange.refusedWith }),
    ...(last === undefined ? {} : { provider: last.target.provider.policy.id, model: last.target.model }),
  });
}

async function local(
  arrival: Arrival,
  { endpoint, name = '' }: Found<LocalEndpoint>,
  head: Head,
  deps: Deps,
  missing: readonly string[],
): Promise<void> {
  try {
    await serveLocal({ ...arrival, endpoint, name, head, missing }, deps);
    deps.metrics.request(endpoint.id, arrival.response.statusCode, 'local', deps.clock.monotonic() - arrival.arrived);
  } catch (thrown) {
    refuseEarly(arrival, endpoint, thrown, deps);
  }
}

/** A refusal before there is an exchange: in the endpoint's protocol where there is an endpoint. */
function refuseEarly(
  { id, request, response, policy, arrived }: Arrival,
  endpoint: Endpoint | undefined,
  thrown: unknown,
  { log, metrics, clock }: Deps,
): void {
  const error = asBulkheadError(thrown);
  metrics.refused(error.code);
  metrics.request(endpoint?.id ?? 'none', error.row.status, 'refused', clock.monotonic() - arrived);
  if (error.code === 'internal')
    log.error('request.failed', { request_id: id, cause: thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown) });
  else if (policy.snapshot.logRequests) {
    log.info('request', {
      request_id: id,
      method: request.method ?? '',
      path: (request.url ?? '').split('?', 1)[0] ?? '',
      status: error.row.status,
      code: error.code,
      outcome: 'refused',
    });
  }
  if (error.code === 'method_not_allowed') response.setHeader('allow', String(error.values['allowed']));
  const body = NATIVE[endpoint?.protocol ?? 'openai-chat'].errors.encodeError(wireError(error), id);
  closeIfUnread(request, response);
  writeJson(response, error.row.status, body, id);
}
