import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { mayUse, ModelTable, type ModelRule } from './model-table.ts';

const rule = (alias: string, targets: readonly string[], prefix = false): ModelRule => ({
  alias,
  prefix,
  targets: targets.map((target) => {
    const slash = target.indexOf('/');
    return { provider: target.slice(0, slash), model: target.slice(slash + 1) };
  }),
});

const table = new ModelTable([
  rule('fast', ['openai/gpt-5.6-mini', 'anthropic/claude-haiku']),
  rule('openai/pinned', ['openai/gpt-5.6-2026']),
  rule('openai/', ['openai/'], true),
  rule('openai/eu/', ['openai-eu/'], true),
]);

describe('model table', () => {
  it('gives the targets of an alias in order', () => {
    assert.deepEqual(table.resolve('fast')?.targets, [
      { provider: 'openai', model: 'gpt-5.6-mini' },
      { provider: 'anthropic', model: 'claude-haiku' },
    ]);
  });

  it('prefers an exact alias to a prefix, and a longer prefix to a shorter', () => {
    assert.equal(table.resolve('openai/pinned')?.targets[0]?.model, 'gpt-5.6-2026');
    assert.deepEqual(table.resolve('openai/eu/gpt')?.targets, [{ provider: 'openai-eu', model: 'gpt' }]);
    assert.deepEqual(table.resolve('openai/org/gpt')?.targets, [{ provider: 'openai', model: 'org/gpt' }]);
  });

  it('does not know an empty rest, another case, or a name of unreasonable length', () => {
    for (const name of ['openai/', 'Fast', 'unknown', '', '__proto__', `openai/${'x'.repeat(300)}`])
      assert.equal(table.resolve(name), undefined, name);
  });

  it('lists exact aliases alone, choices with prefixes', () => {
    assert.deepEqual(table.aliases(undefined), ['fast', 'openai/pinned']);
    assert.deepEqual(table.aliases(['fast']), ['fast']);
    assert.deepEqual(table.choices(undefined), ['fast', 'openai/pinned', 'openai/eu/*', 'openai/*']);
    assert.deepEqual(table.choices(['fast', 'openai/*']), ['fast', 'openai/pinned', 'openai/eu/*', 'openai/*']);
  });

  it('allows by name and by prefix alias, never by a longer or shorter name', () => {
    const prefix = rule('openai/', ['openai/'], true);
    assert.equal(mayUse(undefined, 'openai/x', prefix), true);
    assert.equal(mayUse(['openai/x'], 'openai/x', prefix), true);
    assert.equal(mayUse(['openai/*'], 'openai/x', prefix), true);
    assert.equal(mayUse(['openai/x'], 'openai/xy', prefix), false);
    assert.equal(mayUse([], 'openai/x', prefix), false);
    assert.equal(mayUse(['fast/*'], 'fast', rule('fast', ['a/b'])), false);
  });

  it('allows by wildcard: all below a prefix, whatever alias that is, or everything', () => {
    const exact = rule('openai/pinned', ['openai/gpt-5.6-2026']);
    assert.equal(mayUse(['openai/*'], 'openai/pinned', exact), true);
    assert.equal(mayUse(['openai/eu/*'], 'openai/pinned', exact), false);
    assert.equal(mayUse(['open/*'], 'openai/pinned', exact), false);
    assert.equal(mayUse(['openai*'], 'openai/pinned', exact), false);
    assert.equal(mayUse(['/*'], 'openai/pinned', exact), false);
    assert.equal(mayUse(['*'], 'openai/pinned', exact), true);
    assert.deepEqual(table.choices(['*']), table.choices(undefined));
    assert.deepEqual(table.aliases(['openai/*']), ['openai/pinned']);
  });
});
