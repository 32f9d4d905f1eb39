import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { ANTHROPIC_SIGNATURE, GEMINI_SIGNATURE, OPENAI_SIGNATURE } from '../canonical/part.ts';
import type { JsonObject } from '../core/json.ts';
import { wrapOpaque } from '../wire/opaque.ts';
import { POLICY, startCompartment, type Compartment } from './testing/compartment.ts';

/** Where a client speaks its provider's protocol its bytes pass, unless they hold what only another vendor can read, or a name that stands deep inside. */

const GOOGLE = {
  id: 'google',
  kind: 'gemini',
  basePath: '/v1beta',
  credential: 'google',
  shard: 0,
  priceList: 'google',
  headers: [],
  settings: {},
  passThrough: [],
};
const user = { role: 'user', content: 'go' };
const result = { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'toolu_1', content: 'done' }] };
const call = { type: 'tool_use', id: 'toolu_1', name: 'f', input: { a: 1 } };

describe('a client’s own bytes', () => {
  let gateway: Compartment;

  before(async () => {
    gateway = await startCompartment({
      policy: {
        providers: [...POLICY.providers, GOOGLE as unknown as (typeof POLICY.providers)[number]],
        models: [
          ...POLICY.models,
          { alias: 'gem', targets: [{ provider: 'google' as never, model: 'gemini-3-pro' }], prefix: false },
          { alias: 'emb', targets: [{ provider: 'google' as never, model: 'gemini-embedding-001' }], prefix: false },
        ],
      },
      vault: (egress) => {
        egress.sendHead({ status: 200, headers: [['content-type', 'application/json']] }, Buffer.from('{}'));
        egress.end({ bytesIn: 2, bytesOut: 0 });
      },
    });
  });
  after(() => gateway.close());

  async function sent(path: string, body: JsonObject | string): Promise<string> {
    const before = gateway.calls.length;
    const answer = await gateway.ask(body, { path });
    assert.equal(gateway.calls.length, before + 1, answer.body);
    return gateway.calls[before]?.body.toString() ?? '';
  }

  it('keep the digits of whole numbers where they are translated', async () => {
    const big = '12345678901234567890';
    const body = JSON.stringify({
      model: 'fast',
      max_tokens: 9,
      messages: [user, { role: 'assistant', content: [{ ...call, input: { id: 'BIG' } }] }, result],
    }).replace('"BIG"', big);
    assert.match(await sent('/v1/messages', body), new RegExp(`"arguments":"\\{\\\\"id\\\\":${big}\\}"`));
  });

  const anthropic = (content: readonly JsonObject[]): JsonObject => ({
    model: 'claude',
    max_tokens: 2048,
    messages: [user, { role: 'assistant', content }, result],
    unknown_to_us: { kept: true },
  });

  it('pass to Anthropic as they are with its own signatures', async () => {
    const body = anthropic([{ type: 'thinking', thinking: 'so', signature: 'EqQBCg==' }, call]);
    assert.equal(await sent('/v1/messages', body), JSON.stringify({ ...body, model: 'claude-x' }));
  });

  for (const format of [GEMINI_SIGNATURE, OPENAI_SIGNATURE])
    it(`never bring Anthropic what ${format} is the format of, and lose nothing else`, async () => {
      const signature = wrapOpaque(format, 'c2lnbmF0dXJl');
      const own = { type: 'redacted_thinking', data: 'EmwKAhgB' };
      const foreign = [{ type: 'thinking', thinking: 'so', signature }, { type: 'redacted_thinking', data: signature }, own, call];
      const told = JSON.parse(await sent('/v1/messages', anthropic(foreign))) as JsonObject;
      assert.ok(!JSON.stringify(told).includes('bh1.') && !JSON.stringify(told).includes('c2lnbmF0dXJl'));
      const messages = told['messages'] as readonly { readonly content: readonly JsonObject[] }[];
      assert.deepEqual(messages[1]?.content, [own, call]);
      assert.deepEqual([told['model'], told['max_tokens'], told['unknown_to_us'], messages[2]], ['claude-x', 2048, { kept: true }, result]);
    });

  const gemini = (thoughtSignature: string): JsonObject => ({
    contents: [
      { role: 'user', parts: [{ text: 'go' }] },
      { role: 'model', parts: [{ functionCall: { name: 'f', args: { a: 1 } }, thoughtSignature }] },
      { role: 'user', parts: [{ functionResponse: { name: 'f', response: { ok: true } } }] },
    ],
    unknownToUs: { kept: true },
  });

  it('pass to Google as they are with its own signatures', async () => {
    const body = gemini('CtwBAXLI2nw=');
    assert.equal(await sent('/v1beta/models/gem:generateContent', body), JSON.stringify(body));
  });

  for (const format of [ANTHROPIC_SIGNATURE, OPENAI_SIGNATURE])
    it(`never bring Google what ${format} is the format of, and lose nothing else`, async () => {
      const wrapped = Buffer.from(wrapOpaque(format, 'c2lnbmF0dXJl')).toString('base64');
      const told = JSON.parse(await sent('/v1beta/models/gem:generateContent', gemini(wrapped))) as JsonObject;
      const text = JSON.stringify(told);
      assert.ok(!text.includes(wrapped) && !text.includes('YmgxL'), text);
      const [, turn, answer] = told['contents'] as readonly { readonly parts: readonly JsonObject[] }[];
      assert.deepEqual(turn?.parts[0]?.['functionCall'], { name: 'f', args: { a: 1 } });
      assert.deepEqual(
        [answer?.parts[0]?.['functionResponse'], told['unknownToUs']],
        [{ name: 'f', response: { ok: true } }, { kept: true }],
      );
    });

  it('name the provider’s model in each of a batch of embeddings, and in a count', async () => {
    const one = (text: string): JsonObject => ({ model: 'models/emb', content: { parts: [{ text }] }, taskType: 'RETRIEVAL_QUERY' });
    const batch = JSON.parse(await sent('/v1beta/models/emb:batchEmbedContents', { requests: [one('a'), one('b')] })) as JsonObject;
    const named = (text: string): JsonObject => ({ ...one(text), model: 'models/gemini-embedding-001' });
    assert.deepEqual(batch, { requests: [named('a'), named('b')] });
    const { model: _model, ...unnamed } = one('a');
    // Where the client names none, its bytes pass.
    assert.equal(await sent('/v1beta/models/emb:embedContent', unnamed), JSON.stringify(unnamed));
    const count = { generateContentRequest: { model: 'models/gem', contents: [{ role: 'user', parts: [{ text: 'a' }] }] } };
    const told = JSON.parse(await sent('/v1beta/models/gem:countTokens', count)) as { readonly generateContentRequest: JsonObject };
    assert.equal(told.generateContentRequest['model'], 'models/gemini-3-pro');
  });
});
