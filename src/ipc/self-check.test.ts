import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Layout, Role, SelfCheck } from '../core/process.ts';
import { selfCheck, shortfall } from './self-check.ts';

const BEST: SelfCheck = {
  pid: 1,
  uid: 64_001,
  gid: 64_001,
  dumpable: false,
  emptyNetwork: true,
  ownPidNamespace: true,
  noNewPrivileges: true,
  permissionModel: true,
  landlock: true,
  effectiveCapabilities: '0000000000000000',
  node: 'v26.10.0',
};

describe('self-check', () => {
  it('reports this process, which is not confined', () => {
    const facts = selfCheck('none');
    assert.deepEqual(
      [facts.pid, facts.permissionModel, facts.landlock, facts.ownPidNamespace],
      [process.pid, false, false, process.pid === 1],
    );
  });

  const broken: readonly (readonly [Layout, Role, Partial<SelfCheck>, RegExp])[] = [
    ['uids', 'vault', { dumpable: true }, /its memory can be read by its own uid/],
    ['uids', 'gateway', { emptyNetwork: false }, /sees a network/],
    ['uids', 'gateway', { ownPidNamespace: false }, /sees the processes of others/],
    ['rootless', 'ledger', { effectiveCapabilities: '0000000000000400' }, /holds capabilities/],
    ['rootless', 'ledger', { effectiveCapabilities: '' }, /holds capabilities/],
    ['landlock', 'gateway', { landlock: false }, /not confined by Landlock/],
    ['landlock', 'vault', { noNewPrivileges: false }, /could gain privileges/],
    ['permission', 'gateway', { permissionModel: false }, /without the permission model/],
  ];
  for (const [layout, role, change, words] of broken) {
    it(`the ${role} refuses to serve in the layout ${layout} with ${JSON.stringify(change)}`, () => {
      assert.equal(shortfall(layout, role, BEST), undefined);
      assert.match(shortfall(layout, role, { ...BEST, ...change }) ?? '', words);
    });
  }

  it('asks of each role only what its layout promises', () => {
    assert.equal(shortfall('uids', 'vault', { ...BEST, emptyNetwork: false, permissionModel: false }), undefined);
    assert.equal(shortfall('none', 'gateway', { ...BEST, permissionModel: false, noNewPrivileges: false, dumpable: true }), undefined);
  });
});
