import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CohereClientV2 } from 'cohere-ai';
import OpenAI from 'openai';
import type { EmbedRequest, EmbedResponse, RerankRequest, RerankResponse } from '../../src/canonical/call.ts';
import { BulkheadError } from '../../src/core/errors.ts';
import type { JsonObject } from '../../src/core/json.ts';
import { PROVIDER_KINDS } from '../../src/providers/registry.ts';
import { NATIVE } from '../../src/wire/native.ts';
import type { CallCodec, WireProtocolId } from '../../src/wire/protocol.ts';
import { callCodecs } from '../../src/wire/registry.ts';
import { listCases, type CaseIndex } from '../replay/cases.ts';
import { ApiDescription } from './api-description.ts';
import { answering } from './reading.ts';
import { bytesOf, CONTEXT, requestOf } from './recorded.ts';
import { differences, plain } from './same.ts';

/** Embeddings and rerank: what was recorded comes back as it was, and means the same in every other protocol. */

const OPENAI = new ApiDescription('openai/openapi.json');
const COHERE = new ApiDescription('cohere/openapi.json');
const MISTRAL = new ApiDescription('mistral/openapi.json');

function codecOf<Request, Response>(protocol: WireProtocolId): CallCodec<Request, Response> {
  const found = callCodecs(protocol, protocol)?.from;
  assert.ok(found, protocol);
  return found as unknown as CallCodec<Request, Response>;
}

const embedCodec = (protocol: WireProtocolId): CallCodec<EmbedRequest, EmbedResponse> => codecOf(protocol);
const rerankCodec = (protocol: WireProtocolId): CallCodec<RerankRequest, RerankResponse> => codecOf(protocol);

const EMBED_CLIENTS = ['openai-embeddings', 'cohere-embeddings'] as const;
const RERANK_CLIENTS = ['cohere-rerank', 'jina-rerank'] as const;

function embedProtocol({ provider, endpoint }: CaseIndex): WireProtocolId | undefined {
  if (endpoint === 'embeddings') return 'openai-embeddings';
  if (endpoint === 'embed' && provider === 'cohere') return 'cohere-embeddings';
  return provider === 'gemini' && (endpoint === 'embed-content' || endpoint === 'batch-embed-contents') ? 'gemini-embeddings' : undefined;
}

function rerankProtocol({ provider, endpoint }: CaseIndex): WireProtocolId | undefined {
  if (provider === 'cohere' && (endpoint === 'rerank' || endpoint === 'v1-rerank')) return 'cohere-rerank';
  return endpoint === 'rerank' ? 'jina-rerank' : undefined;
}

interface Case {
  readonly entry: CaseIndex;
  readonly protocol: WireProtocolId;
}

const casesBy = (protocolOf: (entry: CaseIndex) => WireProtocolId | undefined): readonly Case[] =>
  listCases().flatMap((entry) => {
    const protocol = protocolOf(entry);
    // OpenAI's report of what was used has `embeddings` in its path and is none.
    return protocol === undefined || entry.case === 'openai/embeddings/ruby-openai-usage-embeddings' ? [] : [{ entry, protocol }];
  });

const EMBED_CASES = casesBy(embedProtocol);
const RERANK_CASES = casesBy(rerankProtocol);

const answered = (cases: readonly Case[]): readonly Case[] => cases.filter(({ entry }) => entry.status === 200);
const asked = (cases: readonly Case[]): readonly Case[] => cases.filter(({ entry }) => entry.request);
const answerOf = (entry: CaseIndex): JsonObject => JSON.parse(bytesOf(entry).toString('utf8')) as JsonObject;

function decoded<T>(result: { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: unknown }): T {
  assert.ok(result.ok, JSON.stringify(result));
  return result.value;
}

const embedRequest = ({ entry, protocol }: Case): EmbedRequest => decoded(embedCodec(protocol).decodeRequest(requestOf(entry)));

/** Where the recorder kept only the answer, a request with documents enough for it. */
const rerankRequest = ({ entry, protocol }: Case): RerankRequest =>
  entry.request
    ? decoded(rerankCodec(protocol).decodeRequest(requestOf(entry)))
    : { source: protocol, model: 'any', query: 'any', documents: Array.from({ length: 16 }, (_, index) => `document ${index}`) };

const embedResponse = (at: Case): EmbedResponse => decoded(embedCodec(at.protocol).decodeResponse(answerOf(at.entry), embedRequest(at)));
const rerankResponse = (at: Case): RerankResponse =>
  decoded(rerankCodec(at.protocol).decodeResponse(answerOf(at.entry), rerankRequest(at)));

const targetOf = (request: { readonly model: string }) => ({ model: request.model, defaultMaxTokens: 4096 });

describe('embeddings and rerank: decode∘encode = identity', () => {
  it('has recorded cases to hold it to', () => {
    assert.ok(EMBED_CASES.length > 20 && RERANK_CASES.length >= 10);
  });

  for (const at of asked(EMBED_CASES)) {
    it(`request ${at.entry.case}`, () => {
      const request = embedRequest(at);
      const { body, dropped } = embedCodec(at.protocol).encodeRequest(request, targetOf(request));
      assert.deepEqual(differences(requestOf(at.entry), plain(body)), []);
      assert.deepEqual(dropped, []);
    });
  }
  for (const at of asked(RERANK_CASES)) {
    it(`request ${at.entry.case}`, () => {
      const request = rerankRequest(at);
      const { body, dropped } = rerankCodec(at.protocol).encodeRequest(request, targetOf(request));
      assert.deepEqual(differences(requestOf(at.entry), plain(body)), []);
      assert.deepEqual(dropped, []);
    });
  }
  for (const at of answered(EMBED_CASES)) {
    it(`answer ${at.entry.case}`, () => {
      const encoded = embedCodec(at.protocol).encodeResponse(embedResponse(at), embedRequest(at), CONTEXT);
      assert.deepEqual(differences(answerOf(at.entry), plain(encoded)), []);
    });
  }
  for (const at of answered(RERANK_CASES)) {
    it(`answer ${at.entry.case}`, () => {
      const encoded = rerankCodec(at.protocol).encodeResponse(rerankResponse(at), rerankRequest(at), CONTEXT);
      assert.deepEqual(differences(answerOf(at.entry), plain(encoded)), []);
    });
  }
});

/** The client's request of the same meaning, as its own protocol's decoder gives it. */
const asAskedIn = <Request extends EmbedRequest | RerankRequest>(request: Request, source: WireProtocolId): Request => ({
  ...request,
  source,
  extensions: undefined,
});

describe('embeddings answers in another protocol', () => {
  for (const at of answered(EMBED_CASES)) {
    for (const to of EMBED_CLIENTS) {
      for (const encoding of ['float', 'base64'] as const) {
        it(`${at.entry.case} as ${encoding} for ${to}`, () => {
          const response = embedResponse(at);
          const request = { ...asAskedIn(embedRequest(at), to), encoding };
          const body = plain(embedCodec(to).encodeResponse({ ...response, extensions: undefined }, request, CONTEXT));
          const read = decoded(embedCodec(to).decodeResponse(body, request));
          const wanted = encoding === 'float' ? response.vectors : response.vectors.map((vector) => vector.map(Math.fround));
          assert.deepEqual(read.vectors, wanted);
          assert.equal(read.usage?.input ?? 0, response.usage?.input ?? 0);
        });
      }
    }
  }
});

describe('rerank answers in another protocol', () => {
  for (const at of answered(RERANK_CASES)) {
    for (const to of RERANK_CLIENTS) {
      it(`${at.entry.case} for ${to}`, () => {
        const response = rerankResponse(at);
        const request = { ...asAskedIn(rerankRequest(at), to), returnDocuments: true };
        const body = plain(rerankCodec(to).encodeResponse({ ...response, extensions: undefined }, request, CONTEXT));
        const read = decoded(rerankCodec(to).decodeResponse(body, request));
        assert.deepEqual(
          read.results.map(({ index, score }) => ({ index, score })),
          response.results.map(({ index, score }) => ({ index, score })),
        );
        for (const { index, document } of read.results) {
          const wanted = request.documents[index];
          assert.deepEqual(document, typeof wanted === 'string' ? { text: wanted } : wanted);
        }
        assert.equal((read.usage?.input ?? 0) + (read.usage?.output ?? 0), (response.usage?.input ?? 0) + (response.usage?.output ?? 0));
      });
    }
  }
});

/** What OpenAI's and Cohere's own clients hand out. Both read the recorded bytes and our translation of them. */
async function readVectors(protocol: WireProtocolId, bytes: Buffer): Promise<readonly (readonly number[])[]> {
  if (protocol === 'cohere-embeddings') {
    const client = new CohereClientV2({ token: 'none', maxRetries: 0, fetch: answering(bytes, false) });
    const { embeddings } = await client.embed({ model: 'any', inputType: 'search_document', texts: ['any'] });
    return embeddings.float ?? [];
  }
  const client = new OpenAI({ apiKey: 'none', maxRetries: 0, fetch: answering(bytes, false) });
  const { data } = await client.embeddings.create({ model: 'any', input: 'any', encoding_format: 'float' });
  return data.map(({ embedding }) => embedding);
}

describe('embeddings, read by official clients', () => {
  for (const at of answered(EMBED_CASES).filter(({ protocol }) => protocol !== 'gemini-embeddings')) {
    for (const to of EMBED_CLIENTS) {
      it(`${at.entry.case} as ${to}`, async () => {
        const isPacked = requestOf(at.entry)['encoding_format'] === 'base64';
        const wanted = isPacked ? embedResponse(at).vectors : await readVectors(at.protocol, bytesOf(at.entry));
        const request = { ...asAskedIn(embedRequest(at), to), encoding: 'float' } as const;
        const body = embedCodec(to).encodeResponse({ ...embedResponse(at), extensions: undefined }, request, CONTEXT);
        assert.deepEqual(await readVectors(to, Buffer.from(JSON.stringify(body))), wanted);
      });
    }
  }

  it('base64 of 32-bit floats is what OpenAI’s client unpacks', async () => {
    const vector = [0.5, -1.25, 3];
    const request: EmbedRequest = {
      source: 'openai-embeddings',
      model: 'any',
      inputs: [{ kind: 'text', text: 'any' }],
      encoding: 'base64',
    };
    const body = embedCodec('openai-embeddings').encodeResponse({ model: 'any', vectors: [vector] }, request, CONTEXT);
    const client = new OpenAI({ apiKey: 'none', maxRetries: 0, fetch: answering(Buffer.from(JSON.stringify(body)), false) });
    const { data } = await client.embeddings.create({ model: 'any', input: 'any' });
    assert.deepEqual(data[0]?.embedding, vector);
  });
});

describe('rerank, read by Cohere’s client', () => {
  for (const at of answered(RERANK_CASES)) {
    it(at.entry.case, async () => {
      const response = rerankResponse(at);
      const body = rerankCodec('cohere-rerank').encodeResponse(
        { ...response, extensions: undefined },
        asAskedIn(rerankRequest(at), 'cohere-rerank'),
        CONTEXT,
      );
      const client = new CohereClientV2({ token: 'none', maxRetries: 0, fetch: answering(Buffer.from(JSON.stringify(body)), false) });
      const { results } = await client.rerank({ model: 'any', query: 'any', documents: ['any'] });
      assert.deepEqual(
        results.map(({ index, relevanceScore }) => ({ index, score: relevanceScore })),
        response.results.map(({ index, score }) => ({ index, score })),
      );
    });
  }
});

const hasTokens = (request: EmbedRequest): boolean => request.inputs.some(({ kind }) => kind === 'tokens');
const isWords = (request: EmbedRequest): boolean => request.inputs.every(({ kind }) => kind === 'text');

/** Mistral's names for what the gateway sends it. */
function forMistral(body: JsonObject): JsonObject {
  const { rename = {}, reject = [] } = PROVIDER_KINDS.get('mistral')?.operations.embeddings?.[0]?.members ?? {};
  const members = Object.entries(body).filter(([name]) => !reject.includes(name));
  return Object.fromEntries(members.map(([name, value]) => [rename[name] ?? name, value]));
}

describe('requests by the providers’ own API descriptions', () => {
  const encodedFor = (at: Case, to: WireProtocolId): JsonObject => {
    const request = { ...embedRequest(at), source: 'another', extensions: undefined };
    return plain(embedCodec(to).encodeRequest(request, { model: 'any', defaultMaxTokens: 4096 }).body);
  };
  // Two were recorded for being refused.
  const fit = asked(EMBED_CASES).filter(({ entry }) => entry.case !== 'openai/embeddings/envoy-embeddings-bad-request');

  for (const at of fit) {
    if (isWords(embedRequest(at))) {
      it(`${at.entry.case} for OpenAI, Mistral and Cohere`, () => {
        assert.deepEqual(OPENAI.faults('CreateEmbeddingRequest', encodedFor(at, 'openai-embeddings')), []);
        assert.deepEqual(MISTRAL.faults('EmbeddingRequest', forMistral(encodedFor(at, 'openai-embeddings'))), []);
        assert.deepEqual(COHERE.bodyFaults('/v2/embed', encodedFor(at, 'cohere-embeddings')), []);
      });
    } else if (hasTokens(embedRequest(at))) {
      it(`${at.entry.case} for OpenAI; Cohere cannot have token numbers`, () => {
        assert.deepEqual(OPENAI.faults('CreateEmbeddingRequest', encodedFor(at, 'openai-embeddings')), []);
        assert.throws(
          () => encodedFor(at, 'cohere-embeddings'),
          (error) => error instanceof BulkheadError && error.code === 'unsupported_parameter',
        );
      });
    }
  }
  for (const at of asked(RERANK_CASES)) {
    it(`${at.entry.case} for Cohere`, () => {
      const request = { ...rerankRequest(at), source: 'another', extensions: undefined };
      const { body } = rerankCodec('cohere-rerank').encodeRequest(request, { model: 'any', defaultMaxTokens: 4096 });
      assert.deepEqual(COHERE.bodyFaults('/v2/rerank', plain(body)), []);
    });
  }
});

describe('what another protocol cannot say is named', () => {
  it('Cohere’s purpose and truncation at OpenAI, in its own words', () => {
    const request = decoded(
      embedCodec('cohere-embeddings').decodeRequest({
        model: 'm',
        texts: ['a'],
        input_type: 'search_query',
        truncate: 'END',
        max_tokens: 5,
      }),
    );
    const { body, dropped } = embedCodec('openai-embeddings').encodeRequest(request, { model: 'm', defaultMaxTokens: 1 });
    assert.deepEqual(plain(body), { model: 'm', input: ['a'] });
    assert.deepEqual(dropped, ['input_type', 'max_tokens', 'truncate']);
  });

  it('Voyage’s words for purpose and truncation are Cohere’s', () => {
    const body = { model: 'm', input: 'a', input_type: 'query', truncation: true, output_dimension: 8 };
    const request = decoded(embedCodec('openai-embeddings').decodeRequest(body));
    const { body: encoded, dropped } = embedCodec('cohere-embeddings').encodeRequest(request, { model: 'm', defaultMaxTokens: 1 });
    assert.deepEqual(plain(encoded), {
      model: 'm',
      texts: ['a'],
      input_type: 'search_query',
      embedding_types: ['float'],
      output_dimension: 8,
      truncate: 'END',
    });
    assert.deepEqual(dropped, []);
  });

  it('images and texts for one vector keep their spelling, and go to OpenAI not at all', () => {
    const image = { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0=' } };
    const body = {
      model: 'm',
      input_type: 'image',
      inputs: [{ content: [{ type: 'text', text: 'a' }, image] }],
      embedding_types: ['float', 'int8'],
    };
    const request = decoded(embedCodec('cohere-embeddings').decodeRequest(body));
    const target = { model: 'm', defaultMaxTokens: 1 };
    assert.deepEqual(plain(embedCodec('cohere-embeddings').encodeRequest(request, target).body), body);
    assert.throws(() => embedCodec('openai-embeddings').encodeRequest(request, target), /image/);
  });

  it('a rerank result that counts no document is refused', () => {
    const request = { source: 'jina-rerank', model: 'm', query: 'q', documents: ['a'] };
    for (const index of [1, -1, 0.5])
      assert.equal(rerankCodec('jina-rerank').decodeResponse({ results: [{ index, relevance_score: 1 }] }, request).ok, false);
  });

  it('documents with members are text for version 2 of Cohere’s API', () => {
    const request = { source: 'jina-rerank', model: 'm', query: 'q', documents: ['a', { text: 'b' }, { title: 't', text: 'c' }] };
    const { body } = rerankCodec('cohere-rerank').encodeRequest(request, { model: 'm', defaultMaxTokens: 1 });
    assert.deepEqual(body['documents'], ['a', 'b', '{"title":"t","text":"c"}']);
  });
});

describe('recorded errors of Cohere, Mistral, Ollama, Voyage and llama.cpp', () => {
  const protocolOf = (entry: CaseIndex): WireProtocolId | undefined => {
    const call = embedProtocol(entry) ?? rerankProtocol(entry);
    if (call !== undefined) return call === 'gemini-embeddings' ? undefined : call;
    if (entry.provider === 'cohere' && entry.endpoint === 'chat') return 'cohere-chat';
    if (entry.provider === 'mistral' && entry.endpoint === 'chat-completions') return 'mistral-chat';
    return entry.endpoint === 'api-chat' ? 'ollama-chat' : undefined;
  };
  for (const entry of listCases()) {
    const protocol = entry.status >= 400 ? protocolOf(entry) : undefined;
    if (protocol === undefined) continue;
    it(`${entry.case} as ${protocol}`, () => {
      const text = bytesOf(entry).toString('utf8');
      const { status, message } = NATIVE[protocol].errors.decodeError(entry.status, JSON.parse(text) as JsonObject);
      assert.equal(status, entry.status);
      assert.ok(message.length > 5 && !message.startsWith('The provider answered with status'), message);
    });
  }
});
