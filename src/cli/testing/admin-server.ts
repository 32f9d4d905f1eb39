import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { OPERATIONS, type Operation, type OperationName } from '../../api/operations.ts';
import { rawPublicKey } from '../../core/signing.ts';

/** An admin API for the commands' tests: real HTTP, paths, queries and bodies judged by the real schemas, answers given by the test. */

export const TOKEN = `bha_${'t'.repeat(43)}`;

interface SeenCall {
  readonly name: OperationName;
  readonly path: Readonly<Record<string, string>>;
  readonly query: unknown;
  readonly body: unknown;
}

export interface Refusal {
  readonly status: number;
  readonly error: Readonly<Record<string, string>>;
}

type Answers = Partial<Record<OperationName, (call: SeenCall) => object>>;

export interface AdminServer {
  readonly url: string;
  readonly port: number;
  readonly seen: SeenCall[];
  readonly vaultKey: KeyObject;
  readonly sealingKey: string;
  answers: Answers;
  close(): Promise<void>;
}

export const refuse = (status: number, error: Readonly<Record<string, string>>): Refusal => ({ status, error });
const isRefusal = (answer: object): answer is Refusal => 'error' in answer && 'status' in answer;

export async function startAdminServer(): Promise<AdminServer> {
  const { privateKey } = generateKeyPairSync('x25519');
  const server = http.createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const admin: AdminServer = {
    url: `http://127.0.0.1:${port}`,
    port,
    seen: [],
    vaultKey: privateKey,
    sealingKey: rawPublicKey(privateKey),
    answers: {},
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };

  async function answer(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const send = (status: number, body: object): void => {
      response.writeHead(status, { 'content-type': 'application/json', 'x-bulkhead-request-id': 'req_TEST', connection: 'close' });
      response.end(JSON.stringify(body));
    };
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const url = new URL(request.url ?? '/', admin.url);
    if (url.pathname === '/health/live') return send(200, { status: 'ok' });
    if (request.headers.authorization !== `Bearer ${TOKEN}`) {
      return send(401, {
        error: {
          code: 'admin_token_invalid',
          message: 'The admin token is missing or not valid.',
          remedy: 'Run the command where the data folder is.',
          request_id: 'req_TEST',
        },
      });
    }
    const found = route(request.method ?? '', url.pathname);
    if (found === undefined)
      return send(404, { error: { code: 'unknown_endpoint', message: 'There is no endpoint.', remedy: 'None.', request_id: 'req_TEST' } });
    const text = Buffer.concat(chunks).toString('utf8');
    const call: SeenCall = {
      name: found.name,
      path: found.path,
      query: found.operation.query.parse(Object.fromEntries(url.searchParams)),
      body: found.operation.body.parse(text === '' ? {} : JSON.parse(text)),
    };
    admin.seen.push(call);
    const given = admin.answers[found.name]?.(call);
    if (given === undefined)
      return send(500, {
        error: { code: 'internal', message: `No answer for ${found.name} in this test.`, remedy: 'Give one.', request_id: 'req_TEST' },
      });
    if (isRefusal(given)) return send(given.status, { error: { request_id: 'req_TEST', ...given.error } });
    send(found.operation.status, given);
  }
  return admin;
}

function route(
  method: string,
  pathname: string,
): { readonly name: OperationName; readonly operation: Operation; readonly path: Readonly<Record<string, string>> } | undefined {
  const routes = Object.entries<Operation>(OPERATIONS)
    .filter(([, operation]) => operation.method === method)
    // Literal paths before those with parameters, as a router has them.
    .sort(([, a], [, b]) => Number(a.path.includes('{')) - Number(b.path.includes('{')));
  for (const [name, operation] of routes) {
    const match = new RegExp(`^${operation.path.replace(/\{(\w+)\}/g, '(?<$1>[^/]+)')}$`).exec(pathname);
    if (match !== null)
      return {
        name: name as OperationName,
        operation,
        path: Object.fromEntries(Object.entries(match.groups ?? {}).map(([key, value]) => [key, decodeURIComponent(value)])),
      };
  }
  return undefined;
}
