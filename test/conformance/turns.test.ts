import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { JsonObject } from '../../src/core/json.ts';
import type { CanonicalRequest } from '../../src/canonical/request.ts';
import type { Codec } from '../../src/wire/protocol.ts';
import type { CaseIndex } from '../replay/cases.ts';
import { withoutMarks } from './compare.ts';
import type { ConformingProtocol } from './protocols/protocol.ts';
import { CLIENT_PROTOCOLS, PROTOCOLS } from './protocols/registry.ts';
import { answersOf, bytesOf, codecOf, contextOf, isWebPage } from './recorded.ts';
import { plain } from './same.ts';
import { nextRequest, remembered, type Remembered } from './turns.ts';

/**
 * A model's turn goes out to a client of another protocol and comes back with its next request: the provider is sent the same words, calls and
 * signatures as by a client of its own.
 */
function decoded(codec: Codec, body: JsonObject | undefined): CanonicalRequest {
  assert.ok(body, `what a client of ${codec.protocol} sends back is known`);
  const result = codec.decodeRequest(body);
  assert.ok(result.ok, JSON.stringify(result));
  return result.value;
}

const turnOf = ({ messages }: CanonicalRequest): Remembered =>
  remembered(messages.filter(({ role }) => role === 'assistant').flatMap(({ parts }) => parts));

function throughClient(provider: ConformingProtocol, client: ConformingProtocol, entry: CaseIndex, answer: JsonObject): Remembered {
  const [own, other] = [codecOf(provider.id), codecOf(client.id)];
  const response = own.decodeResponse(answer);
  assert.ok(response.ok, JSON.stringify(response));
  const shown = plain(other.encodeResponse(response.value, contextOf(provider, entry)));
  const next = decoded(other, nextRequest(client.id, shown));
  const { body } = own.encodeRequest(next, { model: entry.model ?? provider.models[0] ?? 'any', defaultMaxTokens: 4096 });
  const returned = turnOf(decoded(own, plain(body)));
  return { ...returned, text: withoutMarks(returned.text) };
}

/** What cannot be given back, with the reason. */
const FORGOTTEN: ReadonlyMap<string, string> = new Map([
  [
    'gemini-openai/chat-completions/pydai-compatible-api-with-tool-calls-without-id-t1',
    'Google’s OpenAI endpoint signs a text, but takes signatures of calls alone',
  ],
]);

for (const provider of PROTOCOLS) {
  for (const client of CLIENT_PROTOCOLS) {
    if (client === provider) continue;
    describe(`${provider.id} turns, sent back by ${client.id} clients`, () => {
      for (const entry of answersOf(provider)) {
        it(entry.case, (t) => {
          if (isWebPage(entry)) return t.skip('the provider answered with a web page');
          const answer = JSON.parse(bytesOf(entry).toString('utf8')) as JsonObject;
          const native = turnOf(decoded(codecOf(provider.id), nextRequest(provider.id, answer)));
          const returned = throughClient(provider, client, entry, answer);
          assert.deepEqual(returned, FORGOTTEN.has(entry.case) ? { ...native, sealed: [] } : native);
        });
      }
    });
  }
}
