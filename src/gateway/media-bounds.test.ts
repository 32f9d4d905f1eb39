import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { scanJson } from '../core/json-scan.ts';
import { heardTokens, mostUnits, spokenTokens } from './media-bounds.ts';
import { unitsAsked } from './request-units.ts';
import type { RequestBody } from './steps.ts';

function bodyOf(bytes: Buffer, copies = 1): RequestBody {
  const { members } = scanJson(bytes, { depth: 8, keys: 10_000 }, new Set(['input', 'documents']));
  return { bytes, members, stream: false, streamOptions: undefined, maxOutputTokens: undefined, copies, contentType: 'application/json' };
}
const json = (value: unknown): RequestBody => bodyOf(Buffer.from(JSON.stringify(value)));
const recording = (bytes: number): RequestBody => ({ ...json(''), bytes: Buffer.alloc(bytes) });

describe('upper bounds beside tokens', () => {
  it('a recording is no longer than the thinnest speech of its size, and no shorter than it is counted where its answer does not tell', () => {
    for (const operation of ['transcriptions', 'translations'] as const) {
      const most = mostUnits(operation, recording(2_500_000))?.second ?? 0;
      // Ten minutes at 32 kbit/s, nearly an hour at 6.
      assert.equal(most, 3_334);
      assert.ok(most >= (unitsAsked(operation, recording(2_500_000))?.second ?? Infinity));
    }
  });

  it('what is heard and written of it is bounded by its length, and by the contexts of models', () => {
    assert.equal(heardTokens('transcriptions', recording(7_500)), 130);
    assert.equal(heardTokens('transcriptions', recording(25_000_000)), 32_768);
    assert.equal(heardTokens('chat', json({})), undefined);
  });

  it('pictures are as many as were asked for', () => assert.deepEqual(mostUnits('images', { ...json({}), copies: 3 }), { image: 3 }));

  it('speech has the characters of its text', () => {
    assert.deepEqual(mostUnits('speech', json({ input: 'hé 👋' })), { character: 4 });
    assert.equal(spokenTokens('chat', json({ input: 'x' })), undefined);
    assert.ok((spokenTokens('speech', json({ input: 'x'.repeat(1000) })) ?? 0) > 10_000);
  });

  it('an order of documents is a search for each hundred, where a long one counts as several', () => {
    const documents = (count: number, length: number): RequestBody =>
      json({ documents: Array.from({ length: count }, () => 'x'.repeat(length)) });
    assert.deepEqual(mostUnits('rerank', documents(1, 10)), { search: 1 });
    assert.deepEqual(mostUnits('rerank', documents(100, 0)), { search: 2 });
    assert.deepEqual(mostUnits('rerank', documents(250, 100)), { search: 4 });
    assert.deepEqual(mostUnits('rerank', documents(1, 100_000)), { search: 3 });
    assert.deepEqual(mostUnits('rerank', json({ documents: 'none' })), { search: 1 });
  });

  it('nothing else has any', () => assert.equal(mostUnits('chat', json({})), undefined));
});
