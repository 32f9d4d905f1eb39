import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { listCases, readAnswer, type CaseIndex } from '../../test/replay/cases.ts';
import { isJsonObject, type JsonObject } from '../core/json.ts';
import type { TokenUsage } from '../core/usage.ts';
import { NATIVE } from './native.ts';
import type { SseEvent, StreamFact, WireProtocolId } from './protocol.ts';

/** Recorded traffic decides: every case of a protocol that the gateway passes through. */

const PROTOCOLS: Readonly<Record<string, WireProtocolId>> = {
  'chat-completions': 'openai-chat',
  completions: 'openai-completions',
  embeddings: 'openai-embeddings',
  messages: 'anthropic-messages',
};

/** Answers in which the provider sent no figures (checked by reading them). */
const WITHOUT_USAGE = new Set([
  'alibaba/chat-completions/genai-qwen3-vl-flash-genstreammultimodal-image-gif-url',
  'llamacpp/chat-completions/genai-qwen3-5-2b-q4-k-m-gguf-genstream-stop',
  'openai/chat-completions/ddjs-chat-completions-post-6df851cc-stream',
  'openai/chat-completions/envoy-chat-streaming-web-search',
  'openai/chat-completions/genai-gpt-audio-genstream-stop',
  'openai/chat-completions/lingua-chatcompletionsanthropiccachecontrolparam-followup-stream',
  'openai/chat-completions/lingua-chatcompletionsassistantcachecontrolparam-followup-stream',
  'openai/chat-completions/lingua-multimodalrequest-followup-stream',
  'openai/chat-completions/lingua-reasoningeffortnoneparam-stream',
  'openai/chat-completions/lingua-toolchoicerequiredwithreasoningparam-followup-stream',
  'openai/chat-completions/openllmetry-js-should-set-function-call-attributes-in-span-for-stream-completio',
  'openai/chat-completions/prism-stream-falsy-argument-conversation-1',
  'openai/completions/ollmetry-async-completion-streaming',
  'openai/completions/ruby-openai-usage-completions',
  'openai/embeddings/ruby-openai-usage-embeddings',
]);

const cases = listCases().filter(({ endpoint }) => PROTOCOLS[endpoint] !== undefined);
const nativeOf = (entry: CaseIndex) => NATIVE[PROTOCOLS[entry.endpoint] as WireProtocolId];

const eventsOf = (body: Buffer): { bytes: Buffer; event: SseEvent }[] =>
  body
    .toString('utf8')
    .split(/\r\n\r\n|\n\n/)
    .map((text) => ({
      bytes: Buffer.from(text),
      event: {
        data: text
          .split(/\r?\n/)
          .flatMap((line) => (line.startsWith('data:') ? [line.slice(5).trim()] : []))
          .join('\n'),
      },
    }))
    .filter(({ event }) => event.data !== '');

const factsOf = (entry: CaseIndex): StreamFact[] => {
  const { passThrough } = nativeOf(entry);
  return eventsOf(readAnswer(entry.case).body).map(({ event }) => passThrough.readEvent(event));
};

const isWhole = ({ input, output, cachedInput, cacheWrite, cacheWrite1h, reasoning }: TokenUsage): boolean =>
  input >= 0 && output >= 0 && cachedInput + cacheWrite + cacheWrite1h <= input && reasoning <= output;

describe('recorded streams', () => {
  for (const entry of cases.filter(({ stream, status }) => stream && status < 400)) {
    it(entry.case, () => {
      const facts = factsOf(entry);
      const usages = facts.flatMap(({ usage }) => (usage === undefined ? [] : [usage]));
      assert.equal(usages.length > 0, !WITHOUT_USAGE.has(entry.case), 'usage');
      assert.equal(
        facts.some(({ error }) => error !== undefined),
        entry.features.includes('error-in-stream'),
        'error',
      );
      const failed = entry.features.includes('error-in-stream');
      assert.ok(failed || facts.some(({ done, finished }) => done === true || finished === true), 'an end is recognised');
      const native = nativeOf(entry);
      for (const { bytes, event } of eventsOf(readAnswer(entry.case).body)) {
        const fact = native.passThrough.readEvent(event);
        assert.ok(
          Object.keys(fact).length === 0 || native.passThrough.mayMatter(bytes),
          `an event that matters is not skipped: ${event.data.slice(0, 200)}`,
        );
      }
    });
  }

  it('have an own end in every protocol’s case but Perplexity’s', () => {
    const without = cases
      .filter(({ stream, status }) => stream && status < 400)
      .filter((entry) => !factsOf(entry).some(({ done }) => done === true));
    assert.deepEqual([...new Set(without.map(({ provider }) => provider))].sort(), ['alibaba', 'perplexity']);
  });
});

describe('recorded whole answers', () => {
  for (const entry of cases.filter(({ stream, status, framing }) => !stream && status < 400 && framing === 'json')) {
    it(entry.case, () => {
      const body: unknown = JSON.parse(readAnswer(entry.case).body.toString('utf8'));
      assert.ok(isJsonObject(body));
      const { passThrough } = nativeOf(entry);
      const members: JsonObject = Object.fromEntries(passThrough.responseMembers.map((name) => [name, body[name]]));
      const usage = passThrough.usageOfResponse(members);
      assert.equal(usage !== undefined, !WITHOUT_USAGE.has(entry.case));
      if (usage !== undefined) assert.ok(isWhole(usage), JSON.stringify(usage));
    });
  }
});

describe('recorded errors', () => {
  for (const entry of cases.filter(({ status }) => status >= 400)) {
    it(entry.case, () => {
      const text = readAnswer(entry.case).body.toString('utf8');
      const body: unknown = text.trimStart().startsWith('{') ? JSON.parse(text) : undefined;
      const { errors } = nativeOf(entry);
      const error = errors.decodeError(entry.status, isJsonObject(body) ? body : undefined);
      assert.equal(error.status, entry.status);
      if (body !== undefined) assert.doesNotMatch(error.message, /^The provider answered with status/);
      const shown = JSON.stringify(errors.encodeError(error, 'req_1'));
      assert.ok(shown.includes('req_1') && shown.includes(JSON.stringify(error.message)));
    });
  }
});

describe('usage of dialects', () => {
  const usageOf = (name: string): TokenUsage | undefined =>
    factsOf(cases.find((entry) => entry.case === name) as CaseIndex).findLast(({ usage }) => usage !== undefined)?.usage;

  it('xAI’s reasoning, outside completion_tokens, counts as output', () => {
    const usage = usageOf('xai/chat-completions/fantasy-grok-3-mini-thinking-streaming-t1');
    assert.deepEqual([usage?.input, usage?.output, usage?.reasoning, usage?.cachedInput], [331, 282, 271, 330]);
  });

  it('Groq’s x_groq.usage counts where there is no other', () => {
    const usage = usageOf('groq/chat-completions/genai-compound-thinking-genstream-seed');
    assert.equal(usage === undefined, false);
  });

  it('Anthropic’s cache reads and writes are part of the input', () => {
    const usage = NATIVE['anthropic-messages'].passThrough.usageOfResponse({
      usage: {
        input_tokens: 3,
        cache_read_input_tokens: 100,
        cache_creation_input_tokens: 50,
        cache_creation: { ephemeral_5m_input_tokens: 20, ephemeral_1h_input_tokens: 30 },
        output_tokens: 7,
      },
    });
    assert.deepEqual([usage?.input, usage?.cachedInput, usage?.cacheWrite, usage?.cacheWrite1h, usage?.output], [153, 100, 20, 30, 7]);
  });

  it('figures that are no counts are none', () => {
    const { passThrough } = NATIVE['openai-chat'];
    for (const bad of [null, 'x', [], { prompt_tokens: '3' }]) assert.equal(passThrough.usageOfResponse({ usage: bad }), undefined);
    assert.equal(passThrough.usageOfResponse({ usage: { prompt_tokens: -5, completion_tokens: 1e300, total_tokens: 0.5 } })?.output, 0);
  });
});
