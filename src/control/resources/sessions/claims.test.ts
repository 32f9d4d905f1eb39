import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { IssuerConfig } from '../../../config/config.ts';
import { loadConfig } from '../../../config/load.ts';
import type { JsonObject } from '../../../core/json.ts';
import { readClaims } from './claims.ts';

const issuerOf = (fields: string): IssuerConfig => {
  const text = `version: 1\nissuers:\n  a:\n    url: https://login.example.com\n    audiences: [bulkhead]\n${fields}`;
  const loaded = loadConfig(text, 'bulkhead.yaml');
  assert.ok(loaded.ok && loaded.value.issuers[0] !== undefined);
  return loaded.value.issuers[0];
};
const person = { email: 'Ada@Example.com', email_verified: true, name: 'Ada' };

describe('claims', () => {
  it('need no words in the file: all are members of the default team', () =>
    assert.deepEqual(readClaims(issuerOf(''), person), {
      organization: 'default',
      teams: ['default'],
      role: 'member',
      email: 'ada@example.com',
      name: 'Ada',
    }));

  it('name organization, teams and role, by their own values or by the file’s words for them', () => {
    const issuer = issuerOf(`    organization: { claim: org, names: { acme-inc: acme } }
    team: { claim: [resource_access, groups] }
    role: { claim: roles, names: { lead: team_admin, guest: viewer }, otherwise: member }
`);
    const claims = { ...person, org: 'acme-inc', resource_access: { groups: ['search', 'ads'] }, roles: ['guest', 'lead'] };
    const { organization, teams, role } = readClaims(issuer, claims);
    assert.deepEqual({ organization, teams, role }, { organization: 'acme', teams: ['search', 'ads'], role: 'team_admin' });
    assert.equal(readClaims(issuer, { ...claims, org: 'evil-inc' }).organization, undefined);
    assert.deepEqual(readClaims(issuer, { ...claims, resource_access: 'search' }).teams, []);
    assert.equal(readClaims(issuer, { ...claims, roles: 'other' }).role, 'member');
  });

  it('without `otherwise`, who has none of the roles has no role', () =>
    assert.equal(readClaims(issuerOf('    role: { claim: roles, names: { lead: team_admin } }\n'), person).role, undefined));

  it('never give a role beyond a team: the file cannot say so', () => {
    for (const role of ['platform_admin', 'platform_viewer', 'org_admin']) {
      for (const field of [
        `role: ${role}`,
        `role: { claim: roles, names: { x: ${role} } }`,
        `role: { claim: r, names: {}, otherwise: ${role} }`,
      ])
        assert.equal(
          loadConfig(`version: 1\nissuers: { a: { url: "https://a.example", audiences: [b], ${field} } }\n`, 'f').ok,
          false,
          field,
        );
    }
  });

  it('an address counts only if the issuer verified it, or the operator trusts it', () => {
    const emailOf = (fields: string, claims: JsonObject): string | undefined => readClaims(issuerOf(fields), claims).email;
    for (const verified of [false, 'true', 1, null]) assert.equal(emailOf('', { ...person, email_verified: verified }), undefined);
    assert.equal(emailOf('', { email: person.email }), undefined);
    assert.equal(emailOf('    trust_email: true\n', { email: person.email }), 'ada@example.com');
    assert.equal(emailOf('    trust_email: true\n    email: upn\n', { upn: 'ada@example.com' }), 'ada@example.com');
    for (const email of ['ada', 'a@b@c', '"a b"@c.example', 'ada@example.com\n', '<a@b.example>', '', 7, ['a@b.example']])
      assert.equal(emailOf('', { ...person, email }), undefined, String(email));
  });

  it('members of every object are no claims', () => {
    const issuer = issuerOf('    organization: { claim: constructor }\n    team: { claim: [toString, name] }\n');
    const { organization, teams } = readClaims(issuer, person);
    assert.deepEqual([organization, teams], [undefined, []]);
    assert.equal(readClaims(issuerOf('    organization: { claim: org, names: { a: b } }\n'), { org: 'toString' }).organization, undefined);
  });

  it('whatever a token says, what is read is short text and one of three roles', () => {
    const issuer = issuerOf('    organization: { claim: o }\n    team: { claim: t }\n    role: { claim: r, names: { x: member } }\n');
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom('o', 't', 'r', 'email', 'email_verified', 'name'), fc.jsonValue()), (claims) => {
        const { organization = '', teams, role = 'member', email = '', name = '' } = readClaims(issuer, claims as JsonObject);
        assert.ok([organization, ...teams, email, name].every((text) => typeof text === 'string' && text.length <= 256));
        assert.ok(teams.length <= 256 && ['team_admin', 'member', 'viewer'].includes(role));
      }),
    );
  });
});

describe('issuers in the file', () => {
  const problems = (issuer: string): readonly string[] => {
    const loaded = loadConfig(`version: 1\nissuers:\n  a: { audiences: [b], ${issuer} }\n`, 'bulkhead.yaml');
    return loaded.ok ? [] : loaded.error.map(({ reason }) => reason);
  };

  it('are refused where their address is not one of an issuer', () => {
    assert.deepEqual(problems('url: "http://login.example.com"'), ['an issuer is reached over https']);
    assert.deepEqual(problems('url: "https://login.example.com/?a=b"'), ['url has a query or fragment']);
    assert.deepEqual(problems('url: "https://127.0.0.1"'), ['url names this machine or a private network']);
    assert.deepEqual(problems('url: "https://127.0.0.1", private: true'), []);
    assert.deepEqual(problems('url: "https://login.example.com", ca: "/etc/ca.pem"'), ['not PEM certificates']);
    assert.deepEqual(problems('url: "https://login.example.com", proxy: "socks5://x"'), ['not a proxy address']);
  });

  it('live at most five minutes in a session, and never without an audience', () => {
    for (const wrong of ['session_seconds: 301', 'session_seconds: 9', 'audiences: []']) {
      const text = `version: 1\nissuers:\n  a:\n    url: https://a.example\n${wrong.startsWith('aud') ? '' : '    audiences: [b]\n'}    ${wrong}\n`;
      assert.equal(loadConfig(text, 'f').ok, false, wrong);
    }
  });

  it('are declared once each', () => {
    const text =
      'version: 1\nissuers:\n  a: { url: "https://a.example", audiences: [x] }\n  b: { url: "https://a.example", audiences: [y] }\n';
    const loaded = loadConfig(text, 'f');
    assert.equal(loaded.ok ? '' : loaded.error[0]?.reason, 'another issuer has this url');
  });
});
