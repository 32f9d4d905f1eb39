import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { loadConfig } from '../config/load.ts';
import type { CredentialId } from '../core/ids.ts';
import { PROVIDER_KINDS } from '../providers/registry.ts';
import { asleepIn } from './served.ts';
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

function snapshot(unserved: readonly string[] = [], sandboxOrigin: string | null = 'http://127.0.0.1:9') {
  const loaded = loadConfig(TEXT, 'bulkhead.yaml');
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.error));
  return buildSnapshot({ config: loaded.value, sandboxOrigin, version: 3, madeAt: 7, unserved: new Set(unserved), shardOf: () => 0 });
}

const aliases = (made: ReturnType<typeof snapshot>): string[] => made.models.map(({ alias }) => alias);

describe('policy snapshot', () => {
  it('has what was declared, what is built in, and the sandbox', () => {
    const loaded = loadConfig(TEXT, 'bulkhead.yaml');
    assert.ok(loaded.ok);
    assert.deepEqual(
      snapshot([...asleepIn(loaded.value, new Set())])
        .providers.map(({ id }) => id)
        .sort(),
      ['anthropic', 'local', 'openai', 'sandbox'],
    );
    for (const alias of ['fast', 'slow', 'sandbox', 'openai/', 'local/', 'sandbox/']) assert.ok(aliases(snapshot()).includes(alias), alias);
  });

  it('every provider has a kind that the gateway knows', () => {
    for (const { kind } of snapshot().providers) assert.ok(PROVIDER_KINDS.has(kind), kind);
  });

  it('shows nothing of a built-in provider that sleeps, and all of it once it has a credential', () => {
    const loaded = loadConfig(TEXT, 'bulkhead.yaml');
    assert.ok(loaded.ok);
    const names = (credentials: readonly string[]) => {
      const made = snapshot([...asleepIn(loaded.value, new Set(credentials))]);
      return [made.providers.some(({ id }) => id === 'groq'), aliases(made).includes('groq/')];
    };
    assert.deepEqual(names([]), [false, false]);
    assert.deepEqual(names(['groq']), [true, true]);
  });

  it('holds what the kind’s paths leave open, and what may pass through', () => {
    const text = 'version: 1\nproviders:\n  az: { kind: azure-openai, resource: r, api: deployments, pass_through: ["GET /files"] }\n';
    const loaded = loadConfig(text, 'bulkhead.yaml');
    assert.ok(loaded.ok);
    const made = buildSnapshot({ config: loaded.value, sandboxOrigin: null, version: 1, madeAt: 1, unserved: new Set(), shardOf: () => 0 });
    const az = made.providers.find(({ id }) => id === 'az');
    assert.deepEqual(
      [az?.kind, az?.settings, az?.passThrough],
      ['azure-openai-deployments', { api: 'deployments', api_version: '2024-10-21', resource: 'r' }, [{ method: 'GET', path: '/files' }]],
    );
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
