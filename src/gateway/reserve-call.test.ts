import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { LedgerCall, ReserveMessage } from '../ipc/messages/ledger.ts';
import { POLICY, startCompartment, type Compartment } from './testing/compartment.ts';

const ANSWER = Buffer.from('{"id":"c","choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1}}');

describe('a reservation', () => {
  let gateway: Compartment;
  const calls: LedgerCall[] = [];
  before(async () => {
    gateway = await startCompartment({
      vault: (call, { attempt }, body) => {
        if (body.includes('fail-first') && attempt === 1) return call.error('upstream_unreachable', { reason: 'ECONNREFUSED' });
        call.sendHead({ status: 200, headers: [['content-type', 'application/json']] });
        call.send(ANSWER);
        call.end({ bytesIn: 1, bytesOut: 1 });
      },
      ledger: (call) => {
        calls.push(call.head as unknown as LedgerCall);
        return false;
      },
    });
  });
  after(() => gateway.close());

  const reserve = async (body: object, path = '/v1/chat/completions', key = gateway.key): Promise<ReserveMessage> => {
    await gateway.ask(body, { path, key });
    const last = calls.findLast(({ op }) => op === 'reserve');
    assert.ok(last?.op === 'reserve');
    return last.request;
  };
  const chat = (extra: object = {}): object => ({ model: 'fast', messages: [{ role: 'user', content: 'Hello there' }], ...extra });

  it('of one key or model says nothing of another', async () => {
    const other = gateway.addKey({ id: 'key_2', team: 'team_2', user: 'user_2' });
    const first = await reserve(chat());
    const second = await reserve(chat({ model: 'safe', user: 'ann' }), undefined, other);
    const third = await reserve(chat());
    assert.deepEqual([first.key, first.user, first.alias, first.targets?.length], ['key_1', undefined, 'fast', 1]);
    assert.deepEqual([second.key, second.team, second.user, second.endUser, second.alias], ['key_2', 'team_2', 'user_2', 'ann', 'safe']);
    assert.deepEqual(second.targets, [
      { provider: 'openai', model: 'gpt-fast', priceList: 'openai' },
      { provider: 'second', model: 'other', priceList: 'second' },
    ]);
    assert.deepEqual({ ...third, requestId: first.requestId }, first);
  });

  it('holds names of models that are anything but plain', async () => {
    const { alias, targets } = await reserve(chat({ model: 'openai/"}],\n\u00e9' }));
    assert.deepEqual([alias, targets?.[0]?.model], ['openai/"}],\n\u00e9', '"}],\n\u00e9']);
  });

  it('names no target where the endpoint has none, because nothing can be spent', async () =>
    assert.equal((await reserve({ model: 'claude', input: 'x' }, '/v1/embeddings')).targets, undefined));

  it('bounds the input by the estimate and never above its bytes', async () => {
    const words = { model: 'fast', messages: [{ role: 'user', content: 'word '.repeat(1000) }] };
    const { maxInputTokens } = await reserve(words);
    assert.ok(maxInputTokens >= 1000 && maxInputTokens <= 2000, String(maxInputTokens));
    const odd = JSON.stringify({ model: 'fast', messages: [], a: '\u6f22'.repeat(9000) });
    assert.ok((await reserve(JSON.parse(odd) as object)).maxInputTokens <= Buffer.byteLength(odd));
  });

  const bounds: readonly (readonly [string, string, object, number])[] = [
    ['the client’s word', '/v1/chat/completions', chat({ max_completion_tokens: 100 }), 100],
    ['its older word', '/v1/chat/completions', chat({ max_tokens: 50 }), 50],
    ['of every copy', '/v1/chat/completions', chat({ max_tokens: 50, n: 3 }), 150],
    ['of every copy without a word', '/v1/chat/completions', chat({ n: 2 }), 256_000],
    ['of the best of many', '/v1/completions', { model: 'fast', prompt: 'x', max_tokens: 10, best_of: 4 }, 40],
    ['what models write at most', '/v1/chat/completions', chat({ max_tokens: 'many' }), 128_000],
    ['what a translation asks for', '/v1/chat/completions', chat({ model: 'claude' }), 4096],
    ['of every picture', '/v1/images/generations', { model: 'fast', prompt: 'x', n: 2 }, 50_000],
    ['of what is read out', '/v1/audio/speech', { model: 'fast', input: 'x' }, 11 * JSON.stringify({ model: 'fast', input: 'x' }).length],
    ['nothing where nothing is written', '/v1/embeddings', { model: 'fast', input: 'x' }, 0],
  ];
  for (const [name, path, body, expected] of bounds)
    it(`bounds the output: ${name}`, async () => assert.equal((await reserve(body, path)).maxOutputTokens, expected));

  it('says what is used at most of what is not counted in tokens', async () => {
    assert.equal((await reserve(chat())).maxUnits, undefined);
    assert.deepEqual((await reserve({ model: 'fast', prompt: 'x', n: 2 }, '/v1/images/generations')).maxUnits, { image: 2 });
    assert.deepEqual((await reserve({ model: 'fast', input: 'h\u00e9' }, '/v1/audio/speech')).maxUnits, { character: 2 });
    assert.deepEqual((await reserve({ model: 'fast', query: 'x', documents: ['a'] }, '/v1/rerank')).maxUnits, { search: 1 });
  });

  it('moves to the target that is tried next', async () => {
    const { requestId, maxInputTokens, maxOutputTokens } = await reserve(chat({ model: 'safe', user: 'fail-first' }));
    assert.deepEqual(
      calls.find(({ op }) => op === 'adjust'),
      { op: 'adjust', requestId, maxInputTokens, maxOutputTokens, target: { provider: 'second', model: 'other', priceList: 'second' } },
    );
  });

  it('follows the policy', async () => {
    const models = [{ alias: 'fast', targets: [{ provider: 'second', model: 'new' }], prefix: false }];
    await gateway.tell({ op: 'policy.apply', snapshot: { ...gateway.sign('snapshot', { ...POLICY, version: 2, models }) } });
    assert.deepEqual((await reserve(chat())).targets, [{ provider: 'second', model: 'new', priceList: 'second' }]);
  });
});
