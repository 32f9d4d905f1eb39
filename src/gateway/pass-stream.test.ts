import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { eventEnds, listCases, readAnswer } from '../../test/replay/cases.ts';
import { encodeSse } from '../http/sse.ts';
import { NATIVE } from '../wire/native.ts';
import type { WireProtocolId } from '../wire/protocol.ts';
import { clientFraming, providerFraming } from './framing.ts';
import { PassStream } from './pass-stream.ts';

const PROTOCOLS: Readonly<Record<string, WireProtocolId>> = {
  'chat-completions': 'openai-chat',
  completions: 'openai-completions',
  messages: 'anthropic-messages',
};
const streams = listCases().filter(({ endpoint, stream, status }) => stream && status === 200 && PROTOCOLS[endpoint] !== undefined);

interface Passed {
  readonly out: Buffer;
  readonly whole: boolean;
  readonly transform: PassStream;
}

function pass(protocol: WireProtocolId, chunks: readonly Buffer[], hidesUsage: boolean): Passed {
  const transform = new PassStream({
    native: NATIVE[protocol],
    requestId: 'req_1',
    provider: 'test',
    from: providerFraming(),
    to: clientFraming('sse'),
    hidesUsage,
  });
  const out = chunks.flatMap((chunk) => [...transform.push(chunk)].map((piece) => Buffer.from(piece)));
  const { rest, whole } = transform.end();
  return { out: Buffer.concat([...out, ...rest]), whole, transform };
}

const pieces = (bytes: Buffer, size: number): Buffer[] =>
  Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.subarray(i * size, (i + 1) * size));

describe('a passed stream', () => {
  for (const entry of streams) {
    it(`keeps every byte of ${entry.case}, however it is cut`, () => {
      const protocol = PROTOCOLS[entry.endpoint] as WireProtocolId;
      const { body } = readAnswer(entry.case);
      const once = pass(protocol, [body], false);
      for (const size of [1, 7, 1000]) {
        const passed = pass(protocol, pieces(body, size), false);
        assert.ok(passed.out.equals(once.out));
        assert.deepEqual([passed.whole, passed.transform.usage], [once.whole, once.transform.usage]);
      }
      if (once.whole) assert.ok(once.out.equals(body));
    });
  }

  it('is whole at its end and nowhere before, at every event of every recording', () => {
    for (const entry of streams.filter(({ features }) => !features.includes('error-in-stream'))) {
      const protocol = PROTOCOLS[entry.endpoint] as WireProtocolId;
      const { body } = readAnswer(entry.case);
      const ends = eventEnds(body);
      const wholeAt = ends.findIndex((end) => pass(protocol, [body.subarray(0, end)], false).whole);
      assert.ok(pass(protocol, [body], false).whole, entry.case);
      // A last figure, an own end or an empty event may follow what completes the answer, never its text.
      assert.ok(wholeAt === -1 || ends.length - wholeAt <= 6, `${entry.case}: whole after ${wholeAt + 1} of ${ends.length} events`);
    }
  });

  it('that stops inside an event gives only whole events, and says so', () => {
    const { body } = readAnswer(
      streams.find(({ provider, features }) => provider === 'openai' && features.includes('usage-in-stream'))?.case ?? '',
    );
    const ends = eventEnds(body);
    for (let at = 0; at < (ends.at(-2) ?? 0); at += 3) {
      const { out, whole } = pass('openai-chat', [body.subarray(0, at)], false);
      if (whole) continue;
      assert.equal(out.length, ends.findLast((end) => end <= at) ?? 0);
    }
  });

  it('leaves the usage-only chunk out where the client did not ask, and takes its figures', () => {
    const entry = streams.find(
      ({ provider, endpoint, features }) =>
        provider === 'openai' && endpoint === 'chat-completions' && features.includes('usage-in-stream'),
    );
    const { body } = readAnswer(entry?.case ?? '');
    for (const size of [1, 100_000]) {
      const { out, transform, whole } = pass('openai-chat', pieces(body, size), true);
      assert.ok(transform.usage !== undefined && whole);
      assert.ok(out.length < body.length && out.includes('[DONE]'));
      assert.equal(/"choices": ?\[\],"usage": ?\{|"usage": ?\{[^}]*\}[^}]*\}[^}]*\},"choices": ?\[\]/.test(out.toString()), false);
    }
  });

  it('attack 31: an error of ours is framed again, whatever its words', () => {
    const transform = new PassStream({
      native: NATIVE['openai-chat'],
      requestId: 'req_1',
      provider: 'x',
      from: providerFraming(),
      to: clientFraming('sse'),
      hidesUsage: false,
    });
    const words = transform
      .failure({ status: 502, kind: 'upstream', code: 'upstream_reset', message: 'a\n\ndata: [DONE]\n\n\r\revent: x', param: null })
      .toString();
    assert.equal(words.split('\n\n').length, 2);
    assert.ok(words.startsWith('data: {') && !words.includes('\r'));
    assert.equal(encodeSse({ data: 'a\n\nb' }).toString(), 'data: a\ndata: \ndata: b\n\n');
  });
});
