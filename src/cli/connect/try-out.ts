import http from 'node:http';
import https from 'node:https';
import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts';
import { CliFailure, EXIT, systemCode } from '../failure.ts';
import type { Connection, Dialect } from './connection.ts';

const PROMPT = 'Answer with the one word: connected';
/** Models that think need room before their first word. */
const MAX_TOKENS = 512;
const TIMEOUT_MS = 120_000;
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;

interface Question {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  body(model: string): JsonObject;
  /** The answer's text, as far as there is one. */
  text(answer: JsonObject): string;
}

const at = (value: Json | undefined, ...steps: readonly (string | number)[]): Json | undefined =>
  steps.reduce<Json | undefined>(
    (inner, step) =>
      typeof step === 'number'
        ? Array.isArray(inner)
          ? (inner as readonly Json[])[step]
          : undefined
        : isJsonObject(inner)
          ? inner[step]
          : undefined,
    value,
  );

/** Texts of the entries of a list that are of one type. */
const textsOf = (list: Json | undefined, type: string): string =>
  Array.isArray(list)
    ? (list as readonly Json[]).flatMap((part) => (at(part, 'type') === type ? [String(at(part, 'text') ?? '')] : [])).join('')
    : '';

const QUESTIONS: Readonly<Record<Dialect, Question>> = {
  'anthropic-messages': {
    path: '/v1/messages',
    headers: { 'anthropic-version': '2023-06-01' },
    body: (model) => ({ model, max_tokens: MAX_TOKENS, messages: [{ role: 'user', content: PROMPT }] }),
    text: (answer) => textsOf(answer['content'], 'text'),
  },
  'openai-responses': {
    path: '/v1/responses',
    headers: {},
    body: (model) => ({ model, max_output_tokens: MAX_TOKENS, store: false, input: PROMPT }),
    text: ({ output }) =>
      Array.isArray(output) ? (output as readonly Json[]).map((item) => textsOf(at(item, 'content'), 'output_text')).join('') : '',
  },
  'openai-chat': {
    path: '/v1/chat/completions',
    headers: {},
    body: (model) => ({ model, max_completion_tokens: MAX_TOKENS, messages: [{ role: 'user', content: PROMPT }] }),
    text: (answer) => String(at(answer, 'choices', 0, 'message', 'content') ?? ''),
  },
};

/** What one request through the gateway came to. */
export interface Trial {
  readonly path: string;
  readonly works: boolean;
  readonly status: number;
  /** From the request's first byte to the answer's last, as this program measured it. */
  readonly ms: number;
  readonly requestId: string | null;
  readonly provider: string | null;
  readonly model: string | null;
  /** The beginning of the answer, or why there is none. */
  readonly words: string;
}

/** Sends one small request as the client would. Throws CliFailure where no gateway answers. */
export async function tryOut(dialect: Dialect, { gateway, key, model }: Connection): Promise<Trial> {
  const question = QUESTIONS[dialect];
  const body = JSON.stringify(question.body(model));
  const headers = {
    authorization: `Bearer ${key}`,
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(body)),
    ...question.headers,
  };
  const started = performance.now();
  const { status, headers: answered, text } = await send(new URL(gateway + question.path), headers, body);
  const ms = Math.round(performance.now() - started);
  const answer = parsed(text);
  const works = status === 200 && answer !== undefined;
  const header = (name: string): string | null => (typeof answered[name] === 'string' ? answered[name] : null);
  return {
    path: question.path,
    works,
    status,
    ms,
    requestId: header('x-bulkhead-request-id'),
    provider: header('x-bulkhead-provider'),
    model: header('x-bulkhead-model'),
    words: (works ? question.text(answer) : String(at(answer, 'error', 'message') ?? 'It is no answer of Bulkhead’s.')).slice(0, 300),
  };
}

interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly text: string;
}

function send(url: URL, headers: Readonly<Record<string, string>>, body: string): Promise<Answer> {
  const { request } = url.protocol === 'https:' ? https : http;
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: 'POST', headers, agent: false, timeout: TIMEOUT_MS }, (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > MAX_ANSWER_BYTES) sent.destroy(new Error('the answer is too large'));
        else chunks.push(chunk);
      });
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text: Buffer.concat(chunks).toString('utf8') }),
      );
      response.on('error', (cause) => reject(unreachable(url, cause)));
    });
    sent.on('timeout', () => sent.destroy(new Error('no answer in time')));
    sent.on('error', (cause) => reject(unreachable(url, cause)));
    sent.end(body);
  });
}

const unreachable = (url: URL, cause: Error): CliFailure =>
  new CliFailure(
    {
      code: 'gateway_unreachable',
      message: `No gateway answers at ${url.origin}: ${systemCode(cause) ?? cause.message}.`,
      remedy:
        'See: bulkhead doctor. If clients reach it at another address, name that with --gateway; a certificate of your own goes into NODE_EXTRA_CA_CERTS.',
      exit: EXIT.failed,
    },
    { cause },
  );

function parsed(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? value : undefined;
  } catch {
    // Told by the caller, with the status.
    return undefined;
  }
}
