import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { CATALOGUE } from '../config/catalogue/catalogue.ts';
import { SETTINGS } from '../config/catalogue/row.ts';
import { WIRE_PROTOCOLS } from '../wire/protocol.ts';
import { PROVIDER_KINDS } from './registry.ts';

const WIRE = fileURLToPath(new URL('../../../shared/wire/', import.meta.url));
const SETTING_NAMES: ReadonlySet<string> = new Set([...SETTINGS, 'model']);
/** A path below the base with places, and maybe a query. */
const PATH = /^(?:\/[a-z0-9_{}:.-]+)+(?:\?[a-zA-Z_={}&-]+)?$/i;

describe('provider kinds', () => {
  for (const [name, kind] of PROVIDER_KINDS) {
    it(`${name} is a row the rest can rely on`, () => {
      assert.equal(kind.kind, name);
      const operations = Object.values(kind.operations).flat();
      assert.ok(operations.length > 0);
      for (const { protocol, path, streamPath = path, members } of operations) {
        assert.ok(WIRE_PROTOCOLS.includes(protocol), protocol);
        for (const each of [path, streamPath]) {
          assert.match(each, PATH);
          for (const [, place] of each.matchAll(/\{(\w+)\}/g)) assert.ok(SETTING_NAMES.has(place ?? ''), each);
        }
        for (const [from, to] of Object.entries(members?.rename ?? {})) assert.notEqual(from, to);
      }
      for (const header of [...kind.headers.map(([header]) => header), ...kind.clientHeaders]) assert.equal(header, header.toLowerCase());
      assert.match(kind.probe.path, PATH);
    });
  }

  it('every row of the catalogue is a kind, with its address, credential and prices, and nothing else is but the sandbox', () => {
    assert.deepEqual([...PROVIDER_KINDS.keys()].sort(), [...CATALOGUE.map(({ kind }) => kind), 'sandbox'].sort());
    for (const { kind, baseUrl, auth, priceList } of CATALOGUE) {
      const found = PROVIDER_KINDS.get(kind);
      assert.deepEqual([found?.baseUrl, found?.auth, found?.priceList], [baseUrl, auth, priceList], kind);
    }
  });
});

describe('a kind made from a row alone', () => {
  it('speaks what the row offers, in its order', () => {
    const chat = (kind: string) => PROVIDER_KINDS.get(kind)?.operations.chat?.map(({ protocol }) => protocol);
    assert.deepEqual(chat('xai'), ['openai-chat', 'openai-responses']);
    assert.deepEqual(chat('openrouter'), ['openai-chat', 'openai-responses', 'anthropic-messages']);
    assert.deepEqual(chat('deepseek-anthropic'), ['anthropic-messages']);
    assert.equal(chat('voyage'), undefined);
  });

  it('carries the quirks as data', () => {
    assert.deepEqual(PROVIDER_KINDS.get('groq')?.operations.chat?.[0]?.members, { reject: ['logprobs', 'top_logprobs', 'logit_bias'] });
    assert.deepEqual(PROVIDER_KINDS.get('deepseek')?.operations.chat?.[0]?.members, { rename: { max_completion_tokens: 'max_tokens' } });
    assert.deepEqual(PROVIDER_KINDS.get('voyage')?.operations.rerank?.[0]?.members, { rename: { top_n: 'top_k' } });
    assert.equal(PROVIDER_KINDS.get('perplexity')?.streamUsage, false);
    assert.deepEqual(PROVIDER_KINDS.get('snowflake')?.operations.chat?.[1]?.models, ['claude']);
  });

  it('sends Anthropic’s version where it speaks Anthropic’s format', () => {
    assert.deepEqual(PROVIDER_KINDS.get('zai-anthropic')?.headers, [['anthropic-version', '2023-06-01']]);
    assert.deepEqual(PROVIDER_KINDS.get('groq')?.headers, []);
  });
});

describe('azure-openai', () => {
  it('has both URL styles', () => {
    const pathOf = (kind: string) => PROVIDER_KINDS.get(kind)?.operations.chat?.[0]?.path;
    assert.equal(pathOf('azure-openai'), '/v1/chat/completions');
    assert.equal(pathOf('azure-openai-deployments'), '/deployments/{model}/chat/completions?api-version={api_version}');
  });

  it('has the recorded paths below its base', () => {
    const recorded = fs
      .globSync('azure-openai/*/*/meta.json', { cwd: WIRE })
      .map((file) => (JSON.parse(fs.readFileSync(path.join(WIRE, file), 'utf8')) as { request_path: string }).request_path);
    const all = ['azure-openai', 'azure-openai-deployments'].flatMap((kind) =>
      Object.values(PROVIDER_KINDS.get(kind)?.operations ?? {})
        .flat()
        .map((operation) => `/openai${operation.path}`),
    );
    const pattern = (template: string): RegExp => new RegExp(`^${template.replace(/[.?]/g, '\\$&').replace(/\{\w+\}/g, '[^/?&]+')}$`);
    for (const at of [
      '/openai/v1/responses',
      '/openai/v1/embeddings',
      '/openai/deployments/gpt-4o-mini/chat/completions?api-version=2024-12-01-preview',
    ]) {
      assert.ok(recorded.includes(at), at);
      assert.ok(
        all.some((template) => pattern(template).test(at)),
        at,
      );
    }
  });

  it('offers no call that only OpenAI’s own API has', () => {
    assert.deepEqual(Object.keys(PROVIDER_KINDS.get('azure-openai')?.operations ?? {}).sort(), [
      'chat',
      'completions',
      'embeddings',
      'image-edits',
      'images',
      'speech',
      'transcriptions',
      'translations',
    ]);
  });
});
