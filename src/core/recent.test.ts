import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Recent } from './recent.ts';

describe('recent', () => {
  it('keeps at least the newest entries, and never twice as many more', () => {
    const recent = new Recent<number>(3);
    for (let n = 0; n < 100; n++) {
      recent.set(String(n), n);
      for (let newest = Math.max(0, n - 2); newest <= n; newest++) assert.equal(recent.get(String(newest)), newest);
      assert.equal(recent.get(String(n - 7)), undefined);
    }
  });

  it('what is asked for stays', () => {
    const recent = new Recent<string>(3);
    recent.set('kept', 'x');
    for (let n = 0; n < 100; n++) {
      recent.set(String(n), 'y');
      assert.equal(recent.get('kept'), 'x');
    }
  });
});
