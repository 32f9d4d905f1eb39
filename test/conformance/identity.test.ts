import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { CanonicalEvent } from '../../src/canonical/event.ts';
import type { JsonObject } from '../../src/core/json.ts';
import type { WireProtocolId } from '../../src/wire/protocol.ts';
import { PROTOCOLS } from './protocols/registry.ts';
import {
  answersOf,
  bytesOf,
  codecOf,
  contextOf,
  decodeEvents,
  encodeEvents,
  isWebPage,
  requestOf,
  requestsOf,
  streamsOf,
} from './recorded.ts';
import { differences, plain } from './same.ts';

/** How many recorded requests, answers and streams each protocol must at least be held to. */
const FLOORS: Readonly<Partial<Record<WireProtocolId, readonly [requests: number, answers: number, streams: number]>>> = {
  'openai-chat': [100, 50, 40],
  'anthropic-messages': [100, 50, 40],
  'openai-responses': [80, 40, 40],
  gemini: [100, 60, 50],
  'bedrock-converse': [60, 30, 35],
  'cohere-chat': [30, 20, 14],
  'mistral-chat': [35, 20, 17],
  'ollama-chat': [3, 2, 3],
};

/** A protocol translated into the canonical form and back says what it said before, on every recorded case. */
for (const protocol of PROTOCOLS) {
  const codec = codecOf(protocol.id);

  describe(`${protocol.id}: decode∘encode = identity`, () => {
    it('has recorded cases to hold it to', () => {
      const floors = FLOORS[protocol.id];
      assert.ok(floors);
      const counts = [requestsOf(protocol), answersOf(protocol), streamsOf(protocol)].map(({ length }) => length);
      assert.ok(
        counts.every((count, index) => count >= (floors[index] ?? Infinity)),
        counts.join(),
      );
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
        const wanted = protocol.sameRequest(body);
        const got = protocol.sameRequest(plain(encoded));
        // Where the model stands in the path, the gateway takes it out of the body.
        const named = wanted['model'] !== undefined && wanted['model'] !== null;
        assert.deepEqual(differences(wanted, named ? got : { ...got, model: wanted['model'] }), []);
        assert.deepEqual(dropped, []);
      });
    }

    for (const entry of answersOf(protocol)) {
      it(`answer ${entry.case}`, (t) => {
        if (isWebPage(entry)) return t.skip('the provider answered with a web page');
        const body = JSON.parse(bytesOf(entry).toString('utf8')) as JsonObject;
        const decoded = codec.decodeResponse(body);
        assert.ok(decoded.ok, JSON.stringify(decoded));
        assert.deepEqual(differences(body, plain(codec.encodeResponse(decoded.value, contextOf(protocol, entry)))), []);
      });
    }

    for (const entry of streamsOf(protocol)) {
      it(`stream ${entry.case}`, () => {
        const once = decodeEvents(codec, protocol.events([bytesOf(entry)]));
        const encoded = encodeEvents(codec, once, contextOf(protocol, entry));
        // Through the protocol's own framing, so that it too gives back what it was given.
        const twice = decodeEvents(codec, protocol.events([protocol.frame(encoded)]));
        const last = once.at(-1);
        if (last?.type === 'error') assert.equal(twice.at(-1)?.type, 'error');
        else {
          assert.deepEqual(plain(withoutUsage(twice)), plain(withoutUsage(once)));
          assert.deepEqual(sayable(protocol.id, lastUsage(twice)), sayable(protocol.id, lastUsage(once)));
        }
      });
    }
  });
}

/** The running total may be said again at another place: only the last counts. */
const withoutUsage = (events: readonly CanonicalEvent[]): readonly CanonicalEvent[] => events.filter((event) => event.type !== 'usage');
const lastUsage = (events: readonly CanonicalEvent[]): CanonicalEvent | undefined => events.findLast((event) => event.type === 'usage');

/** Gemini's streams tell searches by their grounding and the tier on every chunk; both are read where its bytes pass, and are not written again. */
function sayable(protocol: string, event: CanonicalEvent | undefined): CanonicalEvent | undefined {
  if (protocol !== 'gemini' || event?.type !== 'usage') return event;
  return { ...event, usage: { ...event.usage, units: undefined, tier: undefined } };
}
