import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { listCases, readRequest } from '../../test/replay/cases.ts';
import { isJsonObject, type JsonObject } from '../core/json.ts';
import { scanJson, type Member } from '../core/json-scan.ts';
import { askForUsage, inOrder, replaceValue, splice } from './splice.ts';

const LIMITS = { depth: 64, keys: 20_000 };

function rewrite(body: Buffer, model: string): Buffer {
  const { members } = scanJson(body, LIMITS, new Set(['model', 'stream_options']));
  const asked = members.get('model') as Member;
  const options = members.get('stream_options');
  const value: unknown = options === undefined ? undefined : JSON.parse(body.toString('utf8', options.start, options.end));
  return splice(body, inOrder([replaceValue(asked, model), askForUsage(asked, options, isJsonObject(value) ? value : undefined)]));
}

describe('splices', () => {
  it('change the model and ask for usage, and nothing else, on every recorded request', () => {
    const cases = listCases().filter(({ endpoint, request }) => request && endpoint === 'chat-completions');
    assert.ok(cases.length > 50);
    for (const entry of cases) {
      const request = readRequest(entry.case) as JsonObject;
      if (typeof request['model'] !== 'string') continue;
      for (const spaces of [0, 2]) {
        const spliced = JSON.parse(
          rewrite(Buffer.from(JSON.stringify(request, undefined, spaces)), 'other/"model"\u2028').toString('utf8'),
        ) as JsonObject;
        const options = isJsonObject(request['stream_options']) ? request['stream_options'] : {};
        assert.deepEqual(
          spliced,
          { ...request, model: 'other/"model"\u2028', stream_options: { ...options, include_usage: true } },
          entry.case,
        );
      }
    }
  });

  it('keep numbers that JSON.parse would change', () => {
    const body = Buffer.from('{"model":"a","seed":12345678901234567890,"temperature":1.0e400,"x":1.10}');
    assert.equal(
      rewrite(body, 'b').toString(),
      '{"model":"b","stream_options":{"include_usage":true},"seed":12345678901234567890,"temperature":1.0e400,"x":1.10}',
    );
  });

  it('leave a client’s own request for usage alone', () => {
    const body = Buffer.from('{ "stream_options" : { "include_usage" : true } , "model" : "a" }');
    assert.equal(rewrite(body, 'b').toString(), '{ "stream_options" : { "include_usage" : true } , "model" : "b" }');
  });

  it('hold for any order and content of members', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.string(), fc.nat(5), (others, model, place) => {
        const entries = Object.entries(others).filter(([name]) => name !== 'model' && name !== 'stream_options' && name !== '__proto__');
        entries.splice(place, 0, ['model', 'asked']);
        const text = `{${entries.map(([name, value]) => `${JSON.stringify(name)}: ${JSON.stringify(value)}`).join(' , ')}}`;
        const expected = { ...JSON.parse(text), model, stream_options: { include_usage: true } };
        assert.deepEqual(JSON.parse(rewrite(Buffer.from(text), model).toString('utf8')), expected);
      }),
    );
  });
});
