import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { isJsonObject, type JsonObject } from '../core/json.ts';
import type { Child } from '../ipc/child.ts';
import { chatAnswer, completionAnswer, embeddingsAnswer, type Answer } from './answers.ts';
import { behaviourOf, SANDBOX_MODELS, type Behaviour } from './models.ts';

/**
 * The sandbox is a provider without a provider: an OpenAI-compatible server on the loopback, reached by the vault like any
 * other upstream, so that trying things out takes the whole real way. It keeps nothing and reaches nothing.
 */

const MAX_BODY_BYTES = 64 * 1024 * 1024;

export function serveSandbox(child: Child): Promise<void> {
  const server = createSandbox();
  const { http: fd } = child.boot.listen;
  if (fd === undefined) return child.failed('the sandbox got no socket to listen on');
  child.onDrain(() => new Promise((resolve) => server.close(() => resolve())));
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ fd }, () => {
      child.ready();
      resolve();
    });
  });
}

/** Starts the sandbox by itself on a free port of the loopback: for tests. */
export async function listenSandbox(): Promise<{ readonly origin: string; close(): Promise<void> }> {
  const server = createSandbox();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { origin: `http://127.0.0.1:${port}`, close };
}

function createSandbox(): http.Server {
  const server = http.createServer({ noDelay: true, keepAliveTimeout: 120_000 }, (request, response) => {
    response.setHeader('x-request-id', String(request.headers['x-client-request-id'] ?? 'req_sandbox'));
    handle(request, response).catch((error: unknown) => {
      if (response.headersSent) response.destroy();
      else refuse(response, 400, 'invalid_request_error', null, error instanceof Error ? error.message : String(error));
    });
  });
  return server;
}

async function handle(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
  const path = new URL(request.url ?? '/', 'http://sandbox').pathname;
  if (request.method === 'GET' && path === '/v1/models') return send(response, 200, { object: 'list', data: MODELS });
  if (request.method === 'GET' && path.startsWith('/v1/models/')) return send(response, 200, modelRow(decodeURIComponent(path.slice(11))));
  if (request.method !== 'POST')
    return refuse(response, 404, 'invalid_request_error', 'unknown_url', `Unknown request URL: ${request.method} ${path}`);
  const asked = await readJson(request);
  const model = typeof asked['model'] === 'string' ? asked['model'] : 'echo';
  const behaviour = behaviourOf(model);
  if (behaviour.kind === 'error')
    return refuse(response, behaviour.status, 'sandbox_error', `error_${behaviour.status}`, 'This model always fails.');
  if (behaviour.kind === 'rate-limit') return rateLimit(response);
  if (behaviour.kind === 'answer' && behaviour.waitMs > 0) await pause(behaviour.waitMs);
  switch (path) {
    case '/v1/chat/completions':
      return respond(response, asked, chatAnswer(asked, model, behaviour), behaviour);
    case '/v1/completions':
      return respond(response, asked, completionAnswer(asked, model, behaviour), behaviour);
    case '/v1/embeddings':
      return send(response, 200, embeddingsAnswer(asked, model));
    default:
      return refuse(response, 404, 'invalid_request_error', 'unknown_url', `Unknown request URL: POST ${path}`);
  }
}

const modelRow = (id: string): JsonObject => ({ id, object: 'model', created: 1_767_225_600, owned_by: 'bulkhead-sandbox' });
const MODELS = SANDBOX_MODELS.map(({ name }) => modelRow(name.replace('<n>', name.startsWith('error') ? '500' : '20')));

async function readJson(request: http.IncomingMessage): Promise<JsonObject> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) throw new Error(`the body is larger than ${MAX_BODY_BYTES} bytes`);
    chunks.push(chunk);
  }
  const value: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8'));
  if (!isJsonObject(value)) throw new Error('the body is not a JSON object');
  return value;
}

function respond(response: http.ServerResponse, asked: JsonObject, answer: Answer, behaviour: Behaviour): Promise<void> | void {
  if (asked['stream'] === true) return stream(response, answer.events, behaviour);
  if (behaviour.kind !== 'cut') return send(response, 200, answer.whole);
  const body = JSON.stringify(answer.whole);
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
  response.write(body.slice(0, body.length / 2), () => response.destroy());
}

async function stream(response: http.ServerResponse, events: readonly JsonObject[], behaviour: Behaviour): Promise<void> {
  const paceMs = behaviour.kind === 'answer' ? behaviour.paceMs : 0;
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' });
  const cutAt = behaviour.kind === 'cut' ? Math.ceil(events.length / 2) : Infinity;
  for (const [i, event] of events.entries()) {
    if (response.destroyed) return;
    if (i === cutAt) return void response.write('data: {"id":', () => response.destroy());
    if (!response.write(`data: ${JSON.stringify(event)}\n\n`)) await writable(response);
    if (paceMs > 0) await pause(paceMs);
  }
  response.end('data: [DONE]\n\n');
}

/** Resolves as well when the client is gone: `drain` never comes then. */
const writable = (response: http.ServerResponse): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done);
      response.off('close', done);
      resolve();
    };
    response.once('drain', done);
    response.once('close', done);
  });

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

function send(response: http.ServerResponse, status: number, body: JsonObject): void {
  const text = JSON.stringify(body);
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }).end(text);
}

function refuse(response: http.ServerResponse, status: number, type: string, code: string | null, message: string): void {
  send(response, status, { error: { message, type, param: null, code } });
}

function rateLimit(response: http.ServerResponse): void {
  const headers = {
    'retry-after': '2',
    'x-ratelimit-limit-requests': '60',
    'x-ratelimit-remaining-requests': '0',
    'x-ratelimit-reset-requests': '2s',
  };
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  refuse(response, 429, 'rate_limit_error', 'rate_limit_exceeded', 'Rate limit reached for the sandbox. Try again in 2 s.');
}
