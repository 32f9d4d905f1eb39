import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { estimateInputTokens, OutputEstimate } from './estimate.ts';

describe('estimates', () => {
  it('of English text are near its real count', () => {
    // 44 tokens with OpenAI’s o200k_base, counted once.
    const text =
      'The quick brown fox jumps over the lazy dog. Sphinx of black quartz, judge my vow. Pack my box with five dozen liquor jugs. How vexingly quick daft zebras jump!';
    const tokens = estimateInputTokens(Buffer.from(text));
    assert.ok(tokens >= 30 && tokens <= 60, String(tokens));
  });

  it('count a file in base64 as one picture, not as words', () => {
    assert.ok(estimateInputTokens(Buffer.from(`{"url":"data:image/png;base64,${'iVBORw0KGgo'.repeat(10_000)}"}`)) < 1100);
  });

  it('count what follows a file, and words behind a long run that is none', () => {
    const words = ' word'.repeat(500);
    const file = estimateInputTokens(Buffer.from(`{"data":"${'QUJD'.repeat(5000)}==","text":"${words}"}`));
    assert.ok(file >= 1500 && file < 1510, String(file));
    const text = estimateInputTokens(Buffer.from(`{"text":"${'A'.repeat(1100)}${words}"}`));
    assert.ok(text >= 1500 && text < 1510, String(text));
    const open = estimateInputTokens(Buffer.from('A'.repeat(5000)));
    assert.equal(open, 1000);
  });

  it('are the same wherever a body has its words', () => {
    const body = (gap: string): string => ['alpha', 'beta-gamma', '\u00fcber', '1234567'].join(gap);
    assert.equal(estimateInputTokens(Buffer.from(body(' '))), estimateInputTokens(Buffer.from(body('   '))));
  });

  it('count other scripts by characters', () => {
    const tokens = estimateInputTokens(Buffer.from('漢字仮名交じり文'));
    assert.ok(tokens >= 4 && tokens <= 10, String(tokens));
  });

  it('of a stream are at least one token an event', () => {
    const estimate = new OutputEstimate();
    assert.equal(estimate.tokens, 0);
    for (let i = 0; i < 10; i++) estimate.add(200);
    assert.equal(estimate.tokens, 10);
    estimate.add(600);
    assert.equal(estimate.tokens, 100);
  });
});
