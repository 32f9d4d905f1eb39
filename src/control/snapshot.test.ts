import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { loadConfig } from '../config/load.ts';
import type { CredentialId } from '../core/ids.ts';
import { PROVIDER_KINDS } from '../providers/registry.ts';
import { shardOf } from './shard.ts';
import { buildSnapshot } from './snapshot.ts';

const TEXT = `
version: 1
providers:
  local: { kind: openai-compatible, base_url: http://127.0.0.1:1/v1, private: true, auth: none }
models:
  fast: [openai/gpt-5.6-mini, local/llama]
  slow: local/llama
`;

function snapshot(leftOut: readonly string[] = [], sandboxOrigin: string | null = 'http://127.0.0.1:9') {
  const loaded = loadConfig(TEXT, 'bulkhead.yaml');
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.error));
  return buildSnapshot({ config: loaded.value, sandboxOrigin, version: 3, madeAt: 7, leftOut: new Set(leftOut), shardOf: () => 0 });
}

const aliases = (made: ReturnType<typeof snapshot>): string[] => made.models.map(({ alias }) => alias);

describe('policy snapshot', () => {
  it('has what was declared, what is built in, and the sandbox', () => {
    assert.deepEqual(
      snapshot()
        .providers.map(({ id }) => id)
        .sort(),
      ['anthropic', 'local', 'openai', 'sandbox'],
    );
    for (const alias of ['fast', 'slow', 'sandbox', 'openai/', 'local/', 'sandbox/']) assert.ok(aliases(snapshot()).includes(alias), alias);
  });

  it('every provider has a kind that the gateway knows', () => {
    for (const { kind } of snapshot().providers) assert.ok(PROVIDER_KINDS.has(kind), kind);
  });

  it('holds no address: where a credential goes is the vault’s to know', () => {
    assert.doesNotMatch(JSON.stringify(snapshot()), /https?:/);
  });

  it('leaves out a provider whose credential is bound elsewhere, and what only it can serve', () => {
    const made = snapshot(['local']);
    assert.equal(
      made.providers.some(({ id }) => id === 'local'),
      false,
    );
    assert.equal(aliases(made).includes('slow'), false);
    assert.deepEqual(
      made.models.find(({ alias }) => alias === 'fast')?.targets.map(({ provider }) => provider),
      ['openai'],
    );
  });

  it('without the sandbox nothing leads to it', () => {
    assert.equal(
      aliases(snapshot([], null)).some((alias) => alias.startsWith('sandbox')),
      false,
    );
  });
});

describe('shard of a credential', () => {
  it('never changes', () => {
    assert.deepEqual(
      ['openai', 'anthropic', 'sandbox', 'x'].map((id) => shardOf(id as CredentialId, 4)),
      [0, 2, 1, 0],
    );
  });

  it('spreads', () => {
    const counts = [0, 0, 0, 0];
    for (let i = 0; i < 1000; i++) {
      const shard = shardOf(`c${i}` as CredentialId, 4);
      counts[shard] = (counts[shard] ?? 0) + 1;
    }
    assert.ok(
      counts.every((count) => count > 180),
      String(counts),
    );
  });
});
