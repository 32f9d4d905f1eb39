import type { Json, JsonObject } from '../../../src/core/json.ts';
import type { NotesByField, Probe, ProbeSet } from './probe.ts';

/** What a client of OpenAI's chat completions can say, and what such a provider can answer. */

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

const SAID_IN_PATH = 'The path says it.';

const REQUEST: Readonly<Record<string, Probe>> = {
  'messages[].content': { with: { messages: [said] }, without: { messages: [{ role: 'user', content: '' }] } },
  'messages[].content (system, developer; first)': { with: { messages: [{ role: 'developer', content: 'be brief' }, said] } },
  'messages[].content (system, developer; later)': {
    with: { messages: [said, { role: 'system', content: 'be brief' }] },
    models: { 'anthropic-messages': 'claude-opus-4-8' },
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
    reportedAs: 'messages[].content[].cache_control',
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
    reportedAs: 'messages[].reasoning_content',
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
  'tools[].function.strict': {
    with: { tools: [{ ...fn, function: { ...fn.function, parameters: schema, strict: true } }] },
    without: { tools: [{ ...fn, function: { ...fn.function, parameters: schema } }] },
    reportedAs: 'tools[].strict',
  },
  'tools[].custom': { with: { tools: [fn, { type: 'custom', custom: { name: 'c' } }] }, without: { tools: [fn] } },
  tool_choice: { with: { tools: [fn], tool_choice: 'required' }, without: { tools: [fn] } },
  parallel_tool_calls: {
    with: { tools: [fn], parallel_tool_calls: false },
    without: { tools: [fn] },
    reportedAs: 'tool_choice',
  },
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
  stream: { with: { stream: true }, silent: { gemini: SAID_IN_PATH, 'bedrock-converse': SAID_IN_PATH } },
  user: { with: { user: 'u1' } },
  service_tier: { with: { service_tier: 'default' }, silent: { all: 'The target has no other tier.' } },
  'service_tier (flex, priority)': { with: { service_tier: 'flex' } },
  metadata: { with: { metadata: { a: 'b' } } },
  frequency_penalty: { with: { frequency_penalty: 1 }, without: { frequency_penalty: 0 } },
  presence_penalty: { with: { presence_penalty: 1 }, without: { presence_penalty: 0 } },
  seed: { with: { seed: 1 } },
  n: { with: { n: 2 }, without: { n: 1 } },
  logprobs: { with: { logprobs: true }, without: { logprobs: false } },
  top_logprobs: { with: { top_logprobs: 2 } },
  logit_bias: { with: { logit_bias: { '1': 5 } } },
  verbosity: { with: { verbosity: 'low' } },
  prompt_cache_key: { with: { prompt_cache_key: 'k' } },
  safety_identifier: { with: { safety_identifier: 'u1' } },
  modalities: { with: { modalities: ['text', 'audio'] } },
  audio: { with: { audio: { voice: 'alloy', format: 'wav' } } },
  web_search_options: { with: { web_search_options: {} } },
  store: { with: { store: true } },
};

const NOTES: NotesByField = {
  'messages[].content (system, developer; later)': {
    'anthropic-messages':
      'In its place for models that take it there (Claude Opus 4.8 and generation 5); for older ones it joins `system`.',
  },
  'messages[].content[].text': { 'anthropic-messages': 'An empty text is left out: Anthropic refuses it.' },
  'messages[].content[].image_url': { 'anthropic-messages': 'Addresses and base64 data URIs.' },
  'messages[].content[].image_url.detail': { 'anthropic-messages': '`auto` says nothing and is not reported.' },
  'messages[].content[].file': { 'anthropic-messages': 'PDFs, plain text and images.' },
  'messages[].content[].file (upload or other type)': { 'anthropic-messages': 'A `file_id` is known to its own provider alone.' },
  'messages[].refusal': { 'anthropic-messages': 'As text.' },
  'messages[].reasoning_details': { 'anthropic-messages': 'Those that Anthropic signed; they must come back unchanged.' },
  'messages[].reasoning_content': { 'anthropic-messages': 'Without Anthropic’s signature reasoning is refused.' },
  'messages[].tool_calls': {
    'anthropic-messages':
      'Arguments that are no JSON object go under `INVALID_JSON`; other characters in ids than letters, digits, `_` and `-` become `_`.',
  },
  'messages[].tool_call_id': { 'anthropic-messages': 'Results of one round and the user’s words after them become one message.' },
  'response_format (json_schema)': { 'anthropic-messages': 'Name and description become the schema’s title and description.' },
  'response_format.json_schema.strict (false)': { 'anthropic-messages': 'Anthropic always holds the model to the schema.' },
  max_completion_tokens: {
    'anthropic-messages': 'Where neither name is sent, the gateway’s default is asked for: Anthropic demands a number.',
  },
  reasoning_effort: {
    'anthropic-messages':
      'Adaptive thinking with `output_config.effort`; on models before Claude 4.6 a budget of 1,024 to 32,000 tokens, at most half of `max_tokens`.',
  },
  'reasoning_effort (with a forced tool)': {
    'anthropic-messages':
      'Anthropic refuses thinking then. Also dropped where a budget would be below 1,024, where the model cannot think, and where a tool’s result comes back without the signed reasoning before it.',
  },
  'temperature (over 1)': {
    'anthropic-messages':
      'Anthropic’s range ends at 1. Also dropped with thinking, and for models after Claude Opus 4.6, unless it is 1. It is never clamped.',
  },
  'top_p (with temperature)': { 'anthropic-messages': 'Newer models refuse both together.' },
  'stop (white space)': { 'anthropic-messages': 'Anthropic refuses sequences of white space alone.' },
  service_tier: { 'anthropic-messages': '`default` is `standard_only`.' },
  frequency_penalty: { 'anthropic-messages': '0 says nothing and is not reported.' },
  presence_penalty: { 'anthropic-messages': '0 says nothing and is not reported.' },
  n: { 'anthropic-messages': '1 says nothing and is not reported.' },
  store: { 'anthropic-messages': 'So is any other field that is not in this table.' },
};

const message = (members: JsonObject): JsonObject => ({
  choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content: 'hi', ...members } }],
});
const choice = (members: JsonObject): JsonObject => ({
  choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content: 'hi' }, ...members }],
});
const tokens = { prompt_tokens: 5, completion_tokens: 3, total_tokens: 8 };

const ANSWER: Readonly<Record<string, Probe>> = {
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

const ANSWER_NOTES: NotesByField = {
  'choices[].message.refusal': { 'anthropic-messages': 'With `stop_reason` refusal.' },
  'choices[].message.reasoning_content': { 'anthropic-messages': 'Without a signature.' },
  'usage.prompt_tokens': { 'anthropic-messages': 'Less what was read from and written to the cache, which Anthropic counts apart.' },
};

export const openaiChatProbes: ProbeSet = {
  protocol: 'openai-chat',
  title: 'OpenAI chat completions',
  request: { base: { model: 'm', messages: [said] }, probes: REQUEST, notes: NOTES },
  answer: {
    base: { id: 'i', object: 'chat.completion', created: 1, model: 'm', ...choice({}), usage: tokens },
    probes: ANSWER,
    notes: ANSWER_NOTES,
  },
};
