import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { asFarAsKnown, isReadableAtLast, readRecorded, readTranslated } from './compare.ts';
import { REFUSED } from './known-differences.ts';
import { CLIENT_PROTOCOLS, PROTOCOLS } from './protocols/registry.ts';
import { answersOf, isWebPage, streamsOf } from './recorded.ts';

/**
 * What the provider's own client reads from the recorded bytes is what the other protocol's client reads from our translation, and what the provider's
 * own client reads from the bytes after a round trip.
 */
for (const from of PROTOCOLS) {
  describe(`${from.id} recordings, read by the provider’s own client`, () => {
    for (const entry of [...streamsOf(from), ...answersOf(from)].filter((found) => !isWebPage(found))) {
      const isRefused = REFUSED.has(entry.case) || from.unreadable.has(entry.case);
      it(`${entry.case} is ${isRefused ? 'refused' : 'understood'}`, async () =>
        assert.equal((await readRecorded(from, entry)) === 'refused', isRefused));
    }
  });

  for (const to of new Set([from, ...CLIENT_PROTOCOLS])) {
    describe(`${from.id} recordings, read as ${to.id}`, () => {
      for (const entry of streamsOf(from)) {
        it(`stream ${entry.case}`, async () => {
          const wanted = await readRecorded(from, entry);
          const got = await readTranslated(from, to, entry);
          if (from.unreadable.has(entry.case)) return assert.ok(isReadableAtLast(wanted, got));
          assert.deepEqual(asFarAsKnown(wanted, got), wanted);
        });
      }

      for (const entry of answersOf(from)) {
        it(`answer ${entry.case}`, async (t) => {
          if (isWebPage(entry)) return t.skip('the provider answered with a web page');
          const wanted = await readRecorded(from, entry);
          const got = await readTranslated(from, to, entry);
          if (from.unreadable.has(entry.case)) return assert.ok(isReadableAtLast(wanted, got));
          assert.deepEqual(asFarAsKnown(wanted, got), wanted);
        });
      }
    });
  }
}
