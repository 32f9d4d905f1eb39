import http from 'node:http';
import type { Json, JsonObject } from '../../src/core/json.ts';
import { anthropicMessages } from '../conformance/protocols/anthropic-messages.ts';
import { gemini } from '../conformance/protocols/gemini.ts';
import { openaiChat } from '../conformance/protocols/openai-chat.ts';
import { openaiResponses } from '../conformance/protocols/openai-responses.ts';
import type { ConformingProtocol } from '../conformance/protocols/protocol.ts';
import { framed } from '../conformance/reading.ts';
import { isObject } from '../conformance/same.ts';

/** The protocols that clients speak to the gateway, over a socket: where they ask, with what, and how what comes back is read. */
export interface ProtocolClient {
  readonly name: string;
  readonly protocol: ConformingProtocol;
  path(model: string, stream: boolean): string;
  headers(key: string): Readonly<Record<string, string>>;
  /** A small request that asks for all that an answer can tell. */
  readonly least: JsonObject;
  /** The body as it asks for this model and this kind of answer. */
  asking(body: JsonObject, model: string, stream: boolean): JsonObject;
  /** A stream's bytes as the official client of the protocol is sent them. */
  readable(stream: Buffer): Buffer;
  /** What an error's body must hold: the words, or undefined where it is none of the protocol. */
  errorWords(body: Json, status: number): string | undefined;
}

const JSON_TYPE = { 'content-type': 'application/json' };
const bearer = (key: string): Readonly<Record<string, string>> => ({ ...JSON_TYPE, authorization: `Bearer ${key}` });
const textOf = (value: Json | undefined): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);
const memberOf = (body: Json | undefined, name: string): Json | undefined => (isObject(body) ? body[name] : undefined);

const inBody = (body: JsonObject, model: string, stream: boolean): JsonObject => ({
  ...body,
  model,
  ...(stream ? { stream: true } : {}),
});

function openaiWords(body: Json): string | undefined {
  const error = memberOf(body, 'error');
  const isWhole = isObject(error) && ['type', 'param', 'code'].every((name) => error[name] !== undefined);
  return isWhole ? textOf(error['message']) : undefined;
}

const openai = (protocol: ConformingProtocol, path: string, least: JsonObject): ProtocolClient => ({
  name: protocol.id,
  protocol,
  path: () => path,
  headers: bearer,
  least,
  asking: inBody,
  readable: (stream) => stream,
  errorWords: openaiWords,
});

const chat: ProtocolClient = {
  ...openai(openaiChat, '/v1/chat/completions', { messages: [{ role: 'user', content: 'any' }] }),
  asking: (body, model, stream) => ({
    ...inBody(body, model, stream),
    // Without being asked, no stream of this protocol tells its usage.
    ...(stream && body === chat.least ? { stream_options: { include_usage: true } } : {}),
  }),
};

const responses = openai(openaiResponses, '/v1/responses', { input: 'any', store: false });

const messages: ProtocolClient = {
  name: 'anthropic-messages',
  protocol: anthropicMessages,
  path: () => '/v1/messages',
  headers: (key) => ({ ...JSON_TYPE, 'x-api-key': key, 'anthropic-version': '2023-06-01' }),
  least: { max_tokens: 1024, messages: [{ role: 'user', content: 'any' }] },
  asking: inBody,
  readable: (stream) => stream,
  errorWords(body) {
    const error = memberOf(body, 'error');
    return memberOf(body, 'type') === 'error' && textOf(memberOf(error, 'type')) !== undefined
      ? textOf(memberOf(error, 'message'))
      : undefined;
  },
};

const geminiAt = (alt: string): Omit<ProtocolClient, 'name' | 'readable'> => ({
  protocol: gemini,
  path: (model, stream) => `/v1beta/models/${encodeURIComponent(model)}:${stream ? `streamGenerateContent${alt}` : 'generateContent'}`,
  headers: (key) => ({ ...JSON_TYPE, 'x-goog-api-key': key }),
  least: { contents: [{ role: 'user', parts: [{ text: 'any' }] }] },
  asking: (body) => body,
  errorWords(body, status) {
    const error = memberOf(body, 'error');
    return memberOf(error, 'code') === status && textOf(memberOf(error, 'status')) !== undefined
      ? textOf(memberOf(error, 'message'))
      : undefined;
  },
});

const geminiEvents: ProtocolClient = { ...geminiAt('?alt=sse'), name: 'gemini with alt=sse', readable: (stream) => stream };

/** Google's client reads events alone; without `alt=sse` there is one JSON array, whose elements are the events' data. */
const geminiArray: ProtocolClient = {
  ...geminiAt(''),
  name: 'gemini without alt=sse',
  readable: (stream) => framed((JSON.parse(stream.toString('utf8')) as readonly Json[]).map((item) => ({ data: JSON.stringify(item) }))),
};

export const PROTOCOL_CLIENTS: readonly ProtocolClient[] = [chat, responses, messages, geminiEvents, geminiArray];

export interface WireAnswer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Buffer;
  /** False: the connection broke before the answer was whole. */
  readonly isWhole: boolean;
}

const agent = new http.Agent({ keepAlive: true, maxSockets: 8 });
export const closeConnections = (): void => agent.destroy();

/** Everything that came back, however it ended. Rejects where nothing did. */
export function post(url: string, headers: Readonly<Record<string, string>>, body: JsonObject): Promise<WireAnswer> {
  return new Promise((resolve, reject) => {
    const request = http.request(url, { method: 'POST', headers, agent }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      // Told by `complete`: what broke off is a result here.
      response.on('error', () => undefined);
      response.on('close', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: Buffer.concat(chunks),
          isWhole: response.complete,
        }),
      );
    });
    request.on('error', reject);
    request.end(JSON.stringify(body));
  });
}

/** All results, in order, a few at a time. */
export async function eachOf<T, R>(items: readonly T[], work: (item: T) => Promise<R>, atOnce = 8): Promise<readonly R[]> {
  const results: R[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < items.length) {
      const at = next++;
      results[at] = await work(items[at] as T);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return results;
}
