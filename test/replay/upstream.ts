import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { readAnswer, type RecordedAnswer } from './cases.ts';

/**
 * A provider made of recordings. The model name says what to answer, in the body (JSON or a form) or, percent-encoded or not, in the path
 * (`/models/{model}:generateContent`, `/model/{model}/converse`, `/deployments/{model}/…`): `case:PROVIDER/ENDPOINT/CASE`, with options behind
 * `|`; `~` may stand for each slash, where a slash would end a segment of the path. Options: `cut=N` breaks the connection after N body bytes, `stop=N` ends the answer there as if it were whole, `pieces=N` sends pieces of N bytes, `delay=MS` waits before each piece.
 * It remembers what it saw, so that tests can hold the ledger against it.
 */
interface SeenRequest {
  readonly requestId: string | undefined;
  readonly method: string;
  readonly path: string;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Buffer;
  /** True when the client went away before the answer was whole. */
  aborted: boolean;
}

export interface ReplayUpstream {
  readonly origin: string;
  readonly seen: SeenRequest[];
  close(): Promise<void>;
}

export type Answerer = (request: SeenRequest, response: http.ServerResponse) => void | Promise<void>;

interface Options {
  readonly cut: number | undefined;
  readonly stop: number | undefined;
  readonly pieces: number | undefined;
  readonly delay: number;
}

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export async function startReplayUpstream(answer: Answerer = answerFromModel): Promise<ReplayUpstream> {
  const seen: SeenRequest[] = [];
  const server = http.createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const entry: SeenRequest = {
        requestId: request.headers['x-client-request-id'] as string | undefined,
        method: request.method ?? '',
        path: request.url ?? '',
        headers: request.headers,
        body: Buffer.concat(chunks),
        aborted: false,
      };
      seen.push(entry);
      response.on('close', () => (entry.aborted = !response.writableFinished));
      Promise.resolve(answer(entry, response)).catch((error: unknown) => {
        response.writeHead(500, { 'content-type': 'application/json' });
        response.end(JSON.stringify({ error: { message: String(error), type: 'replay_error', param: null, code: null } }));
      });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** A case's name has three parts; only its last may have options, and none holds what ends a model in a path. */
const NAME_IN_PATH = /case:(?:[^/?:~]+~[^/?:~]+~[^/?:]+|[^/?:]+\/[^/?:]+\/[^/?:]+)/;
const NAME_IN_FORM = /name="model"[^\r\n]*\r\n(?:[^\r\n]+\r\n)*\r\n([^\r\n]*)\r\n/;

/** The model that a request asks for; undefined where it names none. */
function modelOf({ path, headers, body }: SeenRequest): string | undefined {
  const inPath = NAME_IN_PATH.exec(decodeURIComponent(path))?.[0];
  if (inPath !== undefined) return inPath;
  if (headers['content-type']?.startsWith('multipart/form-data') === true) return NAME_IN_FORM.exec(body.toString('latin1'))?.[1];
  const { model } = JSON.parse(body.toString('utf8') || '{}') as { model?: string };
  return model;
}

async function answerFromModel(request: SeenRequest, response: http.ServerResponse): Promise<void> {
  const model = modelOf(request);
  const [name = '', ...flags] = (model ?? '').split('|');
  if (!name.startsWith('case:')) {
    response.writeHead(404, { 'content-type': 'application/json' });
    return void response.end(
      JSON.stringify({ error: { message: `no such case ${model}`, type: 'invalid_request_error', param: null, code: 'model_not_found' } }),
    );
  }
  const option = (key: string): number | undefined => {
    const found = flags.find((flag) => flag.startsWith(`${key}=`));
    return found === undefined ? undefined : Number(found.slice(key.length + 1));
  };
  await sendRecorded(readAnswer(name.slice('case:'.length).replaceAll('~', '/')), response, {
    cut: option('cut'),
    stop: option('stop'),
    pieces: option('pieces'),
    delay: option('delay') ?? 0,
  });
}

/** Framings of answers that grow while they are sent; others have a known length. */
const STREAMED: ReadonlySet<RecordedAnswer['framing']> = new Set(['sse', 'ndjson', 'aws-eventstream', 'json-array']);

async function sendRecorded(answer: RecordedAnswer, response: http.ServerResponse, { cut, stop, pieces, delay }: Options): Promise<void> {
  response.writeHead(
    answer.status,
    STREAMED.has(answer.framing) ? answer.headers : { ...answer.headers, 'content-length': String(answer.body.length) },
  );
  const body = answer.body.subarray(0, cut ?? stop ?? answer.body.length);
  const step = pieces ?? Math.max(body.length, 1);
  for (let at = 0; at < body.length && !response.destroyed; at += step) {
    if (delay > 0) await wait(delay);
    response.write(body.subarray(at, at + step));
    if (pieces !== undefined) await new Promise((resolve) => setImmediate(resolve));
  }
  if (cut === undefined) return void response.end();
  await wait(5);
  response.socket?.destroy();
}
