import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { AuditEntry } from '../audit/record.ts';
import { systemClock } from '../core/clock.ts';
import { isBulkheadError } from '../auditor/testing/errors.ts';
import { ADMIN, authorityOver, CONFIG, type Act } from './acts.ts';

const entries: AuditEntry[] = [];
const authority = authorityOver({ append: (entry) => Promise.resolve({ sequence: entries.push(entry), hash: '' }) }, systemClock);

describe('acts', () => {
  it('the configuration may bind, but neither store a secret nor make a person’s decision', async () => {
    await authority.permit(CONFIG, 'credential.bind', 'credential/x');
    for (const act of ['credential.put', 'credential.remove', 'key.revoke', 'backup.create'] as const) {
      await assert.rejects(authority.permit(CONFIG, act, 'x'), (error) => isBulkheadError(error, 'permission_denied'), act);
    }
    assert.deepEqual(entries.at(-1)?.decision, 'denied');
  });

  it('an administrator may not act as the system', async () => {
    await assert.rejects(authority.permit(ADMIN, 'config.apply', 'x'), (error) => isBulkheadError(error, 'permission_denied'));
  });

  it('an act that nobody listed is denied', async () => {
    await assert.rejects(authority.permit(ADMIN, 'log.rewrite' as Act, 'x'), (error) => isBulkheadError(error, 'permission_denied'));
    await assert.rejects(authority.permit(ADMIN, 'constructor' as Act, 'x'), (error) => isBulkheadError(error, 'permission_denied'));
  });
});
