import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatProblem, type ConfigProblem, type ProviderConfig } from './config.ts';
import { loadConfig } from './load.ts';

const text = (lines: readonly string[]): string => ['version: 1', ...lines, ''].join('\n');

/** One line of `providers:`, resolved. */
function provider(line: string, more: readonly string[] = []): ProviderConfig {
  const loaded = loadConfig(text([`providers: { x: { ${line} } }`, ...more]), 'bulkhead.yaml');
  assert.ok(loaded.ok, loaded.ok ? '' : loaded.error.map(formatProblem).join('\n'));
  const found = loaded.value.providers.find(({ id }) => id === 'x');
  assert.ok(found);
  return found;
}

function problem(line: string): ConfigProblem {
  const loaded = loadConfig(text([`providers: { x: { ${line} } }`]), 'bulkhead.yaml');
  assert.ok(!loaded.ok, 'it was accepted');
  return loaded.error[0] as ConfigProblem;
}

const addressOf = ({ origin, basePath }: ProviderConfig): string => origin + basePath;

describe('kinds of the catalogue in bulkhead.yaml', () => {
  const ADDRESSES: readonly (readonly [string, string])[] = [
    ['kind: groq', 'https://api.groq.com/openai/v1'],
    ['kind: bedrock, region: eu-central-1', 'https://bedrock-runtime.eu-central-1.amazonaws.com'],
    [
      'kind: vertex, project: p-1, region: europe-west4',
      'https://europe-west4-aiplatform.googleapis.com/v1/projects/p-1/locations/europe-west4',
    ],
    ['kind: vertex-anthropic, project: p-1', 'https://aiplatform.googleapis.com/v1/projects/p-1/locations/global'],
    ['kind: azure-openai, resource: corp', 'https://corp.openai.azure.com/openai'],
    ['kind: snowflake, account: org-acct', 'https://org-acct.snowflakecomputing.com/api/v2/cortex/v1'],
    ['kind: cloudflare, account: 0a1b', 'https://api.cloudflare.com/client/v4/accounts/0a1b/ai/v1'],
    ['kind: vllm', 'http://127.0.0.1:8000/v1'],
    ['kind: moonshot, base_url: https://api.moonshot.cn/v1', 'https://api.moonshot.cn/v1'],
    ['kind: azure-openai, base_url: https://corp.services.ai.azure.com/openai', 'https://corp.services.ai.azure.com/openai'],
  ];
  for (const [line, address] of ADDRESSES) it(line, () => assert.equal(addressOf(provider(line)), address));

  it('keep what their paths need', () => {
    assert.deepEqual(provider('kind: vertex, project: p-1').settings, { region: 'global', project: 'p-1' });
    assert.deepEqual(provider('kind: groq').settings, {});
  });

  it('become a variant where a setting says so', () => {
    assert.deepEqual(provider('kind: azure-openai, resource: corp').kind, 'azure-openai');
    const { kind, settings } = provider('kind: azure-openai, resource: corp, api: deployments, api_version: 2025-04-01-preview');
    assert.deepEqual([kind, settings['api_version']], ['azure-openai-deployments', '2025-04-01-preview']);
  });

  it('an own server is private at its usual address alone', () => {
    assert.deepEqual([provider('kind: vllm').allowPrivate, provider('kind: vllm').auth], [true, { scheme: 'none' }]);
    assert.match(problem('kind: vllm, base_url: http://10.0.0.9:8000/v1').remedy, /private: true/);
    assert.equal(provider('kind: vllm, base_url: http://10.0.0.9:8000/v1, private: true, auth: bearer').allowPrivate, true);
  });

  it('cost nothing at a private address, and are never free by accident', () => {
    const listOf = (entry: string): string => provider(entry).priceList;
    for (const kind of ['vllm', 'llamacpp', 'lmstudio', 'ollama']) {
      assert.equal(listOf(`kind: ${kind}`), 'none');
      assert.equal(listOf(`kind: ${kind}, base_url: http://10.0.0.9:8000/v1, private: true`), 'none');
      // Somebody's service: its price is unknown until it is named.
      assert.equal(listOf(`kind: ${kind}, base_url: https://models.example.com/v1`), 'x');
      assert.equal(listOf(`kind: ${kind}, base_url: https://models.example.com/v1, price_list: house`), 'house');
    }
    // Whatever speaks OpenAI's format may be a reseller's gateway: only its operator knows.
    assert.equal(listOf('kind: openai-compatible, base_url: http://10.0.0.9/v1, private: true, auth: none'), 'x');
    assert.equal(listOf('kind: openai-compatible, base_url: http://10.0.0.9/v1, private: true, auth: none, price_list: none'), 'none');
  });

  it('price lists: the kind’s, its own name, or none', () => {
    assert.deepEqual(
      ['kind: xai', 'kind: sambanova', 'kind: llamacpp', 'kind: groq, price_list: openai'].map((line) => provider(line).priceList),
      ['x-ai', 'x', 'none', 'openai'],
    );
  });

  const REFUSED: readonly (readonly [string, RegExp, RegExp])[] = [
    ['kind: bedrock', /x\.region is missing/, /AWS region/],
    ['kind: vertex', /x\.project is missing/, /Google Cloud/],
    ['kind: azure-openai', /x\.resource is missing/, /Azure resource/],
    ['kind: databricks', /base_url is missing/, /serving-endpoints/],
    ['kind: groq, region: eu', /groq has no region/, /Remove it/],
    ['kind: bedrock, region: eu-west-1, project: p', /bedrock has no project/, /Known here: region/],
    ['kind: azure-openai, resource: corp, api: v2', /api must be one of v1, deployments/, /deployments/],
    ['kind: azure-openai-deployments, resource: corp', /kind is none of/, /providers.md/],
    ['kind: bedrock, region: "eu/../x"', /region must be letters/, /Region/],
    ['kind: azure-openai, resource: "evil.example/"', /resource must be letters/, /Azure/],
  ];
  for (const [line, reason, remedy] of REFUSED) {
    it(`refuses ${line}`, () => {
      const found = problem(line);
      assert.match(found.reason, reason);
      assert.match(found.remedy, remedy);
    });
  }
});

describe('how a credential is sent', () => {
  it('signs for AWS in the provider’s region, with a role if one is named', () => {
    assert.deepEqual(provider('kind: bedrock, region: eu-west-1').auth, { scheme: 'aws-sigv4', service: 'bedrock', region: 'eu-west-1' });
    assert.deepEqual(provider('kind: bedrock, region: eu-west-1, role_arn: "arn:aws:iam::123456789012:role/llm", external_id: abc').auth, {
      scheme: 'aws-sigv4',
      service: 'bedrock',
      region: 'eu-west-1',
      role: { arn: 'arn:aws:iam::123456789012:role/llm', externalId: 'abc' },
    });
  });

  it('takes another way for the same kind', () => {
    assert.deepEqual(provider('kind: bedrock, region: eu-west-1, auth: bearer').auth, { scheme: 'bearer' });
    assert.deepEqual(provider('kind: azure-openai, resource: r, auth: { azure_ad: t-1 }').auth, { scheme: 'azure-ad', tenant: 't-1' });
    assert.deepEqual(provider('kind: vertex, project: p').auth, { scheme: 'google-service-account' });
    assert.deepEqual(provider('kind: openai-compatible, base_url: https://x.example/v1, auth: aws, region: eu-west-1').auth, {
      scheme: 'aws-sigv4',
      service: 'execute-api',
      region: 'eu-west-1',
    });
  });

  it('fetches tokens elsewhere where that is said', () =>
    assert.deepEqual(provider('kind: vertex, project: p, token_url: http://127.0.0.1:9/token, private: true').auth, {
      scheme: 'google-service-account',
      tokenUrl: 'http://127.0.0.1:9/token',
    }));

  const REFUSED: readonly (readonly [string, RegExp])[] = [
    ['kind: groq, role_arn: "arn:aws:iam::123456789012:role/llm"', /not signed for AWS/],
    ['kind: bedrock, region: r-1, external_id: abc', /without a role/],
    ['kind: bedrock, region: r-1, role_arn: "arn:aws:s3:::bucket"', /role_arn must be like arn:aws:iam/],
    ['kind: groq, token_url: https://a.example/t', /no tokens are fetched/],
    ['kind: vertex, project: p, token_url: http://a.example/t', /token_url is plain http/],
    ['kind: vertex, project: p, token_url: https://127.0.0.1/t', /token_url names this machine/],
    ['kind: openai-compatible, base_url: https://x.example/v1, auth: aws', /needs a region/],
  ];
  for (const [line, reason] of REFUSED) it(`refuses ${line}`, () => assert.match(problem(line).reason, reason));
});

describe('pass-through', () => {
  it('is nothing unless it is listed', () => {
    assert.deepEqual(provider('kind: openai').passThrough, []);
    assert.deepEqual(provider('kind: openai, pass_through: ["GET /files", "GET /batches/*", "POST /*"]').passThrough, [
      { method: 'GET', path: '/files' },
      { method: 'GET', path: '/batches/*' },
      { method: 'POST', path: '/*' },
    ]);
  });

  for (const rule of [
    'get /files',
    'GET files',
    'GET /',
    'GET /a/../b',
    'GET /a/*/b',
    'GET /a//b',
    'GET /a?x=1',
    'CONNECT /a',
    'GET /a%2f',
    '/files',
  ]) {
    it(`refuses ${rule}`, () => assert.match(problem(`kind: openai, pass_through: ["${rule}"]`).reason, /must be a method and a path/));
  }
});

describe('names of providers', () => {
  for (const name of ['v1', 'v1beta', 'v2', 'health']) {
    it(`${name} would hide behind the gateway’s own paths`, () => {
      const loaded = loadConfig(text([`providers: { ${name}: { kind: openai } }`]), 'bulkhead.yaml');
      assert.ok(!loaded.ok);
      assert.match(loaded.error[0]?.reason ?? '', /the gateway’s own/);
    });
  }
});

describe('providers that nobody declared', () => {
  const load = (...lines: readonly string[]) => {
    const loaded = loadConfig(text(lines), 'bulkhead.yaml');
    assert.ok(loaded.ok);
    return loaded.value;
  };
  const named = (id: string, ...lines: readonly string[]) => load(...lines).providers.find((each) => each.id === id);

  it('sleep until they have a credential, but for the two that everybody knows', () => {
    assert.deepEqual([named('groq')?.dormant, named('groq')?.declared, named('openai')?.dormant], [true, false, false]);
  });

  it('are awake where an alias leads to them, or the file declares them', () => {
    assert.equal(named('groq', 'models: { fast: groq/llama-4 }')?.dormant, false);
    assert.equal(named('groq', 'providers: { groq: { kind: groq } }')?.dormant, false);
  });

  it('give way where the file uses their credential for something else', () =>
    assert.equal(
      named('groq', 'providers: { fast: { kind: openai-compatible, base_url: https://a.example/v1, credential: groq } }'),
      undefined,
    ));

  it('are not recited to whoever misspells a target', () => {
    const loaded = loadConfig(text(['models: { a: nowhere-at-all/x }']), 'bulkhead.yaml');
    assert.ok(!loaded.ok);
    assert.match(loaded.error[0]?.remedy ?? '', /^Providers: openai, anthropic, and the kinds of docs\/reference\/providers\.md/);
  });
});
