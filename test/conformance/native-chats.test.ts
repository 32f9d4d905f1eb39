import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { NATIVE } from '../../src/wire/native.ts';
import type { StreamFact } from '../../src/wire/protocol.ts';
import { cohereChat } from './protocols/cohere-chat.ts';
import { mistralChat } from './protocols/mistral-chat.ts';
import { ollamaChat } from './protocols/ollama-chat.ts';
import { bytesOf, codecOf, decodeEvents, streamsOf } from './recorded.ts';

/** Bytes that pass untouched are metered as their translation would be, and the events that say so are never overlooked. */
for (const protocol of [cohereChat, mistralChat, ollamaChat]) {
  const { passThrough } = NATIVE[protocol.id];

  describe(`${protocol.id}: what the gateway sees of a stream that passes`, () => {
    for (const entry of streamsOf(protocol)) {
      it(entry.case, () => {
        const events = protocol.events([bytesOf(entry)]);
        const facts = events.map((event): StreamFact => passThrough.readEvent(event));
        facts.forEach((fact, index) => {
          const event = events[index];
          assert.ok(event);
          if (Object.keys(fact).length > 0) assert.ok(passThrough.mayMatter(protocol.frame([event])), event.data);
        });
        assert.ok(facts.some(({ done }) => done === true));
        assert.ok(facts.every(({ error }) => error === undefined));
        const decoded = decodeEvents(codecOf(protocol.id), events).findLast((event) => event.type === 'usage');
        assert.deepEqual(facts.findLast(({ usage }) => usage !== undefined)?.usage, decoded?.type === 'usage' ? decoded.usage : undefined);
      });
    }
  });
}
