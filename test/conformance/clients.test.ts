import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { JsonObject } from '../../src/core/json.ts';
import { answersOf, bytesOf, codecOf, CONTEXT, decodeEvents, encodeEvents, sseEvents, streamsOf, type Translated } from './recorded.ts';
import { framed, readAnthropic, readOpenai, type Read, type Reading } from './reading.ts';

/**
 * What the provider's own client reads from the recorded bytes is what the other protocol's client reads from our translation, and what the provider's
 * own client reads from the bytes after a round trip.
 */
const READERS: Readonly<Record<Translated, Read>> = { 'openai-chat': readOpenai, 'anthropic-messages': readAnthropic };
const PROTOCOLS = ['openai-chat', 'anthropic-messages'] as const;

const tried = async (read: Read, bytes: Buffer, stream: boolean): Promise<Reading | 'refused'> => {
  try {
    return await read(bytes, stream);
  } catch {
    // A stream with an error in it, or one that was cut: both clients must refuse it.
    return 'refused';
  }
};

/** Recordings that the protocol's own client cannot read for reasons of its own; our translation of them it can. */
const UNREADABLE: ReadonlyMap<string, string> = new Map([
  ['groq/chat-completions/genai-compound-thinking-genstream-seed', 'no chunk names the role'],
  ['openai/chat-completions/genai-gpt-audio-genstream-maxtokens', 'a chunk has no choices'],
  ['anthropic-compatible/messages/rig-streaming-gateway-message-delta-metadata', 'ends in [DONE]'],
]);

/** Ids that a provider left out are made up by us, and figures that its own client did not see (Groq's, in a member of its own) are more than it had. */
function asFarAsKnown(wanted: Reading | 'refused', got: Reading | 'refused'): Reading | 'refused' {
  if (wanted === 'refused' || got === 'refused') return got;
  const tools = got.tools.map((tool, index) => {
    const original = wanted.tools[index];
    // Anthropic's input is an object: what a model wrote amiss is read as far as it goes (streamed) or marked (plain).
    const input = typeof original?.input === 'string' ? original.input : tool.input;
    return { ...tool, id: original?.id === '' ? '' : tool.id, input };
  });
  return { ...got, tools, usage: wanted.usage === undefined ? undefined : got.usage };
}

for (const from of PROTOCOLS) {
  for (const to of PROTOCOLS) {
    describe(`${from} recordings, read as ${to}`, () => {
      for (const entry of streamsOf(from)) {
        it(`stream ${entry.case}`, async () => {
          const bytes = bytesOf(entry);
          const wanted = await tried(READERS[from], bytes, true);
          const translated = framed(encodeEvents(codecOf(to), decodeEvents(codecOf(from), sseEvents([bytes]))));
          const got = await tried(READERS[to], translated, true);
          if (UNREADABLE.has(entry.case)) return assert.ok(wanted === 'refused' && got !== 'refused' && got.stop !== undefined);
          assert.deepEqual(asFarAsKnown(wanted, got), wanted);
        });
      }

      for (const entry of answersOf(from)) {
        it(`answer ${entry.case}`, async (t) => {
          const bytes = bytesOf(entry);
          if (bytes.toString('utf8').startsWith('<')) return t.skip('the provider answered with a web page');
          const wanted = await tried(READERS[from], bytes, false);
          const decoded = codecOf(from).decodeResponse(JSON.parse(bytes.toString('utf8')) as JsonObject);
          assert.ok(decoded.ok);
          const translated = Buffer.from(JSON.stringify(codecOf(to).encodeResponse(decoded.value, CONTEXT)));
          const got = await tried(READERS[to], translated, false);
          assert.deepEqual(asFarAsKnown(wanted, got), wanted);
        });
      }
    });
  }
}
