import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatProblem, type BulkheadConfig, type ConfigProblem } from './config.ts';
import { defaultConfig, loadConfig } from './load.ts';
import { NODE_DEFAULTS } from './node-defaults.ts';

const yaml = (...lines: readonly string[]): string => ['version: 1', ...lines, ''].join('\n');

function load(text: string): BulkheadConfig {
  const loaded = loadConfig(text, 'bulkhead.yaml');
  assert.ok(loaded.ok, loaded.ok ? '' : loaded.error.map(formatProblem).join('\n'));
  return loaded.value;
}

function problems(text: string): readonly ConfigProblem[] {
  const loaded = loadConfig(text, 'bulkhead.yaml');
  assert.ok(!loaded.ok, 'the text was accepted');
  return loaded.error;
}

describe('a configuration that holds', () => {
  it('needs its version alone', () => {
    const config = load('version: 1\n');
    assert.deepEqual(config.node, {
      listen: { host: '127.0.0.1', port: 4100 },
      control: { host: '127.0.0.1', port: 4101 },
      workers: 1,
      tls: null,
      pricesFile: null,
      isolation: 'auto',
      sandbox: true,
      shards: 1,
      rootKey: { kind: 'file' },
      drainMs: 30_000,
      ledger: { rowsDays: 400, hoursDays: 400 },
    });
    assert.deepEqual(config.timeouts, {
      requestHeadMs: 15_000,
      requestMs: 120_000,
      keepAliveMs: 75_000,
      connectMs: 5000,
      upstreamHeadMs: 300_000,
      upstreamIdleMs: 300_000,
      streamMs: 3_600_000,
    });
    assert.deepEqual(config.limits, {
      bodyBytes: 33_554_432,
      formBytes: 536_870_912,
      headBytes: 16_384,
      headers: 100,
      jsonDepth: 64,
      jsonKeys: 20_000,
      connectionsPerAddress: 1024,
    });
    assert.deepEqual(
      config.providers
        .filter(({ dormant }) => !dormant)
        .map(({ id, origin, basePath, credential, declared }) => ({ id, at: origin + basePath, credential, declared })),
      [
        { id: 'openai', at: 'https://api.openai.com/v1', credential: 'openai', declared: false },
        { id: 'anthropic', at: 'https://api.anthropic.com/v1', credential: 'anthropic', declared: false },
      ],
    );
    const awake = new Set(config.providers.filter(({ dormant }) => !dormant).map(({ id }): string => id));
    assert.deepEqual(
      config.models
        .filter(({ targets }) => targets.some(({ provider }) => awake.has(provider) || provider === 'sandbox'))
        .map(({ alias }) => alias),
      ['sandbox', 'openai/', 'anthropic/', 'sandbox/'],
    );
  });

  it('equals the defaults where there is no file', () => {
    assert.deepEqual(defaultConfig(), { ...load('version: 1\n'), file: null });
    assert.deepEqual(defaultConfig().node, NODE_DEFAULTS);
  });

  it('is frozen to its leaves', () => {
    const config = load('version: 1\n');
    assert.ok(Object.isFrozen(config.node.listen) && Object.isFrozen(config.providers) && Object.isFrozen(config.models[0]?.targets[0]));
  });

  it('resolves providers', () => {
    const pem = ['-----BEGIN CERTIFICATE-----', 'AAAA', '-----END CERTIFICATE-----'];
    const { providers } = load(
      yaml(
        'providers:',
        '  openai: { kind: openai, credential: work, headers: { OpenAI-Organization: org-1 } }',
        '  local: { kind: openai-compatible, base_url: "http://127.0.0.1:11434/v1/", private: true, auth: none }',
        '  corp:',
        '    kind: openai-compatible',
        '    base_url: https://llm.example.com:8443/api/v2',
        '    auth: { header: X-Key }',
        '    proxy: http://proxy.internal:3128/',
        '    price_list: openai',
        '    ca: |',
        ...pem.map((line) => `      ${line}`),
      ),
    );
    assert.deepEqual(
      providers.filter(({ dormant }) => !dormant).map(({ id }) => id),
      ['openai', 'local', 'corp', 'anthropic'],
    );
    const [openai, local, corp] = providers;
    assert.deepEqual(
      [openai?.credential, openai?.headers, openai?.auth],
      ['work', [['openai-organization', 'org-1']], { scheme: 'bearer' }],
    );
    assert.deepEqual(
      [local?.origin, local?.basePath, local?.allowPrivate, local?.auth],
      ['http://127.0.0.1:11434', '/v1', true, { scheme: 'none' }],
    );
    assert.deepEqual(
      [corp?.origin, corp?.basePath, corp?.auth, corp?.proxy, corp?.priceList, corp?.ca],
      [
        'https://llm.example.com:8443',
        '/api/v2',
        { scheme: 'header', name: 'x-key' },
        'http://proxy.internal:3128',
        'openai',
        `${pem.join('\n')}\n`,
      ],
    );
  });

  it('says which model is behind a name that does not tell it', () => {
    const config = load(
      yaml(
        'models:',
        '  claude: { model: "anthropic/arn:aws:bedrock:eu-central-1:123456789012:application-inference-profile/a1b2", base_model: anthropic.claude-sonnet-4-5 }',
        '  either: [claude, { model: openai/mine, base_model: gpt-5.6 }, openai/gpt-5.6]',
      ),
    );
    const found = config.models.find(({ alias }) => alias === 'either')?.targets;
    assert.deepEqual(
      found?.map(({ provider, baseModel }) => [provider, baseModel]),
      [
        ['anthropic', 'anthropic.claude-sonnet-4-5'],
        ['openai', 'gpt-5.6'],
        ['openai', undefined],
      ],
    );
  });

  it('writes out aliases of aliases and lists, each target once', () => {
    const { models } = load(
      yaml('models:', '  fast: openai/gpt-5.6-mini', '  best: [anthropic/claude-x, fast, openai/gpt-5.6-mini]', '  demo: sandbox'),
    );
    assert.deepEqual(
      models.slice(0, 3).map(({ alias, targets }) => [alias, ...targets.map(({ provider, model }) => `${provider}/${model}`)]),
      [
        ['fast', 'openai/gpt-5.6-mini'],
        ['best', 'anthropic/claude-x', 'openai/gpt-5.6-mini'],
        ['demo', 'sandbox/echo'],
      ],
    );
  });

  it('takes every source of a root key', () => {
    assert.deepEqual(load(yaml('vault: { root_key: { fd: 3 } }')).node.rootKey, { kind: 'fd', fd: 3 });
    assert.deepEqual(load(yaml('vault: { shards: 2, root_key: { passphrase_fd: 4 } }')).node.rootKey, { kind: 'passphrase', fd: 4 });
  });

  it('takes IPv6 addresses, fractions of seconds and aliases of YAML', () => {
    const config = load(
      yaml(
        'listen: "[::1]:4100"',
        'timeouts: { connect: 0.25 }',
        'http: { trusted_proxies: [10.0.0.0/8, "fd00::/8"], cors_origins: ["https://app.example.com"] }',
        'models: { a: &m openai/x, b: *m }',
      ),
    );
    assert.deepEqual(
      [config.node.listen, config.timeouts.connectMs, config.models[1]?.targets],
      [{ host: '::1', port: 4100 }, 250, [{ provider: 'openai', model: 'x' }]],
    );
  });
});

/** text, `line:column`, what the reason says, what the remedy says. */
const REFUSED: readonly (readonly [name: string, text: string, place: string, reason: RegExp, remedy: RegExp])[] = [
  ['an empty file', '', '1:1', /the file must be a mapping|the file is missing/, /Only `version` is required/],
  ['a missing version', 'workers: 2\n', '1:1', /version is missing/, /Always 1/],
  ['another version', 'version: 2\n', '1:10', /version must be 1/, /Always 1/],
  ['a misspelled key', yaml('provders: {}'), '2:1', /unknown key provders/, /Did you mean providers\?/],
  [
    'a misspelled key deep inside',
    yaml('limits:', '  body_byte: 5'),
    '3:3',
    /unknown key body_byte in limits/,
    /Did you mean body_bytes\?/,
  ],
  ['a key with hyphens for underscores', yaml('drain-seconds: 5'), '2:1', /unknown key drain-seconds/, /Did you mean drain_seconds\?/],
  ['a key that is like none', yaml('vault: { colour: red }'), '2:10', /unknown key colour in vault/, /Known here: shards, root_key/],
  [
    'a key for a secret',
    yaml('providers:', '  openai:', '    kind: openai', '    api_key: hunter2'),
    '5:5',
    /unknown key api_key/,
    /bulkhead credential add/,
  ],
  ['a wrong type', yaml('workers: many'), '2:10', /workers must be a/, /Gateway processes/],
  ['a number out of range', yaml('workers: 65'), '2:10', /workers must be at most 64/, /Gateway processes/],
  ['a fraction where none makes sense', yaml('workers: 1.5'), '2:10', /workers must be a whole number/, /Gateway/],
  [
    'an unknown word',
    yaml('isolation: strong'),
    '2:12',
    /isolation must be one of auto, uids, rootless, landlock, permission, none/,
    /doctor/,
  ],
  [
    'an unknown kind',
    yaml('providers: { x: { kind: opnai } }'),
    '2:25',
    /providers\.x\.kind is none of the \d+ names it may be/,
    /Did you mean openai\?/,
  ],
  [
    'a typo in one form of a union',
    yaml('vault: { root_key: { file: 3 } }'),
    '2:22',
    /unknown key file in vault\.root_key/,
    /Known here: fd, passphrase_fd/,
  ],
  [
    'a provider name outside the alphabet',
    yaml('providers: { Open_AI: { kind: openai } }'),
    '2:14',
    /the name Open_AI is not allowed/,
    /lower-case/,
  ],
  ['a prototype key as a provider', yaml('providers: { __proto__: { kind: openai } }'), '2:14', /__proto__ is not allowed/, /another name/],
  ['an alias outside the alphabet', yaml('models: { "a b": openai/x }'), '2:11', /the name \(not plain\) is not allowed/, /letters/],
  ['an address without a port', yaml('listen: localhost'), '2:9', /listen must be host:port/, /4100|Address/],
  ['a host name to listen on', yaml('listen: gateway.example.com:4100'), '2:9', /neither an IP address nor localhost/, /interface/],
  ['port 0', yaml('listen: 127.0.0.1:0'), '2:9', /no port from 1 to 65535/, /127\.0\.0\.1:4100/],
  ['one port for both', yaml('control: 127.0.0.1:4100'), '2:10', /same port/, /4101/],
  [
    'a compatible provider without an address',
    yaml('providers: { x: { kind: openai-compatible } }'),
    '2:17',
    /base_url is missing/,
    /up to and including the version/,
  ],
  [
    'plain http to a public host',
    yaml('providers: { x: { kind: openai, base_url: http://api.example.com/v1 } }'),
    '2:43',
    /plain http/,
    /https/,
  ],
  [
    'a private address not said to be one',
    yaml('providers: { x: { kind: openai, base_url: https://10.1.2.3/v1 } }'),
    '2:43',
    /private network/,
    /private: true/,
  ],
  [
    'this machine not said to be private',
    yaml('providers: { x: { kind: openai, base_url: https://localhost/v1 } }'),
    '2:43',
    /this machine/,
    /private: true/,
  ],
  [
    'an address in IPv6 that hides an IPv4 one',
    yaml('providers: { x: { kind: openai, base_url: "https://[::ffff:10.0.0.1]/v1" } }'),
    '2:43',
    /private network/,
    /private: true/,
  ],
  [
    'a base URL with a query',
    yaml('providers: { x: { kind: openai, base_url: "https://a.example/v1?x=1" } }'),
    '2:43',
    /query or fragment/,
    /Leave out/,
  ],
  [
    'a base URL with a user',
    yaml('providers: { x: { kind: openai, base_url: "https://u:p@a.example/v1" } }'),
    '2:43',
    /user name or password/,
    /credential add/,
  ],
  [
    'a base URL with a dotted path',
    yaml('providers: { x: { kind: openai, base_url: "https://a.example/v1/../admin" } }'),
    '2:43',
    /dotted segment/,
    /without/,
  ],
  [
    'a base URL with an encoded dotted path',
    yaml('providers: { x: { kind: openai, base_url: "https://a.example/v1/%2e%2e" } }'),
    '2:43',
    /not plain/,
    /Use letters/,
  ],
  ['a base URL that is none', yaml('providers: { x: { kind: openai, base_url: "ftp://a.example" } }'), '2:43', /not a URL/, /https:/],
  [
    'a header that carries a secret',
    yaml('providers: { x: { kind: openai, headers: { Authorization: x } } }'),
    '2:59',
    /authorization carries a secret/,
    /credential add/,
  ],
  [
    'a header of the connection',
    yaml('providers: { x: { kind: openai, headers: { Host: x } } }'),
    '2:50',
    /belongs to the connection/,
    /Remove/,
  ],
  [
    'a header value on two lines',
    yaml('providers: { x: { kind: openai, headers: { a: "b\\r\\nc: d" } } }'),
    '2:47',
    /no header may hold/,
    /one line/,
  ],
  ['a header twice', yaml('providers: { x: { kind: openai, headers: { A: x, a: y } } }'), '2:53', /named twice/, /Keep one/],
  ['a certificate as a path', yaml('providers: { x: { kind: openai, ca: /etc/ca.pem } }'), '2:37', /not PEM certificates/, /ca: \|/],
  ['a proxy with a path', yaml('providers: { x: { kind: openai, proxy: "http://p:1/x" } }'), '2:40', /not a proxy address/, /3128/],
  ['a credential beside none', yaml('providers: { x: { kind: openai, auth: none, credential: y } }'), '2:57', /none is sent/, /Remove it/],
  ['the sandbox declared', yaml('providers: { sandbox: { kind: openai } }'), '2:23', /belongs to the built-in/, /another name/],
  ['a target of an unknown provider', yaml('models: { fast: opnai/x }'), '2:17', /there is no provider opnai/, /Did you mean openai\?/],
  [
    'a target that is neither',
    yaml('models: { fast: [openai/x, quick], quik: openai/y }'),
    '2:28',
    /neither an alias nor/,
    /Did you mean quik\?/,
  ],
  [
    'the model behind an alias',
    yaml('models: { fast: { model: quick, base_model: x }, quick: openai/y }'),
    '2:45',
    /quick is an alias/,
    /where the alias names its target/,
  ],
  ['a target without a model', yaml('models: { fast: openai/ }'), '2:17', /no model is named/, /openai\//],
  [
    'an alias that shadows a prefix',
    yaml('models: { openai/x: anthropic/y }'),
    '2:21',
    /begins with the name of the provider openai/,
    /Choose another/,
  ],
  ['an alias of itself', yaml('models: { a: a }'), '2:14', /a → a leads back to itself/, /Let one of them/],
  [
    'aliases in a row without end',
    yaml('models: { a: b, b: c, c: d, d: e, e: openai/x }'),
    '2:32',
    /more than 3 aliases in a row/,
    /directly/,
  ],
  [
    'the sandbox as a target while it is off',
    yaml('sandbox: false', 'models: { a: sandbox/echo }'),
    '3:14',
    /turned off/,
    /sandbox: false/,
  ],
  ['a wildcard among origins', yaml('http: { cors_origins: ["*", "https://a.example"] }'), '2:24', /not an exact origin/, /only entry/],
  ['an origin with a path', yaml('http: { cors_origins: ["https://a.example/x"] }'), '2:24', /not an exact origin/, /without a path/],
  ['a proxy network that is none', yaml('http: { trusted_proxies: [10.0.0.0/33] }'), '2:27', /not an address/, /10\.0\.0\.0\/8/],
  ['a key twice', yaml('workers: 1', 'workers: 2'), '3:1', /a key appears twice/, /Keep one/],
  ['a tab as indent', 'version: 1\nlimits:\n\thead_bytes: 5\n', '3:1', /a tab/, /spaces/],
  ['an open bracket', 'version: 1\nhttp: { cors_origins: [\n', '3:1', /not valid YAML/, /brackets/],
  ['two documents', 'version: 1\n---\nversion: 1\n', '2:1', /more than one document/, /one document/],
  ['an alias without an anchor', yaml('models: { a: *nothing }'), '2:14', /without its anchor/, /Write the value out/],
  ['a bomb of aliases', `version: 1\nx: [${'&a a, '}${'*a, '.repeat(70)}]\n`, '1:1', /too many/, /Write the values out/],
];

describe('a configuration that is refused', () => {
  for (const [name, text, place, reason, remedy] of REFUSED) {
    it(name, () => {
      const [first] = problems(text);
      assert.ok(first);
      assert.match(first.reason, reason);
      assert.match(first.remedy, remedy);
      assert.equal(`${first.file}:${first.line}:${first.column}`, `bulkhead.yaml:${place}`);
    });
  }

  it('names every problem at once, in the file’s order', () => {
    assert.deepEqual(
      problems(yaml('workers: 0', 'sandbx: true', 'limits: { headers: 1 }')).map(({ line }) => line),
      [2, 3, 4],
    );
    assert.deepEqual(
      problems(yaml('listen: 127.0.0.1:0', 'models: { x: nope/y, y: openai/ }')).map(({ line }) => line),
      [2, 3, 3],
    );
  });

  it('tells a loop of three once for each alias in it', () => {
    assert.deepEqual(
      problems(yaml('models:', '  a: b', '  b: c', '  c: a')).map(({ line }) => line),
      [3, 4, 5],
    );
  });

  it('a file beyond a mebibyte', () => assert.match(problems(`version: 1\n#${'x'.repeat(1_048_576)}`)[0]?.reason ?? '', /larger than/));
});

describe('no secret belongs in this file', () => {
  const SECRETS: readonly (readonly [string, string])[] = [
    ['an OpenAI key', `sk-${'a1B2'.repeat(8)}`],
    ['an OpenAI project key', `sk-proj-${'a1B2_'.repeat(8)}`],
    ['an Anthropic key', `sk-ant-api03-${'a1B2-'.repeat(8)}`],
    ['a Google key', `AIza${'a1B2_'.repeat(7)}`],
    ['an AWS key', `AKIA${'A1B2'.repeat(4)}`],
    ['a GitHub token', `ghp_${'a1B2'.repeat(9)}`],
    ['a Groq key', `gsk_${'a1B2'.repeat(10)}`],
    ['a virtual key', `bh_live_${'a1B2'.repeat(9)}`],
    ['an admin token', `bha_${'a1B2'.repeat(10)}xyz`],
    ['a signed token', `eyJ${'a1B2'.repeat(5)}.${'a1B2'.repeat(5)}.${'a1B2'.repeat(5)}`],
    ['a bearer header', `Bearer ${'a1B2'.repeat(8)}`],
  ];
  for (const [name, secret] of SECRETS) {
    for (const [where, text] of [
      ['a value', yaml('providers:', '  x:', '    kind: openai', `    credential: "${secret}"`)],
      ['a key', yaml('providers:', `  "${secret}": { kind: openai }`)],
      ['a comment', yaml(`# old: ${secret}`)],
    ] as const) {
      it(`${name} in ${where} is refused and never repeated`, () => {
        const found = problems(text);
        assert.match(found[0]?.remedy ?? '', /No secret belongs in this file/);
        assert.ok(!found.map(formatProblem).join('\n').includes(secret.slice(-12)));
      });
    }
  }

  it('names the line and column', () => {
    const [found] = problems(yaml('log: {}', `x: sk-${'a1B2'.repeat(8)}`));
    assert.deepEqual([found?.line, found?.column], [3, 4]);
  });

  it('a private key in `ca`', () =>
    assert.match(problems(yaml('x: |', '  -----BEGIN PRIVATE KEY-----'))[0]?.reason ?? '', /a private key/));

  it('lets model names and ordinary words pass', () => {
    load(
      yaml(
        'models: { sk-fast: openai/gpt-5.6-mini-2026-07-01, b: "anthropic/claude-sonnet-4-5-20250929" }',
        '# see risk-assessment-of-production-workloads and task-management-configuration',
      ),
    );
  });
});
