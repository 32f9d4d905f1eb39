import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Json, JsonObject } from '../../src/core/json.ts';
import { FIDELITY, type FidelityRow } from '../../src/wire/fidelity.ts';
import { codecOf, CONTEXT, plain, type Translated } from './recorded.ts';

/** For each row of the table a request or answer with the field and one without it: what differs after translation must be what the row says. */

interface Probe {
  /** Members laid over a plain request or answer. */
  readonly with: JsonObject;
  /** The same without the field; a plain one if absent. */
  readonly without?: JsonObject;
  readonly model?: string;
}

const user = (...content: readonly Json[]): JsonObject => ({ messages: [{ role: 'user', content }] });
const hi = { type: 'text', text: 'hi' };
const said = { role: 'user', content: 'hi' };
const PNG = 'data:image/png;base64,iVBORw0KGgo=';
const fn = { type: 'function', function: { name: 'f', parameters: { type: 'object', properties: {} } } };
const schema = { type: 'object', properties: {}, required: [], additionalProperties: false };
const jsonSchema = (rest: JsonObject): JsonObject => ({
  response_format: { type: 'json_schema', json_schema: { name: 'n', schema, ...rest } },
});
const calls = [{ id: 'call_1', type: 'function', function: { name: 'f', arguments: '{"a":1}' } }];

const OPENAI_REQUEST: Readonly<Record<string, Probe>> = {
  'messages[].content': { with: { messages: [said] }, without: { messages: [{ role: 'user', content: '' }] } },
  'messages[].content (system, developer; first)': { with: { messages: [{ role: 'developer', content: 'be brief' }, said] } },
  'messages[].content (system, developer; later)': {
    with: { messages: [said, { role: 'system', content: 'be brief' }] },
    model: 'claude-opus-4-8',
  },
  'messages[].content[].text': { with: user(hi, { type: 'text', text: 'there' }), without: user(hi) },
  'messages[].content[].image_url': { with: user(hi, { type: 'image_url', image_url: { url: PNG } }), without: user(hi) },
  'messages[].content[].image_url.detail': {
    with: user({ type: 'image_url', image_url: { url: PNG, detail: 'low' } }),
    without: user({ type: 'image_url', image_url: { url: PNG } }),
  },
  'messages[].content[].file': {
    with: user(hi, { type: 'file', file: { filename: 'a.pdf', file_data: 'data:application/pdf;base64,AAAA' } }),
    without: user(hi),
  },
  'messages[].content[].file (upload or other type)': { with: user(hi, { type: 'file', file: { file_id: 'file-1' } }), without: user(hi) },
  'messages[].content[].input_audio': {
    with: user(hi, { type: 'input_audio', input_audio: { data: 'AAAA', format: 'wav' } }),
    without: user(hi),
  },
  'messages[].content[].cache_control': { with: user({ ...hi, cache_control: { type: 'ephemeral' } }), without: user(hi) },
  'messages[].content[].prompt_cache_breakpoint': {
    with: user({ ...hi, prompt_cache_breakpoint: { mode: 'explicit' } }),
    without: user(hi),
  },
  'messages[].name': { with: { messages: [{ ...said, name: 'ann' }] } },
  'messages[].refusal': { with: { messages: [said, { role: 'assistant', content: null, refusal: 'no' }] } },
  'messages[].reasoning_details': {
    with: {
      messages: [
        said,
        {
          role: 'assistant',
          content: 'hi',
          reasoning_details: [{ type: 'reasoning.text', text: 't', signature: 's', format: 'anthropic-claude-v1' }],
        },
      ],
    },
    without: { messages: [said, { role: 'assistant', content: 'hi' }] },
  },
  'messages[].reasoning_content': {
    with: { messages: [said, { role: 'assistant', content: 'hi', reasoning_content: 't' }] },
    without: { messages: [said, { role: 'assistant', content: 'hi' }] },
  },
  'messages[].tool_calls': { with: { messages: [said, { role: 'assistant', content: null, tool_calls: calls }] } },
  'messages[].tool_call_id': {
    with: { messages: [said, { role: 'assistant', tool_calls: calls }, { role: 'tool', tool_call_id: 'call_1', content: 'ok' }] },
    without: { messages: [said, { role: 'assistant', tool_calls: calls }] },
  },
  'tools[].function': { with: { tools: [fn] } },
  'tools[].function.strict': { with: { tools: [{ ...fn, function: { ...fn.function, strict: true } }] }, without: { tools: [fn] } },
  'tools[].custom': { with: { tools: [fn, { type: 'custom', custom: { name: 'c' } }] }, without: { tools: [fn] } },
  tool_choice: { with: { tools: [fn], tool_choice: 'required' }, without: { tools: [fn] } },
  parallel_tool_calls: { with: { tools: [fn], parallel_tool_calls: false }, without: { tools: [fn] } },
  'response_format (json_schema)': { with: jsonSchema({ strict: true }) },
  'response_format (json_object)': { with: { response_format: { type: 'json_object' } } },
  'response_format.json_schema.strict (false)': { with: jsonSchema({ strict: false }), without: jsonSchema({ strict: true }) },
  max_completion_tokens: { with: { max_completion_tokens: 9 } },
  max_tokens: { with: { max_tokens: 9 } },
  reasoning_effort: { with: { reasoning_effort: 'high' } },
  'reasoning_effort (with a forced tool)': {
    with: { tools: [fn], tool_choice: 'required', reasoning_effort: 'high' },
    without: { tools: [fn], tool_choice: 'required' },
  },
  temperature: { with: { temperature: 0.2 } },
  'temperature (over 1)': { with: { temperature: 1.5 } },
  top_p: { with: { top_p: 0.5 } },
  'top_p (with temperature)': { with: { top_p: 0.5, temperature: 0.2 }, without: { temperature: 0.2 } },
  top_k: { with: { top_k: 5 } },
  stop: { with: { stop: 'END' } },
  'stop (white space)': { with: { stop: ['END', '\n'] }, without: { stop: ['END'] } },
  stream: { with: { stream: true } },
  user: { with: { user: 'u1' } },
  service_tier: { with: { service_tier: 'default' } },
  'service_tier (flex, priority)': { with: { service_tier: 'flex' } },
  metadata: { with: { metadata: { a: 'b' } } },
  frequency_penalty: { with: { frequency_penalty: 1 }, without: { frequency_penalty: 0 } },
  presence_penalty: { with: { presence_penalty: 1 }, without: { presence_penalty: 0 } },
  seed: { with: { seed: 1 } },
  n: { with: { n: 2 }, without: { n: 1 } },
  logprobs: { with: { logprobs: true }, without: { logprobs: false } },
  top_logprobs: { with: { top_logprobs: 2 } },
  logit_bias: { with: { logit_bias: { '1': 5 } } },
  store: { with: { store: true } },
};

const block = (type: string, source: JsonObject): JsonObject => ({ type, source });
const base64 = (type: string): JsonObject => ({ type: 'base64', media_type: type, data: 'AAAA' });
const assistant = (...content: readonly Json[]): JsonObject => ({ messages: [said, { role: 'assistant', content }] });
const use = { type: 'tool_use', id: 'toolu_1', name: 'f', input: { a: 1 } };
const results = (result: JsonObject): JsonObject => ({
  messages: [
    said,
    { role: 'assistant', content: [use] },
    { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'toolu_1', ...result }] },
  ],
});
const own = { name: 'f', input_schema: { type: 'object', properties: {} } };

const ANTHROPIC_REQUEST: Readonly<Record<string, Probe>> = {
  system: { with: { system: [hi] } },
  'messages[].content': { with: { messages: [said] }, without: { messages: [{ role: 'user', content: 'other' }] } },
  'messages[].content[].image': { with: user(hi, block('image', base64('image/png'))), without: user(hi) },
  'messages[].content[].image (upload)': { with: user(hi, block('image', { type: 'file', file_id: 'file_1' })), without: user(hi) },
  'messages[].content[].document': { with: user(hi, block('document', base64('application/pdf'))), without: user(hi) },
  'messages[].content[].document (address or upload)': {
    with: user(hi, block('document', { type: 'url', url: 'https://a.example/a.pdf' })),
    without: user(hi),
  },
  'messages[].content[].cache_control': { with: user({ ...hi, cache_control: { type: 'ephemeral', ttl: '1h' } }), without: user(hi) },
  'messages[].content[].thinking': { with: assistant({ type: 'thinking', thinking: 't', signature: 's' }, hi), without: assistant(hi) },
  'messages[].content[].thinking (unsigned)': {
    with: assistant({ type: 'thinking', thinking: 't', signature: '' }, hi),
    without: assistant(hi),
  },
  'messages[].content[].tool_use': { with: assistant(hi, use), without: assistant(hi) },
  'messages[].content[].tool_result': {
    with: results({ content: 'ok' }),
    without: { messages: [said, { role: 'assistant', content: [use] }] },
  },
  'messages[].content[].tool_result (image)': {
    with: results({ content: [{ type: 'text', text: 'ok' }, block('image', base64('image/png'))] }),
    without: results({ content: [{ type: 'text', text: 'ok' }] }),
  },
  'messages[].content[].is_error': { with: results({ content: 'ok', is_error: true }), without: results({ content: 'ok' }) },
  'messages[].content[].server_tool_use': {
    with: assistant(hi, { type: 'server_tool_use', id: 's', name: 'web_search', input: {} }),
    without: assistant(hi),
  },
  'tools[].input_schema': { with: { tools: [own] } },
  'tools[].strict': { with: { tools: [{ ...own, strict: true }] }, without: { tools: [own] } },
  'tools[].web_search_20250305': { with: { tools: [own, { type: 'web_search_20250305', name: 'web_search' }] }, without: { tools: [own] } },
  tool_choice: { with: { tools: [own], tool_choice: { type: 'any' } }, without: { tools: [own] } },
  'tool_choice.disable_parallel_tool_use': {
    with: { tools: [own], tool_choice: { type: 'auto', disable_parallel_tool_use: true } },
    without: { tools: [own], tool_choice: { type: 'auto' } },
  },
  'output_config.format': { with: { output_config: { format: { type: 'json_schema', schema } } } },
  'output_config.effort': { with: { output_config: { effort: 'high' } } },
  'thinking (disabled)': { with: { thinking: { type: 'disabled' } } },
  'thinking (enabled)': { with: { thinking: { type: 'enabled', budget_tokens: 4000 } } },
  max_tokens: { with: { max_tokens: 9 } },
  temperature: { with: { temperature: 0.2 } },
  top_p: { with: { top_p: 0.5 } },
  top_k: { with: { top_k: 5 } },
  stop_sequences: { with: { stop_sequences: ['END'] } },
  'stop_sequences (more than 4)': {
    with: { stop_sequences: ['1', '2', '3', '4', '5'] },
    without: { stop_sequences: ['1', '2', '3', '4'] },
  },
  stream: { with: { stream: true } },
  'metadata.user_id': { with: { metadata: { user_id: 'u1' } } },
  service_tier: { with: { service_tier: 'standard_only' } },
  container: { with: { container: 'c1' } },
};

const message = (members: JsonObject): JsonObject => ({
  choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content: 'hi', ...members } }],
});
const choice = (members: JsonObject): JsonObject => ({
  choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content: 'hi' }, ...members }],
});
const tokens = { prompt_tokens: 5, completion_tokens: 3, total_tokens: 8 };

const OPENAI_ANSWER: Readonly<Record<string, Probe>> = {
  'choices[].message.content': { with: message({}), without: message({ content: null }) },
  'choices[].message.refusal': { with: message({ content: null, refusal: 'no' }), without: message({ content: null }) },
  'choices[].message.reasoning_content': { with: message({ reasoning_content: 't' }) },
  'choices[].message.tool_calls': { with: message({ tool_calls: calls }) },
  'choices[].message.annotations': {
    with: message({
      annotations: [{ type: 'url_citation', url_citation: { url: 'https://a.example', title: 'a', start_index: 0, end_index: 2 } }],
    }),
  },
  'choices[].message.audio': { with: message({ audio: { id: 'a', data: 'AAAA', transcript: 'hi', expires_at: 1 } }) },
  'choices[].finish_reason': { with: choice({ finish_reason: 'length' }) },
  'choices[].logprobs': { with: choice({ logprobs: { content: [] } }) },
  'choices[] (after the first)': {
    with: {
      choices: [...(choice({})['choices'] as Json[]), { index: 1, finish_reason: 'stop', message: { role: 'assistant', content: 'ho' } }],
    },
  },
  'usage.prompt_tokens': { with: { usage: tokens }, without: { usage: { ...tokens, prompt_tokens: 4, total_tokens: 7 } } },
  'usage.prompt_tokens_details.cached_tokens': {
    with: { usage: { ...tokens, prompt_tokens_details: { cached_tokens: 2 } } },
    without: { usage: tokens },
  },
  'usage.completion_tokens': { with: { usage: tokens }, without: { usage: { ...tokens, completion_tokens: 2, total_tokens: 7 } } },
  system_fingerprint: { with: { system_fingerprint: 'fp' } },
};

const answer = (...content: readonly Json[]): JsonObject => ({ content });
const counts = { input_tokens: 5, output_tokens: 3 };
const webPlace = { type: 'web_search_result_location', url: 'https://a.example', title: 'a', cited_text: 'a', encrypted_index: 'e' };

const ANTHROPIC_ANSWER: Readonly<Record<string, Probe>> = {
  'content[].text': { with: answer(hi), without: answer() },
  'content[].citations': { with: answer({ ...hi, citations: [webPlace] }), without: answer(hi) },
  'content[].thinking': { with: answer({ type: 'thinking', thinking: 't', signature: '' }, hi), without: answer(hi) },
  'content[].signature': {
    with: answer({ type: 'thinking', thinking: 't', signature: 's' }),
    without: answer({ type: 'thinking', thinking: 't', signature: '' }),
  },
  'content[].redacted_thinking': { with: answer({ type: 'redacted_thinking', data: 'd' }, hi), without: answer(hi) },
  'content[].tool_use': { with: answer(hi, use), without: answer(hi) },
  'content[].server_tool_use': {
    with: answer(hi, { type: 'server_tool_use', id: 's', name: 'web_search', input: {} }),
    without: answer(hi),
  },
  stop_reason: { with: { stop_reason: 'max_tokens' } },
  stop_sequence: { with: { stop_reason: 'stop_sequence', stop_sequence: 'END' }, without: { stop_reason: 'stop_sequence' } },
  'usage.input_tokens': { with: { usage: counts }, without: { usage: { ...counts, input_tokens: 4 } } },
  'usage.cache_read_input_tokens': { with: { usage: { ...counts, cache_read_input_tokens: 2 } }, without: { usage: counts } },
  'usage.cache_creation_input_tokens': { with: { usage: { ...counts, cache_creation_input_tokens: 2 } }, without: { usage: counts } },
  'usage.output_tokens': { with: { usage: counts }, without: { usage: { ...counts, output_tokens: 2 } } },
  'usage.output_tokens_details.thinking_tokens': {
    with: { usage: { ...counts, output_tokens_details: { thinking_tokens: 2 } } },
    without: { usage: counts },
  },
  'usage.service_tier': { with: { usage: { ...counts, service_tier: 'priority' } }, without: { usage: counts } },
  container: { with: { container: { id: 'c', expires_at: 'x' } } },
};

const BASE: Readonly<Record<string, JsonObject>> = {
  'request openai-chat': { model: 'm', messages: [said] },
  'request anthropic-messages': { model: 'm', max_tokens: 4096, messages: [said] },
  'answer openai-chat': { id: 'i', object: 'chat.completion', created: 1, model: 'm', ...choice({}), usage: tokens },
  'answer anthropic-messages': {
    id: 'i',
    type: 'message',
    role: 'assistant',
    model: 'm',
    content: [hi],
    stop_reason: 'end_turn',
    stop_sequence: null,
    usage: counts,
  },
};
const PROBES: Readonly<Record<string, Readonly<Record<string, Probe>>>> = {
  'request openai-chat': OPENAI_REQUEST,
  'request anthropic-messages': ANTHROPIC_REQUEST,
  'answer openai-chat': OPENAI_ANSWER,
  'answer anthropic-messages': ANTHROPIC_ANSWER,
};

function translate(row: FidelityRow, body: JsonObject, model: string): { readonly body: JsonObject; readonly dropped: readonly string[] } {
  const [from, to] = [codecOf(row.from as Translated), codecOf(row.to as Translated)];
  if (row.side === 'request') {
    const decoded = from.decodeRequest(body);
    assert.ok(decoded.ok, JSON.stringify(decoded));
    return plain(to.encodeRequest(decoded.value, { model, defaultMaxTokens: 4096 }));
  }
  const decoded = from.decodeResponse(body);
  assert.ok(decoded.ok, JSON.stringify(decoded));
  return { body: plain(to.encodeResponse(decoded.value, CONTEXT)), dropped: [] };
}

/** All values at a path, `[]` standing for every index. */
function at(value: Json | undefined, path: readonly string[]): readonly Json[] {
  const [name, ...rest] = path;
  if (value === undefined || value === null) return [];
  if (name === undefined) return [value];
  if (Array.isArray(value)) return (value as readonly Json[]).flatMap((item) => at(item, path));
  return typeof value === 'object' ? at((value as JsonObject)[name.replace('[]', '')], rest) : [];
}

describe('the fidelity table says what the codecs do', () => {
  for (const row of FIDELITY) {
    const group = `${row.side} ${row.from}`;
    it(`${group} → ${row.to}: ${row.field} is ${row.fate}`, () => {
      const probe = PROBES[group]?.[row.field];
      assert.ok(probe, 'the row has a probe');
      const base = BASE[group] as JsonObject;
      const model = probe.model ?? (row.to === 'anthropic-messages' ? 'claude-sonnet-4-5' : 'gpt-5.6');
      const [got, plainly] = [translate(row, { ...base, ...probe.with }, model), translate(row, { ...base, ...probe.without }, model)];
      const name = row.field.replace(/ \(.*\)$/, '');
      if (row.fate === 'dropped') {
        assert.deepEqual(got.body, plainly.body);
        if (row.side === 'request') assert.ok(got.dropped.includes(name), `reported as ${got.dropped.join()}`);
        return;
      }
      assert.deepEqual(
        got.dropped,
        plainly.dropped.filter((path) => path !== name),
      );
      const path = (row.as ?? '').split('.');
      assert.notDeepEqual(at(got.body, path), at(plainly.body, path));
      assert.ok(at(got.body, path).length > 0);
    });
  }

  it('has a row for every probe', () => {
    const rows = new Set(FIDELITY.map((row) => `${row.side} ${row.from} ${row.field}`));
    for (const [group, probes] of Object.entries(PROBES))
      for (const field of Object.keys(probes)) assert.ok(rows.has(`${group} ${field}`), `${group} ${field}`);
  });
});
