import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  isWhole,
  may,
  mayGrant,
  outranks,
  PERMISSIONS,
  reaches,
  ROLES,
  scopeOfGrant,
  visible,
  type Identity,
  type Permission,
  type RoleGrant,
  type Scope,
} from './permissions.ts';

const names = Object.keys(PERMISSIONS) as Permission[];
const place = fc.record({
  organization: fc.constantFrom('a', 'b', null),
  team: fc.constantFrom('a1', 'a2', 'b1', null),
});
const grant: fc.Arbitrary<RoleGrant> = fc.tuple(fc.constantFrom(...ROLES), place).map(([role, at]) => ({ role, ...at }));
const identity: fc.Arbitrary<Identity> = fc.record({
  user: fc.constantFrom('me', null),
  grants: fc.array(grant, { maxLength: 3 }),
});
const scope: fc.Arbitrary<Scope> = fc.tuple(place, fc.constantFrom('me', 'you', undefined)).map(([{ organization, team }, user]) => ({
  ...(organization !== null && { organization }),
  ...(organization !== null && team !== null && { team }),
  ...(user !== undefined && { user }),
}));
const as = (role: RoleGrant['role'], organization: string | null = null, team: string | null = null): Identity => ({
  user: 'me',
  grants: [{ role, organization, team }],
});

describe('permissions', () => {
  it('nobody without a role may anything but what is their own', () => {
    for (const user of ['me', null])
      for (const permission of names)
        for (const at of [{}, { organization: 'a' }, { organization: 'a', team: 'a1' }, { organization: 'a', team: 'a1', user: 'you' }])
          assert.equal(may({ user, grants: [] }, permission, at), false, permission);
  });

  it('what is not in the table is no permission', () => {
    for (const permission of ['', 'constructor', '__proto__', 'key', 'key.*'])
      assert.equal(may(as('platform_admin'), permission as Permission, {}), false);
  });

  it('no role of one organization reaches another, nor the node', () => {
    fc.assert(
      fc.property(identity, fc.constantFrom(...names), scope, (who, permission, at) => {
        const foreign = { ...who, user: 'nobody', grants: who.grants.filter(({ organization }) => organization === 'b') };
        if (at.organization === 'b') return;
        assert.equal(may(foreign, permission, at), false);
      }),
      { numRuns: 2000 },
    );
  });

  it('a grant of the wrong form is none', () => {
    fc.assert(
      fc.property(grant, fc.constantFrom(...names), scope, (one, permission, at) => {
        if (!isWhole(one)) assert.equal(may({ user: null, grants: [one] }, permission, at), false);
      }),
    );
  });

  it('who may write a thing may read it', () => {
    fc.assert(
      fc.property(identity, scope, (who, at) => {
        for (const permission of names.filter((name) => name.endsWith('.write'))) {
          const read = permission.replace('.write', '.read');
          if (read in PERMISSIONS && may(who, permission, at)) assert.ok(may(who, read as Permission, at), permission);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('nobody grants more than they have: whatever a chain of grants gives, its beginning had', () => {
    fc.assert(
      fc.property(identity, grant, scope, (who, given, at) => {
        if (!mayGrant(who, given)) return;
        const receiver: Identity = { user: null, grants: [given] };
        for (const permission of names.filter((name) => name.endsWith('.write')))
          if (may(receiver, permission, at)) assert.ok(may({ ...who, user: null }, permission, at), `${permission} by ${given.role}`);
      }),
      { numRuns: 5000 },
    );
  });

  it('a member has power over what is their own only, and only where they work', () => {
    const member = as('member', 'a', 'a1');
    const own = { organization: 'a', team: 'a1', user: 'me' };
    assert.equal(may(member, 'key.write', own), true);
    assert.equal(may(member, 'key.write', { ...own, user: 'you' }), false);
    assert.equal(may(member, 'key.write', { ...own, team: 'a2' }), false);
    assert.equal(may(member, 'key.write', { organization: 'a', team: 'a1' }), false);
    assert.equal(may(as('viewer', 'a', 'a1'), 'key.write', own), false);
  });

  it('a team does not say what a team may have', () => {
    assert.equal(may(as('team_admin', 'a', 'a1'), 'team.write', { organization: 'a', team: 'a1' }), false);
    assert.equal(may(as('org_admin', 'a'), 'organization.write', { organization: 'a' }), false);
  });

  it('roles are given at or below one’s own, at or below one’s place', () => {
    const admin = as('team_admin', 'a', 'a1');
    assert.equal(mayGrant(admin, { role: 'team_admin', organization: 'a', team: 'a1' }), true);
    assert.equal(mayGrant(admin, { role: 'member', organization: 'a', team: 'a2' }), false);
    assert.equal(mayGrant(admin, { role: 'org_admin', organization: 'a', team: null }), false);
    assert.equal(mayGrant(as('org_admin', 'a'), { role: 'platform_viewer', organization: null, team: null }), false);
    assert.equal(mayGrant(as('viewer', 'a'), { role: 'viewer', organization: 'a', team: 'a1' }), false);
    assert.equal(
      outranks(admin, [
        { role: 'member', organization: 'a', team: 'a1' },
        { role: 'viewer', organization: 'b', team: 'b1' },
      ]),
      false,
    );
  });

  it('a list shows what the permission reaches, and no more', () => {
    fc.assert(
      fc.property(identity, fc.constantFrom(...names), scope, (who, permission, at) => {
        if (at.organization === undefined || at.team === undefined) return;
        const seen = visible(who, permission);
        if (seen === 'all') return assert.ok(may(who, permission, at));
        for (const { organization, team, own } of seen) {
          const inside: Scope = { organization, team: team ?? at.team, ...(own === true && { user: who.user ?? 'x' }) };
          if (own !== true || who.user !== null) assert.ok(may(who, permission, inside), permission);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('a role reaches the place that it was given for', () => {
    fc.assert(fc.property(grant, (one) => assert.ok(!isWhole(one) || reaches(one, scopeOfGrant(one)))));
  });
});
