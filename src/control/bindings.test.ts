import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { BulkheadConfig } from '../config/config.ts';
import { loadConfig } from '../config/load.ts';
import type { CredentialId } from '../core/ids.ts';
import type { CredentialBinding, CredentialInfo } from '../ipc/messages/vault.ts';
import { bindingSteps, wantedBindings } from './bindings.ts';

const SANDBOX = 'http://127.0.0.1:9';

function config(providers = ''): BulkheadConfig {
  const loaded = loadConfig(`version: 1\n${providers === '' ? '' : `providers:\n${providers}`}`, 'bulkhead.yaml');
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.error));
  return loaded.value;
}

const wanted = (providers = '') => wantedBindings(config(providers), SANDBOX);
const binding = (id: string, providers = ''): CredentialBinding => {
  const found = wanted(providers).get(id as CredentialId);
  assert.ok(found);
  return found.binding;
};
const info = (own: CredentialBinding): CredentialInfo => ({
  binding: own,
  version: 1,
  fingerprint: '',
  createdAt: 1,
  lastUsedAt: null,
  uses: 0,
});
const kinds = (providers: string, present: readonly CredentialBinding[]) =>
  bindingSteps(wanted(providers), present.map(info)).map(({ kind, binding: { id } }) => `${kind} ${id}`);

const LOCAL = '  local: { kind: openai-compatible, base_url: http://127.0.0.1:11434/v1, private: true, auth: none }\n';

describe('wanted bindings', () => {
  it('a provider without configuration is bound to its own host and paths', () => {
    assert.deepEqual(binding('openai'), {
      id: 'openai',
      organization: '*',
      origin: 'https://api.openai.com',
      paths: ['/v1/'],
      auth: { scheme: 'bearer' },
      allowPrivate: false,
    });
    assert.deepEqual(binding('anthropic').auth, { scheme: 'header', name: 'x-api-key' });
  });

  it('the sandbox is bound to the address that the supervisor gave it', () => {
    assert.deepEqual([binding('sandbox').origin, binding('sandbox').allowPrivate], [SANDBOX, true]);
    assert.equal(wantedBindings(config(), null).has('sandbox' as CredentialId), false);
  });

  it('a credential shared by two providers gets both paths on one host, never a second host', () => {
    const shared =
      '  a: { kind: openai-compatible, base_url: https://x.example/v1, credential: shared }\n' +
      '  b: { kind: openai-compatible, base_url: https://x.example/beta, credential: shared }\n' +
      '  c: { kind: openai-compatible, base_url: https://evil.example/v1, credential: shared }\n';
    const found = wanted(shared).get('shared' as CredentialId);
    assert.deepEqual(
      [found?.binding.origin, found?.binding.paths, found?.providers, found?.left],
      ['https://x.example', ['/v1/', '/beta/'], ['a', 'b'], ['c']],
    );
  });
});

describe('binding steps', () => {
  it('what needs no secret is stored at once; what needs one waits for its owner', () => {
    assert.deepEqual(kinds(LOCAL, []), ['put local', 'put sandbox']);
  });

  it('nothing is done twice', () => {
    assert.deepEqual(kinds(LOCAL, [binding('local', LOCAL), binding('sandbox'), binding('openai')]), []);
  });

  it('ceilings and owner that were set over the API stay', () => {
    const own = { ...binding('openai'), organization: 'org_1' as never, ceilings: { concurrent: 1 } };
    assert.deepEqual(kinds('', [own, binding('sandbox')]), []);
  });

  for (const [what, providers] of [
    ['host', '  openai: { kind: openai, base_url: https://evil.example/v1 }\n'],
    ['path', '  openai: { kind: openai, base_url: https://api.openai.com/v2 }\n'],
    ['way to send it', '  openai: { kind: openai, auth: { header: x-key } }\n'],
    ['proxy', '  openai: { kind: openai, proxy: http://proxy.example:3128 }\n'],
  ] as const) {
    it(`a secret never follows a configuration to another ${what}`, () => {
      assert.deepEqual(kinds(providers, [binding('openai'), binding('sandbox')]), ['stale openai']);
    });
  }

  it('the sandbox follows its new address', () => {
    assert.deepEqual(kinds('', [{ ...binding('sandbox'), origin: 'http://127.0.0.1:8' }]), ['put sandbox']);
  });

  it('an address without a secret that nobody configures any more is taken away', () => {
    assert.deepEqual(kinds('', [binding('local', LOCAL), binding('sandbox')]), ['remove local']);
  });

  it('a provider that now wants a secret does not go on without one', () => {
    const secret = '  local: { kind: openai-compatible, base_url: http://127.0.0.1:11434/v1, private: true }\n';
    assert.deepEqual(kinds(secret, [binding('local', LOCAL), binding('sandbox')]), ['remove local']);
  });

  it('narrower paths are a rebind', () => {
    const wide = { ...binding('openai'), paths: ['/'] };
    assert.deepEqual(kinds('', [wide, binding('sandbox')]), ['rebind openai']);
  });
});

describe('a credential that is signed with or exchanged', () => {
  const BEDROCK = '  aws: { kind: bedrock, region: eu-west-1, role_arn: "arn:aws:iam::123456789012:role/a" }\n';

  it('is bound to its service, region and role', () => {
    assert.deepEqual(binding('aws', BEDROCK).auth, {
      scheme: 'aws-sigv4',
      service: 'bedrock',
      region: 'eu-west-1',
      role: { arn: 'arn:aws:iam::123456789012:role/a' },
    });
  });

  it('is the same whatever order its parts are kept in', () => {
    const { auth, ...rest } = binding('aws', BEDROCK);
    const turned = Object.fromEntries(Object.entries(auth).reverse()) as unknown as CredentialBinding['auth'];
    assert.deepEqual(
      kinds(BEDROCK, [{ ...rest, auth: turned }]).filter((step) => step.endsWith(' aws')),
      [],
    );
  });

  for (const [what, other] of [
    ['role', BEDROCK.replace('role/a', 'role/b')],
    ['region', BEDROCK.replace('eu-west-1', 'us-east-1')],
    ['token address', BEDROCK.replace(' }', ', token_url: "https://sts.example/" }')],
  ] as const) {
    it(`with another ${what} it must be added again`, () =>
      assert.deepEqual(
        kinds(other, [binding('aws', BEDROCK)]).filter((step) => step.endsWith(' aws')),
        ['stale aws'],
      ));
  }
});

describe('bindings of session tokens', () => {
  const own = (auth: CredentialBinding['auth']): CredentialBinding => ({ ...binding('openai'), auth });
  const role = { arn: 'arn:aws:iam::123456789012:role/r', externalId: 'x' };
  const aws: CredentialBinding['auth'] = { scheme: 'aws-sigv4', service: 'bedrock', region: 'eu-west-1', role };
  const steps = (wantedAuth: CredentialBinding['auth'], found: CredentialBinding['auth']) =>
    bindingSteps(new Map([['openai' as CredentialId, { binding: own(wantedAuth), providers: ['openai'], left: [] }]]), [info(own(found))]);

  it('the same fields in another order are the same binding', () =>
    assert.deepEqual(
      steps(aws, { role: { externalId: 'x', arn: role.arn }, region: 'eu-west-1', service: 'bedrock', scheme: 'aws-sigv4' }),
      [],
    ));

  const others: Readonly<Record<string, CredentialBinding['auth']>> = {
    'another region': { ...aws, region: 'us-east-1' },
    'another role': { ...aws, role: { ...role, arn: `${role.arn}2` } },
    'another external id': { ...aws, role: { ...role, externalId: 'y' } },
    'another token address': { ...aws, tokenUrl: 'https://sts.internal/' },
    'another scheme': { scheme: 'bearer' },
  };
  for (const [name, auth] of Object.entries(others))
    it(`${name} needs the secret again`, () =>
      assert.deepEqual(
        steps(aws, auth).map(({ kind }) => kind),
        ['stale'],
      ));
});
