import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { EmbedRequest } from '../../canonical/call.ts';
import type { JsonObject } from '../../core/json.ts';
import type { AnswerContext } from '../protocol.ts';
import { bedrockEmbeddingsCodec as codec } from './codec.ts';
import { bedrockEmbeddingsPassThrough } from './pass-through.ts';

const CONTEXT: AnswerContext = { model: 'alias', requestId: 'req_1', created: 1, includeUsage: true };
const V1 = 'amazon.titan-embed-text-v1';
const V2 = 'amazon.titan-embed-text-v2:0';
const MULTIMODAL = 'amazon.titan-embed-image-v1';
const COHERE_3 = 'cohere.embed-english-v3';
const COHERE_4 = 'us.cohere.embed-v4:0';

const plain = (value: unknown): JsonObject => JSON.parse(JSON.stringify(value)) as JsonObject;
const asked = (inputs: EmbedRequest['inputs'], members: Partial<EmbedRequest> = {}): EmbedRequest => ({
  source: 'openai-embeddings',
  model: 'm',
  inputs,
  ...members,
});
const text = (words: string) => ({ kind: 'text', text: words }) as const;
const PICTURE = { type: 'image', source: { kind: 'data', mediaType: 'image/png', data: 'AAAA' } } as const;
const picture = { kind: 'parts', parts: [PICTURE] } as const;

function encoded(request: EmbedRequest, model: string): { readonly body: JsonObject; readonly dropped: readonly string[] } {
  const { body, dropped } = codec.encodeRequest(request, { model, defaultMaxTokens: 1 });
  return { body: plain(body), dropped };
}

// Bodies as Bedrock's user guide shows them: there are none among the recorded ones.
const REQUESTS: readonly (readonly [model: string, body: JsonObject])[] = [
  [V1, { inputText: 'a' }],
  [V2, { inputText: 'a', dimensions: 512, normalize: true, embeddingTypes: ['float', 'binary'] }],
  [MULTIMODAL, { inputText: 'a', inputImage: 'AAAA', embeddingConfig: { outputEmbeddingLength: 256 } }],
  [MULTIMODAL, { inputImage: 'AAAA' }],
  [COHERE_3, { texts: ['a', 'b'], input_type: 'search_query', truncate: 'END', embedding_types: ['int8', 'float'] }],
  [COHERE_3, { images: ['data:image/png;base64,AAAA'], input_type: 'image' }],
  [
    COHERE_4,
    {
      inputs: [
        {
          content: [
            { type: 'text', text: 'a' },
            { type: 'image_url', image_url: 'data:image/png;base64,AAAA' },
          ],
        },
      ],
      input_type: 'search_document',
      output_dimension: 256,
      max_tokens: 100,
    },
  ],
];

const ANSWERS: readonly JsonObject[] = [
  { embedding: [0.5, -1], inputTextTokenCount: 3 },
  { embedding: [0.5, -1], embeddingsByType: { float: [0.5, -1], binary: [1, 0] }, inputTextTokenCount: 3 },
  { embedding: [0.5], inputTextTokenCount: 1, message: null },
  { id: 'i', embeddings: [[0.5], [1]], texts: ['a', 'b'], response_type: 'embeddings_floats' },
  { id: 'i', embeddings: { float: [[0.5]], int8: [[1]] }, response_type: 'embeddings_by_type', texts: ['a'] },
];

describe('embeddings on Bedrock: decode∘encode = identity', () => {
  for (const [model, body] of REQUESTS) {
    it(`request ${JSON.stringify(body).slice(0, 60)}`, () => {
      const decoded = codec.decodeRequest(body);
      assert.ok(decoded.ok, JSON.stringify(decoded));
      assert.deepEqual(encoded(decoded.value, model), { body, dropped: [] });
    });
  }

  for (const body of ANSWERS) {
    it(`answer ${JSON.stringify(body).slice(0, 60)}`, () => {
      const request = asked([text('a')]);
      const decoded = codec.decodeResponse(body, request);
      assert.ok(decoded.ok, JSON.stringify(decoded));
      assert.deepEqual(plain(codec.encodeResponse(decoded.value, request, CONTEXT)), body);
    });
  }
});

describe('embeddings for Bedrock', () => {
  it('have the shape of the model’s vendor', () => {
    assert.deepEqual(encoded(asked([text('a')]), V1).body, { inputText: 'a' });
    assert.deepEqual(encoded(asked([text('a')], { dimensions: 256 }), V2).body, { inputText: 'a', dimensions: 256 });
    assert.deepEqual(
      encoded(asked([{ kind: 'parts', parts: [{ type: 'text', text: 'a' }, PICTURE] }], { dimensions: 256 }), MULTIMODAL).body,
      {
        inputText: 'a',
        inputImage: 'AAAA',
        embeddingConfig: { outputEmbeddingLength: 256 },
      },
    );
    assert.deepEqual(encoded(asked([text('a'), text('b')]), COHERE_3).body, {
      texts: ['a', 'b'],
      input_type: 'search_document',
      embedding_types: ['float'],
    });
    assert.deepEqual(encoded(asked([picture]), COHERE_3).body, {
      images: ['data:image/png;base64,AAAA'],
      input_type: 'image',
      embedding_types: ['float'],
    });
    assert.deepEqual(encoded(asked([text('a'), picture], { dimensions: 256, purpose: 'clustering' }), COHERE_4).body, {
      inputs: [
        { content: [{ type: 'text', text: 'a' }] },
        { content: [{ type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } }] },
      ],
      input_type: 'clustering',
      output_dimension: 256,
      embedding_types: ['float'],
    });
  });

  it('name what the model cannot be told', () => {
    const request = asked([text('a')], { dimensions: 2, purpose: 'clustering', truncate: 'END', user: 'u', title: 't' });
    assert.deepEqual(encoded(request, V1).dropped, ['dimensions', 'input_type', 'title', 'truncate', 'user']);
    assert.deepEqual(encoded(request, COHERE_3).dropped, ['dimensions', 'title', 'user']);
  });

  it('say which end of a long text is cut off in the words of the model', () => {
    const cut = (truncate: string, model: string) => encoded(asked([text('a')], { truncate }), model).body['truncate'];
    assert.deepEqual(
      ['NONE', 'START', 'END'].map((word) => cut(word, COHERE_3)),
      ['NONE', 'START', 'END'],
    );
    assert.deepEqual(
      ['NONE', 'START', 'END'].map((word) => cut(word, COHERE_4)),
      ['NONE', 'LEFT', 'RIGHT'],
    );
    const own = { texts: ['a'], input_type: 'search_query', truncate: 'RIGHT' };
    const decoded = codec.decodeRequest(own);
    assert.ok(decoded.ok && decoded.value.truncate === 'END');
    assert.deepEqual(encoded(decoded.value, COHERE_4).body, own);
  });

  it('are refused rather than sent in part', () => {
    const wrong: readonly (readonly [EmbedRequest['inputs'], string])[] = [
      [[text('a'), text('b')], V2],
      [[], V2],
      [[{ kind: 'tokens', tokens: [1] }], V2],
      [[{ kind: 'tokens', tokens: [1] }], COHERE_3],
      [[picture], V2],
      [[{ kind: 'parts', parts: [{ type: 'image', source: { kind: 'url', url: 'https://a.example/x.png' } }] }], COHERE_4],
    ];
    for (const [inputs, model] of wrong) assert.throws(() => encoded(asked(inputs), model), { code: 'unsupported_parameter' });
  });

  it('are counted where the answer counts them', () => {
    assert.equal(bedrockEmbeddingsPassThrough.usageOfResponse({ inputTextTokenCount: 3 })?.input, 3);
    assert.equal(bedrockEmbeddingsPassThrough.usageOfResponse({ meta: { billed_units: { input_tokens: 4 } } })?.input, 4);
    assert.equal(bedrockEmbeddingsPassThrough.usageOfResponse({}), undefined);
  });

  it('that are no vectors are not understood', () => {
    for (const body of [{ embedding: ['a'] }, { embedding: 1 }, { embeddings: [[1], 'a'] }, { embeddings: { float: 1 } }])
      assert.equal(codec.decodeResponse(body as JsonObject, asked([text('a')])).ok, false);
  });
});
