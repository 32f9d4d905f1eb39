import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { JsonObject } from '../core/json.ts';
import type { LedgerCall } from '../ipc/messages/ledger.ts';
import { POLICY, startCompartment, type Compartment } from './testing/compartment.ts';

/** Names of models that do not tell which model it is: profiles and deployments of the operator's own. */

const ARN = 'arn:aws:bedrock:eu-central-1:123456789012:application-inference-profile/a1b2c3d4';
const CLAUDE = 'anthropic.claude-sonnet-4-5-20250929-v1:0';
const provider = (id: string, settings: JsonObject) =>
  ({
    id,
    kind: id,
    basePath: '',
    credential: id,
    shard: 0,
    priceList: id,
    headers: [],
    settings,
    passThrough: [],
  }) as unknown as (typeof POLICY.providers)[number];
const alias = (name: string, id: string, model: string, baseModel?: string) => ({
  alias: name,
  targets: [{ provider: id as never, model, ...(baseModel === undefined ? {} : { baseModel }) }],
  prefix: false,
});

const MESSAGES = { max_tokens: 9, messages: [{ role: 'user', content: 'hi' }], unknown_to_us: 1 };
const CHAT = { messages: [{ role: 'user', content: 'hi' }], reasoning_effort: 'low', max_completion_tokens: 4000 };

describe('a target whose name does not tell its model', () => {
  let gateway: Compartment;
  const heard: LedgerCall[] = [];

  before(async () => {
    gateway = await startCompartment({
      policy: {
        providers: [...POLICY.providers, provider('bedrock', { region: 'eu-central-1' })],
        models: [
          alias('untold', 'bedrock', ARN),
          alias('told', 'bedrock', ARN, CLAUDE),
          alias('nova', 'bedrock', ARN, 'amazon.nova-pro-v1:0'),
          alias('titan', 'bedrock', ARN, 'amazon.titan-embed-text-v2:0'),
          alias('cohere', 'bedrock', ARN, 'cohere.embed-v4:0'),
          alias('regional', 'bedrock', `us.${CLAUDE}`),
          alias('everywhere', 'bedrock', `global.${CLAUDE}`),
          alias('profile', 'bedrock', `arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.${CLAUDE}`),
          alias('mine', 'anthropic', 'my-own-name', 'claude-3-5-haiku-20241022'),
        ],
      },
      ledger: (call) => {
        heard.push(call.head as unknown as LedgerCall);
        return false;
      },
      vault: (egress, _call, body) => {
        // Cohere's answers on Bedrock do not say what they used; Bedrock says it in a header.
        const isCohere = body.includes('"texts"');
        const answer = isCohere ? '{"id":"i","embeddings":[[0.5,1]],"texts":["hi"],"response_type":"embeddings_floats"}' : '{}';
        const headers = [
          ['content-type', 'application/json'],
          ['x-amzn-bedrock-input-token-count', '7'],
        ];
        egress.sendHead({ status: isCohere ? 200 : 500, headers }, Buffer.from(answer));
        egress.end({ bytesIn: 2, bytesOut: 0 });
      },
    });
  });
  after(() => gateway.close());

  async function sent(path: string, body: JsonObject): Promise<{ readonly path: string; readonly body: JsonObject }> {
    const before = gateway.calls.length;
    const answer = await gateway.ask(body, { path });
    assert.equal(gateway.calls.length, before + 1, answer.body);
    const call = gateway.calls[before] as Compartment['calls'][number];
    return { path: call.head.path, body: JSON.parse(call.body.toString()) as JsonObject };
  }
  const messages = (model: string, more: JsonObject = {}) => sent('/v1/messages', { model, ...MESSAGES, ...more });
  const chat = (model: string) => sent('/v1/chat/completions', { model, ...CHAT });
  const place = `/model/${ARN.replace('/', '%2F')}`;

  it('is Claude’s own protocol on Bedrock for Anthropic’s clients, where the operator says that Claude is behind it', async () => {
    const own = { ...MESSAGES, anthropic_version: 'bedrock-2023-05-31' };
    assert.deepEqual(await messages('told'), { path: `${place}/invoke`, body: own });
    assert.equal((await messages('told', { stream: true })).path, `${place}/invoke-with-response-stream`);
    for (const model of ['regional', 'everywhere', 'profile']) {
      const { path, body } = await messages(model);
      assert.match(path, /^\/model\/(us\.|global\.|arn:[a-z0-9:-]+%2Fus\.)anthropic\.claude-sonnet-4-5-20250929-v1:0\/invoke$/);
      assert.deepEqual(body, own);
    }
  });

  it('is Converse where nobody says it, and where another model is behind it', async () => {
    for (const model of ['untold', 'nova']) {
      const { path, body } = await messages(model);
      assert.equal(path, `${place}/converse`);
      assert.deepEqual(body['messages'], [{ role: 'user', content: [{ text: 'hi' }] }]);
    }
  });

  it('is asked for what the model behind it can take', async () => {
    const reasoning = ({ body }: { readonly body: JsonObject }): boolean => JSON.stringify(body).includes('"thinking"');
    const { path } = await chat('told');
    assert.equal(path, `${place}/converse`);
    assert.ok(reasoning(await chat('told')), 'Claude reasons');
    assert.ok(!reasoning(await chat('nova')), 'Nova does not in these words');
    const embed = (model: string) => sent('/v1/embeddings', { model, input: 'hi' });
    assert.deepEqual(await embed('titan'), { path: `${place}/invoke`, body: { inputText: 'hi' } });
    assert.deepEqual((await embed('cohere')).body['texts'], ['hi']);
  });

  it('is charged for the tokens that Bedrock tells in a header, where the answer tells none', async () => {
    const answer = await gateway.ask({ model: 'cohere', input: 'hi' }, { path: '/v1/embeddings' });
    assert.equal(answer.status, 200, answer.body);
    await gateway.accounted();
    const { usage, estimated } = gateway.settled.at(-1) as Compartment['settled'][number];
    assert.deepEqual([usage.input, usage.output, estimated], [7, 0, false]);
  });

  it('is reserved and reported as that name with the model behind it, for the price', async () => {
    const named = async (model: string) => {
      await chat(model);
      await gateway.accounted();
      const call = heard.findLast(({ op }) => op === 'reserve');
      const [target] = call?.op === 'reserve' ? (call.request.targets ?? []) : [];
      const event = gateway.settled.at(-1);
      return [target?.model, target?.baseModel, event?.model, event?.baseModel];
    };
    assert.deepEqual(await named('told'), [ARN, CLAUDE, ARN, CLAUDE]);
    assert.deepEqual(await named('untold'), [ARN, undefined, ARN, undefined]);
    assert.deepEqual(await named('regional'), [`us.${CLAUDE}`, undefined, `us.${CLAUDE}`, undefined]);
  });

  it('keeps its own name where the body names it', async () => {
    const { body } = await chat('mine');
    assert.equal(body['model'], 'my-own-name');
    assert.equal(body['thinking'], undefined);
  });
});
