import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { CanonicalEvent } from '../../src/canonical/event.ts';
import type { JsonObject } from '../../src/core/json.ts';
import {
  answersOf,
  bytesOf,
  codecOf,
  CONTEXT,
  decodeEvents,
  differences,
  encodeEvents,
  plain,
  requestOf,
  requestsOf,
  sameRequest,
  sseEvents,
  streamsOf,
} from './recorded.ts';

/** A protocol translated into the canonical form and back says what it said before, on every recorded case. */
for (const protocol of ['openai-chat', 'anthropic-messages'] as const) {
  const codec = codecOf(protocol);

  describe(`${protocol}: decode∘encode = identity`, () => {
    it('has recorded cases to hold it to', () => {
      assert.ok(requestsOf(protocol).length > 100 && answersOf(protocol).length > 50 && streamsOf(protocol).length > 40);
    });

    for (const entry of requestsOf(protocol)) {
      it(`request ${entry.case}`, () => {
        const body = requestOf(entry);
        const decoded = codec.decodeRequest(body);
        assert.ok(decoded.ok, JSON.stringify(decoded));
        const { body: encoded, dropped } = codec.encodeRequest(decoded.value, {
          model: (body['model'] ?? '') as string,
          defaultMaxTokens: 4096,
        });
        const wanted = sameRequest(body);
        const got = sameRequest(plain(encoded));
        assert.deepEqual(
          differences(wanted, wanted['model'] === undefined || wanted['model'] === null ? { ...got, model: wanted['model'] } : got),
          [],
        );
        assert.deepEqual(dropped, []);
      });
    }

    for (const entry of answersOf(protocol)) {
      it(`answer ${entry.case}`, (t) => {
        const text = bytesOf(entry).toString('utf8');
        if (text.startsWith('<')) return t.skip('the provider answered with a web page');
        const body = JSON.parse(text) as JsonObject;
        const decoded = codec.decodeResponse(body);
        assert.ok(decoded.ok, JSON.stringify(decoded));
        assert.deepEqual(differences(body, plain(codec.encodeResponse(decoded.value, CONTEXT))), []);
      });
    }

    for (const entry of streamsOf(protocol)) {
      it(`stream ${entry.case}`, () => {
        const once = decodeEvents(codec, sseEvents([bytesOf(entry)]));
        const twice = decodeEvents(codec, encodeEvents(codec, once));
        const last = once.at(-1);
        if (last?.type === 'error') assert.equal(twice.at(-1)?.type, 'error');
        else {
          assert.deepEqual(plain(withoutUsage(twice)), plain(withoutUsage(once)));
          assert.deepEqual(lastUsage(twice), lastUsage(once));
        }
      });
    }
  });
}

/** The running total may be said again at another place: only the last counts. */
const withoutUsage = (events: readonly CanonicalEvent[]): readonly CanonicalEvent[] => events.filter((event) => event.type !== 'usage');
const lastUsage = (events: readonly CanonicalEvent[]): CanonicalEvent | undefined => events.findLast((event) => event.type === 'usage');
