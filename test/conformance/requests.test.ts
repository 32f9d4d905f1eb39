import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { JsonObject } from '../../src/core/json.ts';
import { ApiDescription } from './api-description.ts';
import type { ConformingProtocol } from './protocols/protocol.ts';
import { PROTOCOLS } from './protocols/registry.ts';
import { codecOf, requestOf, requestsOf } from './recorded.ts';
import { plain } from './same.ts';

/** Every recorded request, translated, is one that the other provider's own API description allows. */

function translated(from: ConformingProtocol, to: ConformingProtocol, body: JsonObject, model: string): JsonObject {
  const decoded = codecOf(from.id).decodeRequest(body);
  assert.ok(decoded.ok, JSON.stringify(decoded));
  return plain(codecOf(to.id).encodeRequest(decoded.value, { model, defaultMaxTokens: 4096 }).body);
}

const faultsOf = (to: ConformingProtocol, body: JsonObject): readonly string[] =>
  to.requestFaults(body).filter((fault) => !NOT_DEMANDED.test(fault));

/** Requests that make sense to their own provider alone, with the reason. */
const UNTRANSLATABLE: ReadonlyMap<string, string> = new Map([
  ['openai/responses/ddjs-responses-post-ec358e44', 'asks with a prompt that OpenAI keeps, and says nothing itself'],
  ['anthropic/messages/genai-errors-bad-model-gensync-t1', 'asks for an answer of no tokens'],
]);

/**
 * What a description demands and its provider does not: Google answers functions without a description
 * (gemini/generate-content/jsgenai-mcp-related-client-tests-generatecontent-ml-dev-multiple-callabl).
 */
const NOT_DEMANDED = /^\.tools\[\d+\]\.functionDeclarations\[\d+\]\.description: is missing$/;

for (const from of PROTOCOLS) {
  for (const to of PROTOCOLS) {
    if (from === to) continue;
    describe(`${from.id} requests as the API description of ${to.id} wants them`, () => {
      for (const entry of requestsOf(from).filter(({ case: name }) => !UNTRANSLATABLE.has(name))) {
        for (const model of to.models) {
          it(`${model} ${entry.case}`, () => assert.deepEqual(faultsOf(to, translated(from, to, requestOf(entry), model)), []));
        }
      }
    });
  }
}

describe('the description reader finds faults', () => {
  const anthropic = new ApiDescription('anthropic/openapi.json');

  it('in a request without messages, with an unknown member, with a wrong type', () => {
    assert.match(
      String(anthropic.faults('CreateMessageParams', { model: 'm', max_tokens: 'x', messages: [], extra: 1 }).join()),
      /max_tokens: is string.*extra: is unknown/,
    );
    assert.match(
      String(
        anthropic.faults('CreateMessageParams', { model: 'm', max_tokens: 1, messages: [{ role: 'user', content: [{ type: 'text' }] }] }),
      ),
      /text: is missing/,
    );
  });

  it('in a request of every protocol that is none', () => {
    for (const protocol of PROTOCOLS)
      assert.notDeepEqual(protocol.requestFaults({ model: 5, messages: 5, contents: 5, input: 5 }), [], protocol.id);
  });
});
