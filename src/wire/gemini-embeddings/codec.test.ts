import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ApiDescription } from '../../../test/conformance/api-description.ts';
import { listCases, readAnswer, readRequest } from '../../../test/replay/cases.ts';
import { BulkheadError } from '../../core/errors.ts';
import type { JsonObject } from '../../core/json.ts';
import { NO_USAGE } from '../../core/usage.ts';
import type { EmbedRequest } from '../../canonical/call.ts';
import { vertexEmbeddingsCodec } from '../vertex-embeddings/codec.ts';
import { vertexEmbeddingsPassThrough } from '../vertex-embeddings/pass-through.ts';
import { geminiEmbeddingsCodec as codec } from './codec.ts';
import { geminiEmbeddingsPassThrough } from './pass-through.ts';

const plain = (value: unknown): JsonObject => JSON.parse(JSON.stringify(value)) as JsonObject;
const TARGET = { model: 'gemini-embedding-001', defaultMaxTokens: 9 };
const isEmbedding = (endpoint: string): boolean => endpoint === 'embed-content' || endpoint === 'batch-embed-contents';

const asked: EmbedRequest = {
  source: 'openai-embeddings',
  model: 'm',
  inputs: [
    { kind: 'text', text: 'a' },
    {
      kind: 'parts',
      parts: [
        { type: 'text', text: 'b' },
        { type: 'image', source: { kind: 'data', mediaType: 'image/png', data: 'AAAA' } },
      ],
    },
  ],
  dimensions: 8,
  purpose: 'search_document',
  title: 't',
  user: 'u',
};

describe('recorded embeddings', () => {
  const cases = listCases().filter(({ protocol, endpoint }) => protocol === 'gemini' && isEmbedding(endpoint));
  it('are there', () => assert.ok(cases.length >= 4));

  for (const entry of cases) {
    it(entry.case, () => {
      const body = readRequest(entry.case) as JsonObject;
      const request = codec.decodeRequest(body);
      assert.ok(request.ok, JSON.stringify(request));
      const { body: encoded, dropped } = codec.encodeRequest(request.value, { ...TARGET, model: request.value.model });
      assert.deepEqual([plain(encoded), dropped], [body, []]);
      if (entry.status !== 200) return;
      const answer = JSON.parse(readAnswer(entry.case).body.toString('utf8')) as JsonObject;
      const response = codec.decodeResponse(answer);
      assert.ok(response.ok, JSON.stringify(response));
      assert.equal(response.value.vectors.length, request.value.inputs.length);
      assert.deepEqual(plain(codec.encodeResponse(response.value, request.value)), answer);
    });
  }
});

describe('another client’s embeddings', () => {
  it('are a batch that Google’s description allows', () => {
    const { body, dropped } = codec.encodeRequest(asked, TARGET);
    const common = { model: 'models/gemini-embedding-001', taskType: 'RETRIEVAL_DOCUMENT', title: 't', outputDimensionality: 8 };
    const image = { inlineData: { mimeType: 'image/png', data: 'AAAA' } };
    assert.deepEqual(plain(body), {
      requests: [
        { ...common, content: { parts: [{ text: 'a' }] } },
        { ...common, content: { parts: [{ text: 'b' }, image] } },
      ],
    });
    assert.deepEqual(dropped, ['user']);
    assert.deepEqual(new ApiDescription('gemini/openapi.v1beta.json').faults('BatchEmbedContentsRequest', plain(body)), []);
  });

  it('cannot be token numbers', () => {
    const tokens: EmbedRequest = { ...asked, inputs: [{ kind: 'tokens', tokens: [1, 2] }] };
    for (const each of [codec, vertexEmbeddingsCodec])
      assert.throws(
        () => each.encodeRequest(tokens, TARGET),
        (error) => error instanceof BulkheadError && error.code === 'unsupported_parameter',
      );
  });
});

describe('a Gemini client’s embeddings elsewhere', () => {
  const vectors = [[1, 2]];

  it('are read with Cohere’s words for what they are for, and answered in the form that was asked for', () => {
    const content = { parts: [{ text: 'a' }] };
    const single = codec.decodeRequest({ content, taskType: 'RETRIEVAL_QUERY', outputDimensionality: 4, embedContentConfig: {} });
    const batch = codec.decodeRequest({ requests: [{ model: 'models/x', content, task_type: 'CLUSTERING' }] });
    assert.ok(single.ok && batch.ok);
    assert.deepEqual(
      [single.value.purpose, single.value.dimensions, single.value.inputs],
      ['search_query', 4, [{ kind: 'text', text: 'a' }]],
    );
    assert.deepEqual([batch.value.purpose, batch.value.model], ['clustering', 'x']);
    assert.deepEqual(single.value.extensions?.['gemini-embeddings']?.lost, ['embedContentConfig']);
    const response = { model: '', vectors, usage: { ...NO_USAGE, input: 3 } };
    const usageMetadata = { promptTokenCount: 3 };
    assert.deepEqual(plain(codec.encodeResponse(response, single.value)), { embedding: { values: [1, 2] }, usageMetadata });
    assert.deepEqual(plain(codec.encodeResponse(response, batch.value)), { embeddings: [{ values: [1, 2] }], usageMetadata });
  });

  it('are refused where they are none', () => {
    assert.equal(codec.decodeRequest({}).ok, false);
    assert.equal(codec.decodeResponse({ embedding: { values: ['x'] } }).ok, false);
  });

  it('are metered while bytes pass', () => {
    assert.equal(geminiEmbeddingsPassThrough.usageOfResponse({ usageMetadata: { promptTokenCount: 3 } })?.input, 3);
    assert.equal(geminiEmbeddingsPassThrough.usageOfResponse({}), undefined);
  });
});

describe('Vertex’s predict', () => {
  it('takes texts with their task, and says how long they were', () => {
    const request = { ...asked, inputs: [{ kind: 'text', text: 'a' } as const], truncate: 'END' };
    const { body, dropped } = vertexEmbeddingsCodec.encodeRequest(request, TARGET);
    assert.deepEqual(plain(body), {
      instances: [{ content: 'a', task_type: 'RETRIEVAL_DOCUMENT', title: 't' }],
      parameters: { outputDimensionality: 8, autoTruncate: true },
    });
    assert.deepEqual(dropped, ['user']);
    const answer = {
      predictions: [{ embeddings: { values: [0.5], statistics: { token_count: 4, truncated: false } } }],
      metadata: { billableCharacterCount: 9 },
    };
    const response = vertexEmbeddingsCodec.decodeResponse(answer);
    assert.ok(response.ok);
    assert.deepEqual([response.value.vectors, response.value.usage?.input], [[[0.5]], 4]);
    assert.deepEqual(vertexEmbeddingsCodec.encodeResponse(response.value), answer);
    assert.equal(vertexEmbeddingsPassThrough.usageOfResponse(answer)?.input, 4);
  });

  for (const entry of listCases().filter(({ endpoint, request }) => endpoint === 'predict' && request)) {
    it(`is decoded and encoded alike: ${entry.case}`, () => {
      const body = readRequest(entry.case) as JsonObject;
      const request = vertexEmbeddingsCodec.decodeRequest(body);
      assert.ok(request.ok, JSON.stringify(request));
      assert.equal(request.value.purpose, 'search_document');
      assert.deepEqual(vertexEmbeddingsCodec.encodeRequest(request.value, TARGET), { body, dropped: [] });
    });
  }
});
