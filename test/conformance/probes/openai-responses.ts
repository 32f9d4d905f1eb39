import type { Json, JsonObject } from '../../../src/core/json.ts';
import type { NotesByField, Probe, ProbeSet } from './probe.ts';

/** What a client of OpenAI's Responses can say, and what such a provider can answer. */

const PNG = 'data:image/png;base64,iVBORw0KGgo=';
const hi = { type: 'input_text', text: 'hi' };
const said = { type: 'message', role: 'user', content: [hi] };
const user = (...content: readonly Json[]): JsonObject => ({ input: [{ type: 'message', role: 'user', content }] });
const after = (...items: readonly Json[]): JsonObject => ({ input: [said, ...items] });
const fn = { type: 'function', name: 'f', parameters: { type: 'object', properties: {} }, strict: false };
const call = { type: 'function_call', call_id: 'call_1', name: 'f', arguments: '{"a":1}' };
const customCall = { type: 'custom_tool_call', call_id: 'call_1', name: 'c', input: 'free' };
const schema = { type: 'object', properties: {}, required: [], additionalProperties: false };
const format = { type: 'json_schema', name: 'n', schema };
const reasoned = { type: 'reasoning', id: 'rs_1', summary: [{ type: 'summary_text', text: 't' }] };
const FOREIGN = 'Only OpenAI’s models can read it.';

const SAID_IN_PATH = 'The path says it.';

const REQUEST: Readonly<Record<string, Probe>> = {
  instructions: { with: { instructions: 'be brief' } },
  'input (text)': { with: { input: 'hi' }, without: { input: 'other' } },
  'input[].content[].input_text': { with: user(hi, { ...hi, text: 'there' }), without: user(hi) },
  'input[].content (system, developer)': { with: { input: [{ type: 'message', role: 'developer', content: 'be brief' }, said] } },
  'input[].content[].output_text': {
    with: after({ type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'ho', annotations: [] }] }),
  },
  'input[].content[].refusal': {
    with: after({ type: 'message', role: 'assistant', content: [{ type: 'refusal', refusal: 'no' }] }),
  },
  'input[].content[].input_image': { with: user(hi, { type: 'input_image', image_url: PNG, detail: 'auto' }), without: user(hi) },
  'input[].content[].input_image.detail': {
    with: user({ type: 'input_image', image_url: PNG, detail: 'low' }),
    without: user({ type: 'input_image', image_url: PNG, detail: 'auto' }),
  },
  'input[].content[].input_file': {
    with: user(hi, { type: 'input_file', filename: 'a.pdf', file_data: 'data:application/pdf;base64,AAAA' }),
    without: user(hi),
  },
  'input[].content[].input_file (upload)': { with: user(hi, { type: 'input_file', file_id: 'file-1' }), without: user(hi) },
  'input[].function_call': { with: after(call) },
  'input[].function_call_output': {
    with: after(call, { type: 'function_call_output', call_id: 'call_1', output: 'ok' }),
    without: after(call),
  },
  'input[].function_call_output (image)': {
    with: after(call, {
      type: 'function_call_output',
      call_id: 'call_1',
      output: [
        { type: 'input_text', text: 'ok' },
        { type: 'input_image', image_url: PNG, detail: 'auto' },
      ],
    }),
    without: after(call, { type: 'function_call_output', call_id: 'call_1', output: [{ type: 'input_text', text: 'ok' }] }),
  },
  'input[].custom_tool_call': { with: after(customCall) },
  'input[].custom_tool_call_output': {
    with: after(customCall, { type: 'custom_tool_call_output', call_id: 'call_1', output: 'ok' }),
    without: after(customCall),
  },
  'input[].reasoning': {
    with: after(reasoned, { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'ho', annotations: [] }] }),
    without: after({ type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'ho', annotations: [] }] }),
  },
  'input[].reasoning (encrypted_content)': {
    with: after(
      { ...reasoned, encrypted_content: 'e' },
      { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'ho', annotations: [] }] },
    ),
    without: after(reasoned, { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'ho', annotations: [] }] }),
    silent: { all: FOREIGN },
  },
  'tools[].function': { with: { tools: [fn] } },
  'tools[].function (strict)': {
    with: { tools: [{ ...fn, parameters: schema, strict: true }] },
    without: { tools: [{ ...fn, parameters: schema }] },
    reportedAs: 'tools[].strict',
  },
  'tools[].custom': { with: { tools: [fn, { type: 'custom', name: 'c' }] }, without: { tools: [fn] } },
  'tools[].web_search': { with: { tools: [fn, { type: 'web_search' }] }, without: { tools: [fn] } },
  tool_choice: { with: { tools: [fn], tool_choice: 'required' }, without: { tools: [fn] } },
  parallel_tool_calls: {
    with: { tools: [fn], parallel_tool_calls: false },
    without: { tools: [fn] },
    reportedAs: 'tool_choice',
  },
  'text.format (json_schema)': { with: { text: { format } } },
  'text.format (json_object)': { with: { text: { format: { type: 'json_object' } } } },
  'text.verbosity': { with: { text: { verbosity: 'low' } } },
  'reasoning (effort)': { with: { reasoning: { effort: 'high' } } },
  'reasoning (summary)': {
    with: { reasoning: { effort: 'high', summary: 'auto' } },
    without: { reasoning: { effort: 'high' } },
    silent: { all: 'Reasoning is shown wherever the provider shows it.' },
  },
  max_output_tokens: { with: { max_output_tokens: 9 } },
  temperature: { with: { temperature: 0.2 } },
  top_p: { with: { top_p: 0.5 } },
  top_logprobs: { with: { top_logprobs: 2 } },
  stream: { with: { stream: true }, silent: { gemini: SAID_IN_PATH, 'bedrock-converse': SAID_IN_PATH } },
  user: { with: { user: 'u1' } },
  safety_identifier: { with: { safety_identifier: 'u1' } },
  prompt_cache_key: { with: { prompt_cache_key: 'k' } },
  metadata: { with: { metadata: { a: 'b' } } },
  service_tier: { with: { service_tier: 'flex' } },
  store: { with: { store: true } },
  previous_response_id: { with: { previous_response_id: 'resp_1' } },
  truncation: { with: { truncation: 'auto' } },
  max_tool_calls: { with: { max_tool_calls: 3 } },
  background: { with: { background: true } },
};

const NOTES: NotesByField = {};

const output = (...items: readonly Json[]): JsonObject => ({ output: items });
const text = { type: 'output_text', text: 'hi', annotations: [] };
const message = (...content: readonly Json[]): JsonObject => ({
  type: 'message',
  id: 'msg_1',
  status: 'completed',
  role: 'assistant',
  content,
});
const counts = {
  input_tokens: 5,
  input_tokens_details: { cached_tokens: 0 },
  output_tokens: 3,
  output_tokens_details: { reasoning_tokens: 0 },
  total_tokens: 8,
};

const ANSWER: Readonly<Record<string, Probe>> = {
  'output[].content[].output_text': { with: output(message(text)), without: output(message()) },
  'output[].content[].refusal': { with: output(message({ type: 'refusal', refusal: 'no' })), without: output(message()) },
  'output[].content[].annotations': {
    with: output(
      message({ ...text, annotations: [{ type: 'url_citation', url: 'https://a.example', title: 'a', start_index: 0, end_index: 2 }] }),
    ),
  },
  'output[].reasoning': { with: output(reasoned, message(text)) },
  'output[].reasoning (encrypted_content)': {
    with: output({ ...reasoned, encrypted_content: 'e' }, message(text)),
    without: output(reasoned, message(text)),
  },
  'output[].function_call': { with: output(message(text), { ...call, id: 'fc_1', status: 'completed' }) },
  'output[].custom_tool_call': { with: output(message(text), { ...customCall, id: 'ctc_1', status: 'completed' }) },
  'output[].web_search_call': {
    with: output({ type: 'web_search_call', id: 'ws_1', status: 'completed', action: { type: 'search', query: 'q' } }, message(text)),
  },
  'incomplete_details.reason': { with: { status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } } },
  'usage.input_tokens': { with: { usage: counts }, without: { usage: { ...counts, input_tokens: 4, total_tokens: 7 } } },
  'usage.input_tokens_details.cached_tokens': {
    with: { usage: { ...counts, input_tokens_details: { cached_tokens: 2 } } },
    without: { usage: counts },
  },
  'usage.output_tokens': { with: { usage: counts }, without: { usage: { ...counts, output_tokens: 2, total_tokens: 7 } } },
  'usage.output_tokens_details.reasoning_tokens': {
    with: { usage: { ...counts, output_tokens_details: { reasoning_tokens: 2 } } },
    without: { usage: counts },
  },
  service_tier: { with: { service_tier: 'priority' } },
};

export const openaiResponsesProbes: ProbeSet = {
  protocol: 'openai-responses',
  title: 'OpenAI Responses',
  request: { base: { model: 'm', input: [said] }, probes: REQUEST, notes: NOTES },
  answer: {
    base: { id: 'resp_1', object: 'response', created_at: 1, status: 'completed', model: 'm', output: [message(text)], usage: counts },
    probes: ANSWER,
    notes: {},
  },
};
