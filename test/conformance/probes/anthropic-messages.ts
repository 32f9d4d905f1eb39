import type { Json, JsonObject } from '../../../src/core/json.ts';
import type { NotesByField, Probe, ProbeSet } from './probe.ts';

/** What a client of Anthropic's Messages can say, and what Anthropic can answer. */

const user = (...content: readonly Json[]): JsonObject => ({ messages: [{ role: 'user', content }] });
const hi = { type: 'text', text: 'hi' };
const said = { role: 'user', content: 'hi' };
const schema = { type: 'object', properties: {}, required: [], additionalProperties: false };
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

const SAID_IN_PATH = 'The path says it.';

const REQUEST: Readonly<Record<string, Probe>> = {
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
    reportedAs: 'tool_choice',
  },
  'output_config.format': { with: { output_config: { format: { type: 'json_schema', schema } } } },
  'output_config.effort': { with: { output_config: { effort: 'high' } }, reportedAs: 'thinking' },
  'thinking (disabled)': {
    with: { thinking: { type: 'disabled' } },
    silent: { all: 'The target’s model does not think unless it is asked to.' },
  },
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
  stream: { with: { stream: true }, silent: { gemini: SAID_IN_PATH, 'bedrock-converse': SAID_IN_PATH } },
  'metadata.user_id': { with: { metadata: { user_id: 'u1' } } },
  service_tier: { with: { service_tier: 'standard_only' }, silent: { all: 'The target has no other tier.' } },
  container: { with: { container: 'c1' } },
};

const NOTES: NotesByField = {
  'messages[].content[].image (upload)': { 'openai-chat': 'A `file_id` is known to its own provider alone.' },
  'messages[].content[].document': { 'openai-chat': 'Base64 and plain text.' },
  'messages[].content[].cache_control': { 'openai-chat': 'OpenAI caches by itself.' },
  'messages[].content[].thinking': { 'openai-chat': 'Signed reasoning is worth nothing to another vendor.' },
  'messages[].content[].tool_result (image)': { 'openai-chat': 'Images and files of a result follow in a user message.' },
  'messages[].content[].server_tool_use': { 'openai-chat': 'So are all blocks that only Anthropic has.' },
  'tools[].web_search_20250305': { 'openai-chat': 'So are all tools that Anthropic runs.' },
  'output_config.format': { 'openai-chat': '`strict` where the schema allows it.' },
  'thinking (enabled)': { 'openai-chat': 'Up to 2,048 tokens low, up to 8,192 medium, above high.' },
  'stop_sequences (more than 4)': { 'openai-chat': 'OpenAI takes four: the first four are sent.' },
  service_tier: { 'openai-chat': '`standard_only` is `default`.' },
  container: { 'openai-chat': 'So is any other field that is not in this table.' },
};

const answer = (...content: readonly Json[]): JsonObject => ({ content });
const counts = { input_tokens: 5, output_tokens: 3 };
const webPlace = { type: 'web_search_result_location', url: 'https://a.example', title: 'a', cited_text: 'a', encrypted_index: 'e' };

const ANSWER: Readonly<Record<string, Probe>> = {
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

const ANSWER_NOTES: NotesByField = {
  'content[].text': { 'openai-chat': 'Several texts are joined.' },
  'content[].citations': { 'openai-chat': 'Those of web pages; places in the client’s own documents are dropped.' },
  'content[].signature': { 'openai-chat': 'To be sent back unchanged in the next turn.' },
  'content[].server_tool_use': { 'openai-chat': 'With its result; so are all blocks that only Anthropic has.' },
  stop_reason: {
    'openai-chat': '`refusal` is content_filter; `pause_turn` and `stop_sequence` are stop; a full context window is length.',
  },
  'usage.input_tokens': { 'openai-chat': 'With what was read from and written to the cache.' },
};

export const anthropicMessagesProbes: ProbeSet = {
  protocol: 'anthropic-messages',
  title: 'Anthropic Messages',
  request: { base: { model: 'm', max_tokens: 4096, messages: [said] }, probes: REQUEST, notes: NOTES },
  answer: {
    base: {
      id: 'i',
      type: 'message',
      role: 'assistant',
      model: 'm',
      content: [hi],
      stop_reason: 'end_turn',
      stop_sequence: null,
      usage: counts,
    },
    probes: ANSWER,
    notes: ANSWER_NOTES,
  },
};
