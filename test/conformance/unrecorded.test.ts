import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { EmbedRequest, EmbedResponse, RerankRequest, RerankResponse } from '../../src/canonical/call.ts';
import type { JsonObject } from '../../src/core/json.ts';
import { NATIVE } from '../../src/wire/native.ts';
import type { CallCodec, WireProtocolId } from '../../src/wire/protocol.ts';
import { callCodecs } from '../../src/wire/registry.ts';
import { ApiDescription } from './api-description.ts';
import { CONTEXT } from './recorded.ts';
import { plain } from './same.ts';

/**
 * Calls that nobody recorded: embeddings and rerank on Bedrock, embeddings on Vertex. Their answers are few, small and literal, as the providers'
 * documentation shows them or others report them; their requests are held to the description of the API that the model's vendor publishes, where there is
 * one (Amazon describes the body of InvokeModel as bytes, and Google's predict takes any JSON). This is less than a recording proves.
 */

function codecOf<Request, Response>(protocol: WireProtocolId): CallCodec<Request, Response> {
  const found = callCodecs(protocol, protocol)?.from;
  assert.ok(found, protocol);
  return found as unknown as CallCodec<Request, Response>;
}

const embed = (protocol: WireProtocolId): CallCodec<EmbedRequest, EmbedResponse> => codecOf(protocol);
const COHERE = new ApiDescription('cohere/openapi.json');
const ASKED: EmbedRequest = { source: 'openai-embeddings', model: 'm', inputs: [{ kind: 'text', text: 'a' }] };

interface Answer {
  /** Where the answer is shown, and its licence. */
  readonly from: string;
  readonly protocol: WireProtocolId;
  readonly body: JsonObject;
  readonly vectors: readonly (readonly number[])[];
  readonly tokens: number | undefined;
}

const ANSWERS: readonly Answer[] = [
  {
    from: 'Bedrock user guide, "Amazon Titan Embeddings G1 - Text", V2 Response: the fields, with numbers',
    protocol: 'bedrock-embeddings',
    body: { embedding: [0.5, -0.25], inputTextTokenCount: 5, embeddingsByType: { float: [0.5, -0.25], binary: [1, 0] } },
    vectors: [[0.5, -0.25]],
    tokens: 5,
  },
  {
    from: 'New Relic’s Java agent (Apache-2.0), TitanModelInvocationTest: an answer of amazon.titan-embed-text-v1',
    protocol: 'bedrock-embeddings',
    body: { embedding: [0.328125, 0.44335938], inputTextTokenCount: 8 },
    vectors: [[0.328125, 0.44335938]],
    tokens: 8,
  },
  {
    from: 'Bedrock user guide, "Cohere Embed v4", example B: the answer with its vectors cut short',
    protocol: 'bedrock-embeddings',
    body: {
      response_type: 'embeddings_floats',
      embeddings: [
        [0.0135, -0.0272],
        [0.0047, 0.0189],
      ],
    },
    vectors: [
      [0.0135, -0.0272],
      [0.0047, 0.0189],
    ],
    tokens: undefined,
  },
  {
    from: 'Bedrock user guide, "Cohere Embed v4", example A: vectors of whole numbers alone, which are not the vector itself',
    protocol: 'bedrock-embeddings',
    body: { id: '836a33cc-61ec-4e65-afaf-c4628171a315', embeddings: { int8: [[7, -3]] }, response_type: 'embeddings_by_type' },
    vectors: [],
    tokens: undefined,
  },
  {
    from: 'Vertex AI, gemini-embedding-001 :predict, its shape as a public test of another project says it saw it on 2026-10-04: two predictions and the bill',
    protocol: 'vertex-embeddings',
    body: {
      predictions: [
        { embeddings: { statistics: { truncated: false, token_count: 3 }, values: [0.1] } },
        { embeddings: { statistics: { truncated: true, token_count: 2048 }, values: [0.2] } },
      ],
      metadata: { billableCharacterCount: 77 },
    },
    vectors: [[0.1], [0.2]],
    tokens: 2051,
  },
];

describe('answers that are only documented', () => {
  for (const { from, protocol, body, vectors, tokens } of ANSWERS) {
    it(from, () => {
      const codec = embed(protocol);
      const decoded = codec.decodeResponse(body, ASKED);
      assert.ok(decoded.ok, JSON.stringify(decoded));
      assert.deepEqual(decoded.value.vectors, vectors);
      assert.equal(NATIVE[protocol].passThrough.usageOfResponse(body)?.input, tokens);
      assert.deepEqual(plain(codec.encodeResponse(decoded.value, ASKED, CONTEXT)), body);
      const shown = plain(embed('openai-embeddings').encodeResponse(decoded.value, ASKED, CONTEXT));
      const data = shown['data'] as readonly { readonly embedding: unknown }[];
      assert.deepEqual(
        data.map(({ embedding }) => embedding),
        vectors,
      );
    });
  }

  it('rerank on Bedrock (cohere.rerank-v3-5:0), by what public sample code reads of it: results by their place in the list', () => {
    const codec = codecOf<RerankRequest, RerankResponse>('bedrock-rerank');
    const request: RerankRequest = { source: 'cohere-rerank', model: 'm', query: 'q', documents: ['a', 'b', 'c'] };
    const body = {
      results: [
        { index: 2, relevance_score: 0.9521 },
        { index: 0, relevance_score: 0.000012 },
      ],
    };
    const decoded = codec.decodeResponse(body, request);
    assert.ok(decoded.ok, JSON.stringify(decoded));
    assert.deepEqual(
      decoded.value.results.map(({ index, score }) => [index, score]),
      [
        [2, 0.9521],
        [0, 0.000012],
      ],
    );
    assert.deepEqual(plain(codec.encodeResponse(decoded.value, request, CONTEXT)), body);
  });
});

describe('requests by the description of the vendor’s own API', () => {
  const picture = { type: 'image', source: { kind: 'data', mediaType: 'image/png', data: 'AAAA' } } as const;
  const requests: readonly (readonly [string, EmbedRequest])[] = [
    ['a text', ASKED],
    [
      'texts with all that can be said of them',
      {
        ...ASKED,
        inputs: [
          { kind: 'text', text: 'a' },
          { kind: 'text', text: 'b' },
        ],
        purpose: 'search_query',
        truncate: 'START',
      },
    ],
    ['a picture', { ...ASKED, inputs: [{ kind: 'parts', parts: [picture] }] }],
  ];
  for (const model of ['cohere.embed-english-v3', 'cohere.embed-multilingual-v3'])
    for (const [name, request] of requests)
      it(`${model}: ${name}`, () => {
        const body = plain(embed('bedrock-embeddings').encodeRequest(request, { model, defaultMaxTokens: 1 }).body);
        assert.deepEqual(COHERE.bodyFaults('/v1/embed', { ...body, model }), []);
      });

  it('cohere.embed-v4:0: texts and pictures in one input, as Cohere’s second version', () => {
    const request: EmbedRequest = { ...ASKED, inputs: [{ kind: 'parts', parts: [{ type: 'text', text: 'a' }, picture] }], dimensions: 512 };
    const { body } = embed('bedrock-embeddings').encodeRequest(request, { model: 'cohere.embed-v4:0', defaultMaxTokens: 1 });
    assert.deepEqual(COHERE.bodyFaults('/v2/embed', { ...plain(body), model: 'embed-v4.0' }), []);
  });

  it('cohere.rerank-v3-5:0: as Cohere’s second version, which it names', () => {
    const request: RerankRequest = { source: 'jina-rerank', model: 'm', query: 'q', documents: ['a', { text: 'b' }], topN: 1 };
    const { body } = codecOf<RerankRequest, RerankResponse>('bedrock-rerank').encodeRequest(request, {
      model: 'cohere.rerank-v3-5:0',
      defaultMaxTokens: 1,
    });
    const { api_version: version, ...rest } = plain(body);
    assert.equal(version, 2);
    assert.deepEqual(COHERE.bodyFaults('/v2/rerank', { ...rest, model: 'rerank-v3.5' }), []);
  });

  it('a request that is none has faults', () => {
    assert.notDeepEqual(COHERE.bodyFaults('/v1/embed', { texts: 'a', input_type: 5 }), []);
  });
});
