import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { NO_USAGE, type TokenUsage } from '../core/usage.ts';
import { CATALOGUE } from './catalogue.ts';
import { NO_OPERATOR_PRICES, readOperatorPrices, type OperatorPrices } from './operator-prices.ts';
import { BUILT_IN } from './price-book.ts';
import { priceBound, priceUsage, type Price } from './price.ts';

/** Names that do not tell their model, and Claude's names at Bedrock. */

const NOW = Date.parse('2026-11-20T12:00:00Z');
const ARN = 'arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/mi1dadi0g15f';
const SONNET = 'anthropic.claude-sonnet-4-5-20250929-v1:0';
const USE: TokenUsage = { ...NO_USAGE, input: 8, output: 2 };

function own(more: object): OperatorPrices {
  const read = readOperatorPrices(JSON.stringify({ kind: 'prices', version: 7, entries: [], discounts: [], margins: [], ...more }));
  return read.ok ? read.value : assert.fail(read.error);
}

const priced = (model: string, baseModel: string | undefined, list = 'aws', operator = NO_OPERATOR_PRICES): Price =>
  priceUsage(USE, model, list, NOW, { provider: 'mine', credential: '', baseModel, operator });

describe('a name that does not tell its model', () => {
  it('is unknown by itself: the dearest of the list, flagged', () => {
    const { known, picodollars, source } = priced(ARN, undefined);
    assert.deepEqual([known, source], [false, { list: 'aws', model: '' }]);
    assert.ok(picodollars > priced(ARN, `us.${SONNET}`).picodollars);
  });

  it('costs exactly what the model behind it does at that provider, and says as what it was priced', () => {
    // 8 × $3.30 + 2 × $16.50 in a region, 8 × $3 + 2 × $15 anywhere; 8 × $0.25 + 2 × $2 at Azure, whose list falls back to OpenAI’s.
    for (const [model, base, list, cost] of [
      [ARN, `us.${SONNET}`, 'aws', 59_400_000n],
      [ARN, `global.${SONNET}`, 'aws', 54_000_000n],
      ['my-deployment', 'gpt-5-mini', 'azure', 6_000_000n],
      // The name of a deployment may be that of another model.
      ['gpt-4o', 'gpt-5-mini', 'azure', 6_000_000n],
    ] as const) {
      const { picodollars, known, source, lines } = priced(model, base, list);
      assert.deepEqual([picodollars, known, source.as], [cost, true, base]);
      assert.deepEqual({ ...source, as: undefined }, { ...priced(base, undefined, list).source, as: undefined });
      assert.deepEqual(lines, priced(base, undefined, list).lines);
    }
  });

  it('is reserved at the price of the model behind it', () => {
    const bound = (model: string, baseModel?: string): Price =>
      priceBound({ input: 10, output: 10, units: undefined }, model, 'aws', NOW, {
        provider: 'mine',
        credential: '',
        baseModel,
        operator: NO_OPERATOR_PRICES,
      });
    assert.equal(bound(ARN, `us.${SONNET}`).picodollars, bound(`us.${SONNET}`).picodollars);
    assert.deepEqual([bound(ARN, `us.${SONNET}`).known, bound(ARN).known], [true, false]);
  });

  it('costs what its own name does, where nobody knows the model behind it', () =>
    assert.deepEqual(priced('gpt-4o', 'a-model-of-tomorrow', 'azure').picodollars, priced('gpt-4o', undefined, 'azure').picodollars));

  it('stays unknown, where nobody knows either', () => {
    const { known, source } = priced(ARN, 'a-model-of-tomorrow');
    assert.deepEqual([known, source], [false, { list: 'aws', model: '', as: 'a-model-of-tomorrow' }]);
  });

  it('costs nothing in the sandbox and on own machines, whatever is behind it', () => {
    for (const list of ['none', 'sandbox']) assert.equal(priced('llama', 'gpt-5', list).picodollars, 0n);
  });
});

describe('own prices of a target with a base model', () => {
  const entry = (model: string, input: number) => ({ provider: 'mine', model, rates: { input, output: 0 } });
  const BASE = `us.${SONNET}`;

  it('for its own name go in front of those for the model behind it, which go in front of the list', () => {
    const both = own({ entries: [entry(BASE, 2), entry('arn:*', 1)] });
    assert.deepEqual([priced(ARN, BASE, 'aws', both).picodollars, priced(BASE, undefined, 'aws', both).picodollars], [8n, 16n]);
    const { picodollars, source } = priced(ARN, BASE, 'aws', own({ entries: [entry(BASE, 2)] }));
    assert.deepEqual([picodollars, source.list, source.model, source.as], [16n, 'operator', BASE, BASE]);
  });

  it('have discounts and margins by either name', () => {
    const half = { ppm: 500_000 };
    const full = priced(ARN, BASE).picodollars;
    for (const model of ['arn:*', 'us.anthropic.*']) {
      assert.equal(priced(ARN, BASE, 'aws', own({ discounts: [{ ...half, model }] })).picodollars, full / 2n);
      assert.equal(priced(ARN, BASE, 'aws', own({ margins: [{ ...half, model }] })).picodollars, (full * 3n) / 2n);
    }
    assert.equal(priced(ARN, BASE, 'aws', own({ discounts: [{ ...half, model: 'amazon.*' }] })).picodollars, full);
  });
});

describe('Claude at Bedrock', () => {
  /** Anthropic: “Regional and multi-region endpoints include a 10% premium over global endpoints”, from Sonnet 4.5, Haiku 4.5, Opus 4.5 on. */
  const WITH_PREMIUM = /^global\.anthropic\.claude-(?!sonnet-4-2025)/;
  const everywhere = (CATALOGUE.lists['aws']?.models ?? []).filter(({ id }) => WITH_PREMIUM.test(id)).map(({ id }) => id);
  const cost = (model: string): readonly [bigint, boolean] => {
    const { picodollars, known } = priceUsage(
      { ...NO_USAGE, input: 3_000, cachedInput: 1_000, cacheWrite: 1_000, output: 1_000 },
      model,
      'aws',
      NOW,
    );
    return [picodollars, known];
  };

  it('is in the list for ten models and more', () => assert.ok(everywhere.length >= 10, String(everywhere)));

  for (const id of everywhere)
    it(`${id.slice('global.'.length)} costs a tenth more in any region than anywhere`, () => {
      const name = id.slice('global.'.length);
      const [price, known] = cost(id);
      assert.equal(known, true);
      for (const place of ['', 'us.', 'eu.', 'apac.', 'au.', 'jp.', 'ca.', 'us-gov.', 'sa.'])
        assert.deepEqual(cost(`${place}${name}`), [(price * 11n) / 10n, true], place);
    });

  it('cost the same everywhere before that', () => {
    const name = 'anthropic.claude-sonnet-4-20250514-v1:0';
    for (const place of ['', 'us.', 'eu.', 'ca.']) assert.deepEqual(cost(`${place}${name}`), cost(`global.${name}`), place);
  });

  it('is found by the ARN of a model and of a profile of AWS, not by that of an application’s', () => {
    const at = (rest: string): string => `arn:aws:bedrock:eu-central-1:123456789012:${rest}`;
    assert.deepEqual(cost(at(`inference-profile/eu.${SONNET}`)), cost(`eu.${SONNET}`));
    assert.deepEqual(cost(at(`inference-profile/global.${SONNET}`)), cost(`global.${SONNET}`));
    assert.deepEqual(cost(`arn:aws-us-gov:bedrock:us-gov-west-1::foundation-model/${SONNET}`), cost(SONNET));
    assert.equal(cost(at(`application-inference-profile/${SONNET}`))[1], false);
    assert.equal(BUILT_IN.find('aws', ARN), undefined);
  });

  it('is not guessed: neither another model of that prefix, nor one that is served anywhere', () => {
    for (const model of ['ca.anthropic.claude-of-tomorrow', 'global.anthropic.claude-of-tomorrow', 'x.y.anthropic.claude-opus-5'])
      assert.equal(cost(model)[1], false, model);
    assert.equal(BUILT_IN.find('openai', `ca.${SONNET}`), undefined);
  });
});
