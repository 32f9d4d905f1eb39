import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { AdmissionRefusal } from '../core/rules.ts';
import { createLogger } from '../telemetry/log.ts';
import { Alerts } from './alerts.ts';

const silent = createLogger({ role: 'ledger', index: 0, write: (_, done) => done(null) });

describe('alerts', () => {
  it('tell of a rule that observes once a minute, keep the last thousand, and go on rising', () => {
    let now = 0;
    const alerts = new Alerts({ now: () => 5000, monotonic: () => now }, silent);
    const values = { owner: 'Team a', limit: 1, measure: 'requests', window: 'a minute', seconds: 1, rule: 'limit_a' };
    const refusal: AdmissionRefusal = { code: 'rate_limited', values };
    for (now of [1, 2, 59_000, 61_002]) alerts.observed(refusal);
    assert.equal(alerts.since(0).alerts.length, 2);
    for (let i = 0; i < 1200; i++) alerts.add({ kind: 'reservations.released', count: i });
    const all = alerts.since(0);
    assert.deepEqual([all.alerts.length, all.next], [1000, 5_000_000 + 1202]);
    assert.deepEqual(alerts.since(all.next), { alerts: [], next: all.next });
    assert.equal(alerts.since(all.next - 3).alerts.length, 3);
  });
});
