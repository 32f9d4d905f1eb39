import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { GoogleGenAI } from '@google/genai';
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import type { Json, JsonObject } from '../../src/core/json.ts';
import type { Operation } from '../../src/routing/operation.ts';
import type { WireProtocolId } from '../../src/wire/protocol.ts';
import { answering } from '../conformance/reading.ts';
import { requestOf } from '../conformance/recorded.ts';
import { isObject } from '../conformance/same.ts';
import { listCases, readAnswer, type CaseIndex } from '../replay/cases.ts';
import { startReplayUpstream, type ReplayUpstream } from '../replay/upstream.ts';
import { ledgerRows } from './ledger-rows.ts';
import { startNode, type RunningNode } from './node.ts';
import { closeConnections, post, type WireAnswer } from './protocol-clients.ts';
import { modelFor, providersAt } from './recorded-way.ts';

/** Embeddings, rerank and token counts: every client's call against every recording, through the processes of a whole node. */

interface Recorded {
  readonly entry: CaseIndex;
  readonly operation: Operation;
  readonly protocol: WireProtocolId;
  /** Gemini has two calls for embeddings, whose answers have different shapes. */
  readonly call?: string;
}

interface Client {
  readonly name: string;
  readonly operation: Operation;
  readonly protocol: WireProtocolId;
  readonly call?: string;
  path(model: string): string;
  /** A small request for as many results as were recorded. */
  least(count: number): JsonObject;
  /** What the official client hands out, in words that all share. Rerank has none: its results are read from the JSON. */
  read(body: Buffer): Promise<unknown>;
}

const NO_EMBEDDINGS = 'openai/embeddings/ruby-openai-usage-embeddings';

function recordedAs(entry: CaseIndex): Omit<Recorded, 'entry'> | undefined {
  const { provider, endpoint } = entry;
  const isVertex = provider === 'vertex';
  switch (endpoint) {
    case 'embeddings':
      return { operation: 'embeddings', protocol: 'openai-embeddings' };
    case 'embed':
      return { operation: 'embeddings', protocol: 'cohere-embeddings' };
    case 'embed-content':
    case 'batch-embed-contents':
      return { operation: 'embeddings', protocol: 'gemini-embeddings', call: endpoint };
    case 'predict':
      return { operation: 'embeddings', protocol: 'vertex-embeddings' };
    case 'rerank':
      return { operation: 'rerank', protocol: provider === 'cohere' ? 'cohere-rerank' : 'jina-rerank' };
    case 'count-tokens':
      if (provider === 'anthropic') return { operation: 'count-tokens', protocol: 'anthropic-count-tokens' };
      return { operation: 'count-tokens', protocol: isVertex ? 'vertex-count-tokens' : 'gemini-count-tokens' };
    default:
      return undefined;
  }
}

const RECORDED: readonly Recorded[] = listCases().flatMap((entry) => {
  const found = recordedAs(entry);
  return found === undefined || entry.case === NO_EMBEDDINGS ? [] : [{ entry, ...found }];
});

const texts = (count: number): string[] => Array.from({ length: count }, (_, index) => `text ${index}`);
const content = (text: string): JsonObject => ({ parts: [{ text }] });
const google = (body: Buffer): GoogleGenAI =>
  new GoogleGenAI({ apiKey: 'none', httpOptions: { baseUrl: 'http://gateway.test', fetch: answering(body, false) } });
const parsed = (body: Buffer): JsonObject => JSON.parse(body.toString('utf8')) as JsonObject;
const at = (method: string) => (model: string) => `/v1beta/models/${encodeURIComponent(model)}:${method}`;
const valuesOf = (body: Buffer) => async (): Promise<unknown> =>
  (await google(body).models.embedContent({ model: 'any', contents: ['any'] })).embeddings?.map(({ values }) => values);

const CLIENTS: readonly Client[] = [
  {
    name: 'openai embeddings',
    operation: 'embeddings',
    protocol: 'openai-embeddings',
    path: () => '/v1/embeddings',
    least: (count) => ({ input: texts(count) }),
    async read(body) {
      const client = new OpenAI({ apiKey: 'none', maxRetries: 0, fetch: answering(body, false) });
      const { data } = await client.embeddings.create({ model: 'any', input: 'any', encoding_format: 'float' });
      return data.map(({ embedding }) => numbersOf(embedding));
    },
  },
  {
    name: 'gemini batchEmbedContents',
    operation: 'embeddings',
    protocol: 'gemini-embeddings',
    call: 'batch-embed-contents',
    path: at('batchEmbedContents'),
    least: (count) => ({ requests: texts(count).map((text) => ({ content: content(text) })) }),
    read: (body) => valuesOf(body)(),
  },
  {
    name: 'gemini embedContent',
    operation: 'embeddings',
    protocol: 'gemini-embeddings',
    call: 'embed-content',
    path: at('embedContent'),
    least: () => ({ content: content('any') }),
    async read(body) {
      const { embedding } = parsed(body) as { embedding?: { values?: readonly number[] } };
      return [embedding?.values];
    },
  },
  ...['/v1/rerank', '/v2/rerank'].map((path): Client => ({
    name: path,
    operation: 'rerank',
    protocol: 'cohere-rerank',
    path: () => path,
    least: (count) => ({ query: 'any', documents: texts(Math.max(count, 8)) }),
    read: async (body) => ranked(parsed(body)),
  })),
  {
    name: 'anthropic count_tokens',
    operation: 'count-tokens',
    protocol: 'anthropic-count-tokens',
    path: () => '/v1/messages/count_tokens',
    least: () => ({ messages: [{ role: 'user', content: 'any' }] }),
    async read(body) {
      const client = new Anthropic({ apiKey: 'none', maxRetries: 0, fetch: answering(body, false) });
      return (await client.messages.countTokens({ model: 'any', messages: [{ role: 'user', content: 'any' }] })).input_tokens;
    },
  },
  {
    name: 'gemini countTokens',
    operation: 'count-tokens',
    protocol: 'gemini-count-tokens',
    path: at('countTokens'),
    least: () => ({ contents: [{ role: 'user', ...content('any') }] }),
    read: async (body) => (await google(body).models.countTokens({ model: 'any', contents: 'any' })).totalTokens,
  },
];

/** Little-endian 32-bit floats in base64 are how OpenAI and Voyage pack a vector. */
function numbersOf(vector: Json | undefined): readonly number[] {
  if (typeof vector !== 'string') return vector as readonly number[];
  const bytes = Buffer.from(vector, 'base64');
  return Array.from({ length: bytes.length / 4 }, (_, index) => bytes.readFloatLE(index * 4));
}

const listOf = (value: Json | undefined): readonly JsonObject[] =>
  Array.isArray(value) ? (value as readonly Json[]).filter((item) => isObject(item)) : [];

function ranked(body: JsonObject): unknown {
  return listOf(body['results'] ?? body['data']).map(({ index, relevance_score: score }) => ({ index, score }));
}

/** What the recording says, read without any code of ours. */
function saidBy({ protocol }: Recorded, body: JsonObject): unknown {
  switch (protocol) {
    case 'openai-embeddings':
      return listOf(body['data']).map(({ embedding }) => numbersOf(embedding));
    case 'cohere-embeddings':
      return (body['embeddings'] as { float: unknown }).float;
    case 'gemini-embeddings':
      return listOf(body['embeddings'] ?? [body['embedding'] ?? null]).map(({ values }) => values);
    case 'anthropic-count-tokens':
      return body['input_tokens'];
    case 'gemini-count-tokens':
    case 'vertex-count-tokens':
      return body['totalTokens'];
    default:
      return ranked(body);
  }
}

/** Input tokens that the provider names, where it names any. */
function tokensOf({ protocol, entry }: Recorded): number | undefined {
  const body = parsed(readAnswer(entry.case).body);
  if (protocol === 'openai-embeddings') return (body['usage'] as { prompt_tokens?: number } | undefined)?.prompt_tokens;
  if (protocol !== 'cohere-embeddings') return undefined;
  const meta = body['meta'] as { tokens?: { input_tokens?: number }; billed_units?: { input_tokens?: number } } | undefined;
  return meta?.tokens?.input_tokens ?? meta?.billed_units?.input_tokens;
}

const countOf = (said: unknown): number => (Array.isArray(said) ? said.length : 1);

describe('embeddings, rerank and token counts through a whole node', () => {
  let upstream: ReplayUpstream;
  let node: RunningNode;
  let key: string;
  const sent: { readonly recorded: Recorded; readonly requestId: string }[] = [];

  before(async () => {
    upstream = await startReplayUpstream();
    node = await startNode({ config: providersAt(upstream.origin) });
    key = await node.newKey();
  });

  after(async () => {
    closeConnections();
    await node.stop();
    await upstream.close();
  });

  async function asked(client: Client, recorded: Recorded, model: string): Promise<WireAnswer> {
    const { entry } = recorded;
    const said = entry.status === 200 ? saidBy(recorded, parsed(readAnswer(entry.case).body)) : undefined;
    const own = client.protocol === recorded.protocol && entry.request ? requestOf(entry) : client.least(countOf(said));
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
    const answer = await post(node.url + client.path(model), headers, client.path('') === client.path('x') ? { ...own, model } : own);
    sent.push({ recorded, requestId: String(answer.headers['x-bulkhead-request-id']) });
    return answer;
  }

  /** Our own clients of one call meet recordings of it, and translations those of any. */
  const fits = (client: Client, { call, operation, protocol, entry }: Recorded): boolean =>
    client.operation === operation &&
    (client.protocol !== protocol || client.call === call) &&
    // A list is always asked for as a batch, so what was asked for alone has the wrong shape.
    (client.protocol === protocol || call !== 'embed-content') &&
    (client.call !== 'embed-content' || client.protocol === protocol || entry.status !== 200 || isSingle(entry));
  const isSingle = (entry: CaseIndex): boolean =>
    countOf(
      saidBy({ entry, ...(recordedAs(entry) ?? { operation: 'embeddings', protocol: 'raw' }) }, parsed(readAnswer(entry.case).body)),
    ) === 1;

  for (const client of CLIENTS) {
    for (const recorded of RECORDED.filter((each) => fits(client, each))) {
      const { entry, protocol, operation } = recorded;
      const model = modelFor(entry, { operation, client: client.protocol, recorded: protocol });
      if (model === undefined) continue;
      it(`${client.name}: ${entry.case}`, async () => {
        const answer = await asked(client, recorded, model);
        const { body, status } = readAnswer(entry.case);
        assert.equal(answer.status, status, answer.body.toString('utf8').slice(0, 500));
        if (client.protocol === protocol) return assert.ok(answer.body.equals(body), 'the bytes are the provider’s');
        if (status !== 200) return assert.equal(isObject(parsed(answer.body)['error'] ?? parsed(answer.body)), true);
        assert.deepEqual(await client.read(answer.body), saidBy(recorded, parsed(body)));
      });
    }
  }

  it('counts by itself where no provider of the model does', async () => {
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
    const body = { model: 'openai/any', messages: [{ role: 'user', content: 'x'.repeat(4000) }] };
    const answer = await post(`${node.url}/v1/messages/count_tokens`, headers, body);
    assert.equal(answer.status, 200);
    const tokens = Number(parsed(answer.body)['input_tokens']);
    assert.ok(tokens > 500 && tokens < 4000, String(tokens));
  });

  it('has each call in the ledger once, with the tokens that the provider named', async () => {
    const rows = await ledgerRows(node, sent.length);
    assert.equal(rows.size, sent.length);
    const faults = sent.flatMap(({ recorded, requestId }) => {
      const found = rows.get(requestId) ?? [];
      const wanted = recorded.entry.status === 200 ? tokensOf(recorded) : undefined;
      const got = found[0]?.input_tokens;
      return found.length === 1 && (wanted === undefined || isDeepStrictEqual(got, wanted))
        ? []
        : [`${recorded.entry.case}: ${found.length} rows, ${got} for ${wanted}`];
    });
    assert.deepEqual([...new Set(faults)], []);
    assert.ok(sent.length > 60, `${sent.length} calls`);
  });
});
