import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { scanJson } from '../core/json-scan.ts';
import type { RequestBody } from './steps.ts';
import { unitsAsked } from './request-units.ts';

function bodyOf(text: string, copies = 1): RequestBody {
  const bytes = Buffer.from(text);
  const { members } = scanJson(bytes, { depth: 8, keys: 100 }, new Set(['input']));
  return { bytes, members, stream: false, streamOptions: undefined, maxOutputTokens: undefined, copies, contentType: 'application/json' };
}

describe('what a request uses where its answer says nothing', () => {
  it('pictures are as many as were asked for', () => assert.deepEqual(unitsAsked('images', bodyOf('{"n":3}', 3)), { image: 3 }));

  it('speech is charged by characters as people count them', () =>
    assert.deepEqual(unitsAsked('speech', bodyOf('{"input":"h\\u00e9 👋"}')), { character: 4 }));

  it('a speech whose text is none is charged by all that was sent', () =>
    assert.deepEqual(unitsAsked('speech', bodyOf('{"input":[1]}')), { character: 13 }));

  it('a recording is longer rather than shorter', () =>
    assert.deepEqual(unitsAsked('transcriptions', bodyOf(`"${'x'.repeat(8_000)}"`)), { second: 3 }));

  it('everything else is counted in tokens', () => assert.equal(unitsAsked('chat', bodyOf('{}')), undefined));
});
