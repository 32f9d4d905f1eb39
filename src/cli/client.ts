import http from 'node:http';
import type { BodyInputOf, OperationName, ReplyOf } from '../api/operations.ts';
import { isJsonObject, type JsonObject } from '../core/json.ts';
import { CliFailure, EXIT, systemCode } from './failure.ts';

/** What a call names: path parameters, query, body. */
interface CallInput<Name extends OperationName> {
  readonly path?: Readonly<Record<string, string>>;
  /** Absent values are left out. */
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: BodyInputOf<Name>;
}

/** Speaks to the admin API of one node. Refusals become `CliFailure` with the server's own words. */
export interface AdminClient {
  call<Name extends OperationName>(name: Name, input?: CallInput<Name>): Promise<ReplyOf<Name>>;
}

export interface ClientOptions {
  /** `http://127.0.0.1:4101` */
  readonly url: string;
  /** Read with the first call. */
  readonly token: () => string;
  readonly timeoutMs?: number;
}

/** A revoke waits for every process, a `try` for a provider. */
const USUAL_TIMEOUT_MS = 60_000;
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

export function adminClient({ url, token, timeoutMs = USUAL_TIMEOUT_MS }: ClientOptions): AdminClient {
  const base = checkedUrl(url);
  return {
    call: async (name, input = {}) => {
      // The schemas are loaded only by commands that talk to a node.
      const { OPERATIONS } = await import('../api/operations.ts');
      const operation = OPERATIONS[name];
      const target = new URL(filled(operation.path, input.path ?? {}), base);
      for (const [key, value] of Object.entries(input.query ?? {})) if (value !== undefined) target.searchParams.set(key, value);
      const text = input.body === undefined ? undefined : JSON.stringify(input.body);
      const headers: http.OutgoingHttpHeaders = { authorization: `Bearer ${token()}`, accept: 'application/json' };
      if (text !== undefined) Object.assign(headers, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
      const answer = await exchange(target, { method: operation.method, headers, agent: false, timeout: timeoutMs }, text);
      const checked = operation.reply.safeParse(accepted(answer, base));
      if (checked.success) return checked.data as ReplyOf<typeof name>;
      throw new CliFailure({
        code: 'unexpected_answer',
        message: `The node answered ${name} in a form that this program does not know.`,
        remedy: 'Use the bulkhead command of the same version as the node.',
      });
    },
  };
}

const filled = (path: string, values: Readonly<Record<string, string>>): string =>
  path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(values[name] ?? ''));

function checkedUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'http:' && url.username === '' && url.pathname === '/') return url.origin;
  throw new CliFailure({
    code: 'usage',
    message: 'The address given with --url is not one of an admin API.',
    remedy: 'Write it like http://127.0.0.1:4101. The admin API speaks plain HTTP: reach another machine’s through an SSH tunnel.',
    exit: EXIT.unusable,
  });
}

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly requestId: string | undefined;
}

/** One request, its whole answer. Any failure below HTTP means that no node is there. */
export function exchange(url: URL, options: http.RequestOptions, body?: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = http.request(url, options, (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > MAX_ANSWER_BYTES) request.destroy(new Error('the answer is too large'));
        else chunks.push(chunk);
      });
      response.on('end', () => {
        const requestId = response.headers['x-bulkhead-request-id'];
        resolve({
          status: response.statusCode ?? 0,
          text: Buffer.concat(chunks).toString('utf8'),
          requestId: typeof requestId === 'string' ? requestId : undefined,
        });
      });
      response.on('error', (cause) => reject(unreachable(url, cause)));
    });
    request.on('timeout', () => request.destroy(new Error('no answer in time')));
    request.on('error', (cause) => reject(unreachable(url, cause)));
    request.end(body);
  });
}

function unreachable(url: URL, cause: Error): CliFailure {
  const reason = systemCode(cause) === 'ECONNREFUSED' ? 'nothing listens there' : (systemCode(cause) ?? cause.message);
  return new CliFailure(
    {
      code: 'node_unreachable',
      message: `No node answers at ${url.origin}: ${reason}.`,
      remedy:
        'Start it with: bulkhead up. If it runs elsewhere, name its data folder with --data, or its address with --url and --token-file.',
      exit: EXIT.unusable,
    },
    { cause },
  );
}

function accepted({ status, text, requestId }: Answer, base: string): JsonObject {
  const body = parse(text);
  if (status >= 200 && status < 300 && body !== undefined) return body;
  const error = isJsonObject(body?.['error']) ? body['error'] : undefined;
  const word = (name: string): string | undefined => (typeof error?.[name] === 'string' ? error[name] : undefined);
  const id = word('request_id') ?? requestId;
  throw new CliFailure({
    code: word('code') ?? 'unexpected_answer',
    message: word('message') ?? `${base} answered ${status} with something that is not the admin API’s.`,
    remedy: word('remedy') ?? 'Check the address: the admin API is at `control` in bulkhead.yaml, not at `listen`.',
    ...(id === undefined ? {} : { requestId: id }),
  });
}

function parse(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? value : undefined;
  } catch {
    // Not JSON: the caller reports it with the status.
    return undefined;
  }
}
