import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { anthropicUsage } from './anthropic-messages/usage.ts';
import { answerUsage } from './openai-chat/usage.ts';

/** Ways of being served that answers tell beside a service tier, for each has its price. */
describe('how an answer was served', () => {
  it('Anthropic’s fast mode is told by `speed`', () => {
    const usage = { input_tokens: 1, output_tokens: 1, service_tier: 'standard' };
    assert.equal(anthropicUsage({ ...usage, speed: 'fast' })?.tier, 'fast');
    assert.equal(anthropicUsage({ ...usage, speed: 'standard' })?.tier, undefined);
    assert.equal(anthropicUsage({ ...usage, service_tier: 'batch' })?.tier, 'batch');
  });

  it('Perplexity tells how much of the web it read', () => {
    const answer = (size: unknown) =>
      answerUsage({ usage: { prompt_tokens: 1, completion_tokens: 1, search_context_size: size as string } });
    assert.deepEqual(
      ['low', 'medium', 'high', 'huge', 7].map((size) => answer(size)?.tier),
      ['search_low', 'search_medium', 'search_high', undefined, undefined],
    );
  });
});
