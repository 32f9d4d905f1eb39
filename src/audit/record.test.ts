import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BulkheadError } from '../core/errors.ts';
import { authorizeAndRecord, type ActRequest, type AuditEntry, type AuditLog } from './record.ts';

const request: ActRequest = { actor: { kind: 'admin', id: 'admin:local' }, act: 'key.create', target: 'key/1', facts: { name: 'n' } };

function memoryLog(): { log: AuditLog; entries: AuditEntry[] } {
  const entries: AuditEntry[] = [];
  return { entries, log: { append: (entry) => Promise.resolve({ sequence: entries.push(entry), hash: 'h' }) } };
}

const codeOf = async (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'resolved',
    (error: unknown) => (error instanceof BulkheadError ? error.code : 'other'),
  );

describe('authorizeAndRecord', () => {
  it('gives a permit that names the receipt of what was recorded', async () => {
    const { log, entries } = memoryLog();
    const permit = await authorizeAndRecord(request, 7, () => true, log);
    assert.deepEqual(entries, [{ ...request, at: 7, decision: 'allowed' }]);
    assert.deepEqual([permit.act, permit.target, permit.receipt.sequence], ['key.create', 'key/1', 1]);
  });

  it('an act that cannot be recorded is denied', async () => {
    const log: AuditLog = { append: () => Promise.reject(new Error('disk full')) };
    assert.equal(await codeOf(authorizeAndRecord(request, 7, () => true, log)), 'audit_unavailable');
  });

  it('a refusal is recorded too', async () => {
    const { log, entries } = memoryLog();
    assert.equal(await codeOf(authorizeAndRecord(request, 7, () => false, log)), 'permission_denied');
    assert.equal(entries[0]?.decision, 'denied');
  });
});
