import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { CanonicalEvent } from '../../src/canonical/event.ts';
import type { SseEvent } from '../../src/wire/protocol.ts';
import { PROTOCOLS } from './protocols/registry.ts';
import { bytesOf, codecOf, decodeEvents, streamsOf } from './recorded.ts';

/** Streams up to this size are cut at every byte, longer ones at a seeded sample. */
const EVERY_BYTE = 4096;
const SAMPLE = 48;

/** Park–Miller: the same cuts on every run. */
function cutsOf(length: number): readonly number[] {
  if (length <= EVERY_BYTE) return Array.from({ length: length - 1 }, (_, index) => index + 1);
  let seed = length;
  return Array.from({ length: SAMPLE }, () => {
    seed = (seed * 48_271) % 2_147_483_647;
    return 1 + (seed % (length - 1));
  });
}

const said = (events: readonly SseEvent[]): string => events.map(({ event, data }) => `${event ?? ''}\n${data}`).join('\n\n');

const isError = (event: CanonicalEvent | undefined): boolean => event?.type === 'error';

for (const protocol of PROTOCOLS) {
  const codec = codecOf(protocol.id);

  describe(`${protocol.id}: cut streams`, () => {
    for (const entry of streamsOf(protocol)) {
      it(`says the same wherever its bytes are cut: ${entry.case}`, () => {
        const bytes = bytesOf(entry);
        const whole = protocol.events([bytes]);
        const [words, decoded] = [said(whole), JSON.stringify(decodeEvents(codec, whole))];
        cutsOf(bytes.length).forEach((at, index) => {
          const events = protocol.events([bytes.subarray(0, at), bytes.subarray(at)]);
          assert.equal(said(events), words, `cut at byte ${at}`);
          if (index % 16 === 0) assert.equal(JSON.stringify(decodeEvents(codec, events)), decoded, `cut at byte ${at}`);
        });
      });

      it(`ends in an error when cut after any event: ${entry.case}`, () => {
        const events = protocol.events([bytesOf(entry)]);
        let state = codec.streamDecoder.start();
        let failed = false;
        for (let seen = 0; seen <= events.length; seen++) {
          const last = codec.streamDecoder.finish(state).at(-1);
          if (failed) assert.equal(last, undefined);
          else if (!protocol.sawEnd(events.slice(0, seen)))
            assert.ok(isError(last) && last?.type === 'error' && last.cut, `cut after ${seen} events`);
          else assert.ok(last === undefined || last.type === 'end', `whole after ${seen} events`);
          const event = events[seen];
          if (event === undefined) break;
          const [next, given] = codec.streamDecoder.step(state, event);
          state = next;
          failed ||= given.some(isError);
        }
      });

      it(`keeps the rules of a canonical stream: ${entry.case}`, () => {
        const events = decodeEvents(codec, protocol.events([bytesOf(entry)]));
        assert.equal(events[0]?.type === 'start' || isError(events[0]), true);
        assert.equal(events.filter(({ type }) => type === 'start').length <= 1, true);
        assert.equal(events.filter(({ type }) => type === 'end' || type === 'error').length, 1);
        assert.ok(events.at(-1)?.type === 'end' || isError(events.at(-1)));
        assertParts(events);
      });
    }
  });
}

/** One part open at a time per choice, counted from 0, its deltas inside it, and nothing after `finish`. */
function assertParts(events: readonly CanonicalEvent[]): void {
  const begun = new Map<number, number>();
  const open = new Map<number, number>();
  const finished = new Set<number>();
  for (const event of events) {
    if (!('choice' in event)) continue;
    const { choice } = event;
    assert.ok(!finished.has(choice), `${event.type} after finish`);
    if (event.type === 'finish') {
      assert.equal(open.get(choice), undefined);
      finished.add(choice);
    } else if (event.type === 'part_start') {
      assert.equal(open.get(choice), undefined, 'a part began inside another');
      assert.equal(event.part, begun.get(choice) ?? 0);
      begun.set(choice, event.part + 1);
      open.set(choice, event.part);
    } else if (event.type !== 'logprobs') {
      assert.equal(open.get(choice), event.part, `${event.type} outside its part`);
      if (event.type === 'part_end') open.delete(choice);
    }
  }
}
