import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { encodeWithHead, FRAME, FrameReader, MAX_FRAME_BYTES, splitHead, type Frame } from './frame.ts';

const read = (chunks: readonly Buffer[], maxBytes?: number): Frame[] => {
  const frames: Frame[] = [];
  const reader = new FrameReader((frame) => frames.push({ ...frame, payload: Buffer.from(frame.payload) }), maxBytes);
  for (const chunk of chunks) reader.push(chunk);
  return frames;
};

const cut = (bytes: Buffer, points: readonly number[]): Buffer[] => {
  const sorted = [...new Set(points.map((point) => point % (bytes.length + 1)))].sort((a, b) => a - b);
  return [0, ...sorted].map((start, i) => bytes.subarray(start, sorted[i] ?? bytes.length));
};

describe('frame reader', () => {
  it('gives the frames that were written, however the bytes are cut', () => {
    const bodies = fc.array(fc.tuple(fc.integer({ min: 0, max: 0xffff_ffff }), fc.json(), fc.uint8Array({ maxLength: 300 })), {
      maxLength: 8,
    });
    fc.assert(
      fc.property(bodies, fc.array(fc.nat(10_000), { maxLength: 20 }), (messages, points) => {
        const bytes = Buffer.concat(messages.map(([id, head, body]) => encodeWithHead(id, FRAME.call, head, body)));
        const frames = read(cut(bytes, points));
        assert.equal(frames.length, messages.length);
        for (const [i, [id, head, body]] of messages.entries()) {
          const frame = frames[i] as Frame;
          const split = splitHead(frame.payload);
          assert.deepEqual([frame.id, frame.type, split.head, split.body], [id, FRAME.call, head, Buffer.from(body)]);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('survives every single cut of two frames', () => {
    const bytes = Buffer.concat([
      encodeWithHead(1, FRAME.call, '{"a":1}', Buffer.from('body')),
      encodeWithHead(3, FRAME.end, '{}', undefined),
    ]);
    for (let i = 0; i <= bytes.length; i++) assert.equal(read([bytes.subarray(0, i), bytes.subarray(i)]).length, 2, `cut at ${i}`);
  });

  it('refuses a frame that is longer than the limit before its bytes arrive', () => {
    const prefix = Buffer.alloc(9);
    prefix.writeUInt32BE(MAX_FRAME_BYTES + 1, 0);
    assert.throws(() => read([prefix]), { code: 'internal' });
  });

  it('refuses a frame that is shorter than its own prefix', () => {
    assert.throws(() => read([Buffer.from([0, 0, 0, 4, 0, 0, 0, 1, 1])]), { code: 'internal' });
  });

  it('refuses a head that is longer than its frame', () => {
    assert.throws(() => splitHead(Buffer.from([0, 0, 0, 9, 123])), { code: 'internal' });
    assert.throws(() => splitHead(Buffer.from([0, 0])), { code: 'internal' });
  });
});
