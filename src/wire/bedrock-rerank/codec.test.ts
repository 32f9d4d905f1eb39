import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { RerankRequest } from '../../canonical/call.ts';
import type { JsonObject } from '../../core/json.ts';
import type { AnswerContext } from '../protocol.ts';
import { bedrockRerankCodec as codec } from './codec.ts';

const CONTEXT: AnswerContext = { model: 'alias', requestId: 'req_1', created: 1, includeUsage: true };
const COHERE = 'cohere.rerank-v3-5:0';
const AMAZON = 'amazon.rerank-v1:0';
const plain = (value: unknown): JsonObject => JSON.parse(JSON.stringify(value)) as JsonObject;
const encoded = (request: RerankRequest, model: string): { readonly body: JsonObject; readonly dropped: readonly string[] } => {
  const { body, dropped } = codec.encodeRequest(request, { model, defaultMaxTokens: 1 });
  return { body: plain(body), dropped };
};
const ASKED: RerankRequest = {
  source: 'cohere-rerank',
  model: 'm',
  query: 'q',
  documents: ['a', { text: 'b' }, { title: 'c', n: 1 }],
  topN: 2,
};

describe('rerank on Bedrock', () => {
  // Bodies as Bedrock's user guide shows them: there are none among the recorded ones.
  for (const [model, body] of [
    [COHERE, { query: 'q', documents: ['a', 'b'], top_n: 1, api_version: 2, max_tokens_per_doc: 5 }],
    [AMAZON, { query: 'q', documents: ['a', { text: 'b' }] }],
  ] as const) {
    it(`takes a request for ${model} apart and puts it together again`, () => {
      const decoded = codec.decodeRequest(body);
      assert.ok(decoded.ok, JSON.stringify(decoded));
      assert.deepEqual(encoded(decoded.value, model), { body, dropped: [] });
    });
  }

  it('takes an answer apart and puts it together again', () => {
    const body = {
      results: [
        { index: 1, relevance_score: 0.9 },
        { index: 0, relevance_score: 0.1, more: true },
      ],
      id: 'i',
    };
    const decoded = codec.decodeResponse(body, ASKED);
    assert.ok(decoded.ok, JSON.stringify(decoded));
    assert.deepEqual(
      decoded.value.results.map(({ index, score }) => [index, score]),
      [
        [1, 0.9],
        [0, 0.1],
      ],
    );
    assert.deepEqual(plain(codec.encodeResponse(decoded.value, ASKED, CONTEXT)), body);
  });

  it('sends documents as texts, and Cohere’s models the version that they demand', () => {
    const documents = ['a', 'b', '{"title":"c","n":1}'];
    assert.deepEqual(encoded(ASKED, AMAZON).body, { query: 'q', documents, top_n: 2 });
    assert.deepEqual(encoded(ASKED, COHERE).body, { query: 'q', documents, top_n: 2, api_version: 2 });
    assert.deepEqual(encoded({ ...ASKED, maxTokensPerDocument: 9 }, AMAZON).dropped, ['max_tokens_per_doc']);
  });

  it('does not understand an answer about documents that were not sent', () => {
    for (const result of [
      { index: 3, relevance_score: 1 },
      { index: -1, relevance_score: 1 },
      { index: 0.5, relevance_score: 1 },
      { index: 0 },
    ])
      assert.equal(codec.decodeResponse({ results: [result] }, ASKED).ok, false);
  });
});
