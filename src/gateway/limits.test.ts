import Anthropic from '@anthropic-ai/sdk';
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import OpenAI from 'openai';
import type { LimitState } from '../core/rules.ts';
import { errorOf, startCompartment, type Compartment } from './testing/compartment.ts';

/** What the official clients make of limits and budgets. */

const CHAT =
  '{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}';
const MESSAGE =
  '{"id":"m","type":"message","role":"assistant","model":"claude-x","content":[],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":1,"output_tokens":1}}';
const LIMITS: readonly LimitState[] = [
  { measure: 'requests', limit: 60, remaining: 41, resetMs: 360_000 },
  { measure: 'tokens', limit: 9000, remaining: 7, resetMs: 1000 },
  { measure: 'output_tokens', limit: 500, remaining: 400, resetMs: 20 },
];
const RATE = { owner: 'Team search', limit: 60, measure: 'requests', window: 'a minute', seconds: 1, rule: 'lim_1' };
const BUDGET = {
  owner: 'Team search',
  spent: '$500',
  budget: '$500',
  window: 'for November',
  request: '',
  reset: 'resets 1 Dec 00:00 Europe/Berlin',
  rule: 'bud_1',
  seconds: 9000,
};
type Verdict = 'limits' | 'nothing' | 'rate' | 'rate-once' | 'budget' | 'price' | 'parallel';

let gateway: Compartment;
let verdict: Verdict = 'nothing';
let reservations = 0;

before(async () => {
  gateway = await startCompartment({
    vault: (call, { credential }, body) => {
      if (body.includes('"stream":true')) {
        call.sendHead({ status: 200, headers: [['content-type', 'text/event-stream']] });
        call.send(Buffer.from('data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'));
      } else {
        call.sendHead({
          status: body.includes('fail') ? 400 : 200,
          headers: [
            ['content-type', 'application/json'],
            ['x-ratelimit-limit-requests', '1'],
          ],
        });
        call.send(Buffer.from(credential === 'anthropic' ? MESSAGE : CHAT));
      }
      call.end({ bytesIn: 1, bytesOut: 1 });
    },
    ledger: (call) => {
      if (call.head['op'] !== 'reserve') return false;
      reservations++;
      const current = verdict;
      if (current === 'rate-once') verdict = 'nothing';
      switch (current) {
        case 'rate':
        case 'rate-once':
          call.error('rate_limited', RATE);
          return true;
        case 'budget':
          call.error('budget_exceeded', BUDGET);
          return true;
        case 'price':
          call.error('price_unknown', { model: 'gpt-fast', provider: 'openai' });
          return true;
        case 'parallel':
          call.error('too_many_parallel_requests', { owner: 'The key key_1', limit: 2 });
          return true;
        case 'limits':
          call.reply({ limits: LIMITS.map((state) => ({ ...state })) });
          return true;
        default:
          return false;
      }
    },
  });
});
after(() => gateway.close());

const openai = (maxRetries = 0): OpenAI => new OpenAI({ apiKey: gateway.key, baseURL: `${gateway.url}/v1`, maxRetries });
const anthropic = (maxRetries = 0): Anthropic => new Anthropic({ apiKey: gateway.key, baseURL: gateway.url, maxRetries });
const chat = (client: OpenAI) => client.chat.completions.create({ model: 'fast', messages: [{ role: 'user', content: 'hi' }] });
const message = (client: Anthropic) =>
  client.messages.create({ model: 'claude', max_tokens: 5, messages: [{ role: 'user', content: 'hi' }] });

const thrown = (asking: Promise<unknown>): Promise<unknown> =>
  asking.then(
    () => assert.fail('this was not refused'),
    (error: unknown) => error,
  );
const ask = (now: Verdict, ...[body = { model: 'fast', messages: [] }, options]: Partial<Parameters<Compartment['ask']>>) => {
  verdict = now;
  return gateway.ask(body, options);
};

describe('limits that a request touched', () => {
  const shown = {
    'x-ratelimit-limit-requests': '60',
    'x-ratelimit-remaining-requests': '41',
    'x-ratelimit-reset-requests': '6m0s',
    'x-ratelimit-limit-tokens': '9000',
    'x-ratelimit-remaining-tokens': '7',
    'x-ratelimit-reset-tokens': '1s',
  };

  for (const [name, body] of [
    ['a whole answer', { model: 'fast', messages: [] }],
    ['a stream', { model: 'fast', messages: [], stream: true }],
    ['a failure of the provider', { model: 'fast', messages: [], user: 'fail' }],
    ['a refusal afterwards', { model: 'fast', input: [{ role: 7 }] }],
  ] as const)
    it(`are told with ${name}`, async () => {
      const { headers } = await ask('limits', body, 'input' in body ? { path: '/v1/rerank' } : {});
      for (const [header, value] of Object.entries(shown)) assert.equal(headers[header], value, header);
    });

  it('are told Anthropic’s clients in Anthropic’s words', async () => {
    verdict = 'limits';
    const { response } = await message(anthropic()).withResponse();
    assert.equal(response.headers.get('anthropic-ratelimit-requests-remaining'), '41');
    assert.equal(response.headers.get('anthropic-ratelimit-output-tokens-limit'), '500');
    const reset = response.headers.get('anthropic-ratelimit-tokens-reset') ?? '';
    assert.match(reset, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    assert.equal(response.headers.get('x-ratelimit-limit-requests'), null);
  });

  it('are none where no rule is: the provider’s own stay apart', async () => {
    const { headers } = await ask('nothing');
    assert.deepEqual(
      Object.keys(headers).filter((name) => name.includes('ratelimit')),
      ['x-upstream-ratelimit-limit-requests'],
    );
  });
});

describe('a limit that is reached', () => {
  it('is the RateLimitError of OpenAI’s client', async () => {
    verdict = 'rate';
    const error = await thrown(chat(openai()));
    assert.ok(error instanceof OpenAI.RateLimitError);
    assert.deepEqual([error.status, error.code, error.type], [429, 'rate_limited', 'rate_limit_error']);
    assert.match(
      error.message,
      /Team search may use 60 requests a minute\. Try again in 1 s, or ask for a higher limit \(lim_1\)\. Request req_[0-9A-Z]{26}$/,
    );
    assert.deepEqual(
      ['retry-after', 'retry-after-ms', 'x-ratelimit-limit-requests', 'x-ratelimit-remaining-requests', 'x-ratelimit-reset-requests'].map(
        (name) => error.headers.get(name),
      ),
      ['1', '1000', '60', '0', '1s'],
    );
  });

  it('is the RateLimitError of Anthropic’s client', async () => {
    verdict = 'rate';
    const error = await thrown(message(anthropic()));
    assert.ok(error instanceof Anthropic.RateLimitError);
    assert.deepEqual(
      [error.status, error.type, error.headers?.get('retry-after'), error.headers?.get('anthropic-ratelimit-requests-remaining')],
      [429, 'rate_limit_error', '1', '0'],
    );
    assert.match(error.message, /Team search may use 60 requests a minute/);
  });

  it('is 429 to Google’s clients', async () => {
    const answer = await ask('rate', { contents: [] }, { path: '/v1beta/models/fast:generateContent' });
    const { error } = JSON.parse(answer.body) as { error: { code: number; status: string } };
    assert.deepEqual([answer.status, error.code, error.status, answer.headers['retry-after']], [429, 429, 'RESOURCE_EXHAUSTED', '1']);
  });

  it('is waited out by both clients', async () => {
    for (const asking of [() => chat(openai(1)), () => message(anthropic(1))]) {
      verdict = 'rate-once';
      const before = reservations;
      await asking();
      assert.equal(reservations, before + 2);
    }
  });

  it('of requests in flight says when to try again', async () => {
    const answer = await ask('parallel');
    assert.deepEqual([answer.status, errorOf(answer).code, answer.headers['retry-after']], [429, 'too_many_parallel_requests', '1']);
    assert.match(errorOf(answer).message, /Request req_[0-9A-Z]{26}$/);
  });
});

describe('a budget that is used up', () => {
  const sentence =
    /Team search used \$500 of \$500 for November; resets 1 Dec 00:00 Europe\/Berlin\. Run: bulkhead budget request\. Request req_[0-9A-Z]{26}$/;

  it('is 402 to OpenAI’s client, which does not try again', async () => {
    verdict = 'budget';
    const before = reservations;
    const error = await thrown(chat(openai(2)));
    assert.ok(error instanceof OpenAI.APIError && !(error instanceof OpenAI.RateLimitError));
    assert.deepEqual([error.status, error.code, error.type, reservations - before], [402, 'budget_exceeded', 'insufficient_quota', 1]);
    assert.match(error.message, sentence);
    assert.equal(error.headers?.get('retry-after'), null);
  });

  it('is Anthropic’s billing error, which its client does not try again', async () => {
    verdict = 'budget';
    const before = reservations;
    const error = await thrown(message(anthropic(2)));
    assert.ok(error instanceof Anthropic.APIError && !(error instanceof Anthropic.RateLimitError));
    assert.deepEqual([error.status, error.type, reservations - before], [402, 'billing_error', 1]);
    assert.match((error.error as { error: { message: string } }).error.message, sentence);
  });

  it('or whose price nobody knows, is 402 too', async () => {
    const answer = await ask('price');
    assert.deepEqual([answer.status, errorOf(answer).code], [402, 'price_unknown']);
  });
});
