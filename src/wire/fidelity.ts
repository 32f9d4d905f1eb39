/**
 * What becomes of each field between two protocols, as data: the reference page is made from it and a test holds it to what the codecs do.
 * `kept` means the same thing there, `mapped` the nearest there is, `dropped` is left out (and, in a request, named in `x-bulkhead-dropped`).
 */
import type { WireProtocolId } from './protocol.ts';

type Fate = 'kept' | 'mapped' | 'dropped';

export interface FidelityRow {
  readonly side: 'request' | 'answer';
  readonly from: WireProtocolId;
  readonly to: WireProtocolId;
  /** Path in the protocol it comes from, `[]` for any index; what follows in brackets is a condition. */
  readonly field: string;
  readonly fate: Fate;
  /** Path in the protocol it goes to; absent where it is dropped. */
  readonly as?: string;
  readonly note?: string;
}

type Short = readonly [field: string, fate: Fate, as?: string | undefined, note?: string | undefined];

const rows = (side: FidelityRow['side'], from: WireProtocolId, to: WireProtocolId, list: readonly Short[]): readonly FidelityRow[] =>
  list.map(([field, fate, as, note]) => ({
    side,
    from,
    to,
    field,
    fate,
    ...(as === undefined ? {} : { as }),
    ...(note === undefined ? {} : { note }),
  }));

const OPENAI_TO_ANTHROPIC: readonly Short[] = [
  ['messages[].content', 'kept', 'messages[].content'],
  ['messages[].content (system, developer; first)', 'kept', 'system'],
  [
    'messages[].content (system, developer; later)',
    'kept',
    'messages[].content',
    'In its place for models that take it there (Claude Opus 4.8 and generation 5); for older ones it joins `system`.',
  ],
  ['messages[].content[].text', 'kept', 'messages[].content[].text', 'An empty text is left out: Anthropic refuses it.'],
  ['messages[].content[].image_url', 'kept', 'messages[].content[].source', 'Addresses and base64 data URIs.'],
  ['messages[].content[].image_url.detail', 'dropped', undefined, '`auto` says nothing and is not reported.'],
  ['messages[].content[].file', 'kept', 'messages[].content[].source', 'PDFs, plain text and images.'],
  ['messages[].content[].file (upload or other type)', 'dropped', undefined, 'A `file_id` is known to its own provider alone.'],
  ['messages[].content[].input_audio', 'dropped'],
  ['messages[].content[].cache_control', 'kept', 'messages[].content[].cache_control'],
  ['messages[].content[].prompt_cache_breakpoint', 'mapped', 'messages[].content[].cache_control'],
  ['messages[].name', 'dropped'],
  ['messages[].refusal', 'mapped', 'messages[].content', 'As text.'],
  ['messages[].reasoning_details', 'kept', 'messages[].content[].signature', 'Those that Anthropic signed; they must come back unchanged.'],
  ['messages[].reasoning_content', 'dropped', undefined, 'Without Anthropic’s signature reasoning is refused.'],
  [
    'messages[].tool_calls',
    'kept',
    'messages[].content[].input',
    'Arguments that are no JSON object go under `INVALID_JSON`; other characters in ids than letters, digits, `_` and `-` become `_`.',
  ],
  [
    'messages[].tool_call_id',
    'kept',
    'messages[].content[].tool_use_id',
    'Results of one round and the user’s words after them become one message.',
  ],
  ['tools[].function', 'kept', 'tools[].input_schema'],
  ['tools[].function.strict', 'kept', 'tools[].strict'],
  ['tools[].custom', 'dropped'],
  ['tool_choice', 'kept', 'tool_choice'],
  ['parallel_tool_calls', 'kept', 'tool_choice.disable_parallel_tool_use'],
  ['response_format (json_schema)', 'kept', 'output_config.format', 'Name and description become the schema’s title and description.'],
  ['response_format (json_object)', 'dropped'],
  ['response_format.json_schema.strict (false)', 'dropped', undefined, 'Anthropic always holds the model to the schema.'],
  [
    'max_completion_tokens',
    'kept',
    'max_tokens',
    'Where neither name is sent, the gateway’s default is asked for: Anthropic demands a number.',
  ],
  ['max_tokens', 'kept', 'max_tokens'],
  [
    'reasoning_effort',
    'mapped',
    'thinking',
    'Adaptive thinking with `output_config.effort`; on models before Claude 4.6 a budget of 1,024 to 32,000 tokens, at most half of `max_tokens`.',
  ],
  [
    'reasoning_effort (with a forced tool)',
    'dropped',
    undefined,
    'Anthropic refuses thinking then. Also dropped where a budget would be below 1,024, where the model cannot think, and where a tool’s result comes back without the signed reasoning before it.',
  ],
  ['temperature', 'kept', 'temperature'],
  [
    'temperature (over 1)',
    'dropped',
    undefined,
    'Anthropic’s range ends at 1. Also dropped with thinking, and for models after Claude Opus 4.6, unless it is 1. It is never clamped.',
  ],
  ['top_p', 'kept', 'top_p'],
  ['top_p (with temperature)', 'dropped', undefined, 'Newer models refuse both together.'],
  ['top_k', 'kept', 'top_k'],
  ['stop', 'kept', 'stop_sequences'],
  ['stop (white space)', 'dropped', undefined, 'Anthropic refuses sequences of white space alone.'],
  ['stream', 'kept', 'stream'],
  ['user', 'kept', 'metadata.user_id'],
  ['service_tier', 'kept', 'service_tier', '`default` is `standard_only`.'],
  ['service_tier (flex, priority)', 'dropped'],
  ['metadata', 'dropped'],
  ['frequency_penalty', 'dropped', undefined, '0 says nothing and is not reported.'],
  ['presence_penalty', 'dropped', undefined, '0 says nothing and is not reported.'],
  ['seed', 'dropped'],
  ['n', 'dropped', undefined, '1 says nothing and is not reported.'],
  ['logprobs', 'dropped'],
  ['top_logprobs', 'dropped'],
  ['logit_bias', 'dropped'],
  ['store', 'dropped', undefined, 'So is any other field that is not in this table.'],
];

const ANTHROPIC_TO_OPENAI: readonly Short[] = [
  ['system', 'kept', 'messages[].content'],
  ['messages[].content', 'kept', 'messages[].content'],
  ['messages[].content[].image', 'kept', 'messages[].content[].image_url'],
  ['messages[].content[].image (upload)', 'dropped', undefined, 'A `file_id` is known to its own provider alone.'],
  ['messages[].content[].document', 'kept', 'messages[].content[].file', 'Base64 and plain text.'],
  ['messages[].content[].document (address or upload)', 'dropped'],
  ['messages[].content[].cache_control', 'dropped', undefined, 'OpenAI caches by itself.'],
  ['messages[].content[].thinking', 'dropped', undefined, 'Signed reasoning is worth nothing to another vendor.'],
  ['messages[].content[].thinking (unsigned)', 'kept', 'messages[].reasoning_content'],
  ['messages[].content[].tool_use', 'kept', 'messages[].tool_calls'],
  ['messages[].content[].tool_result', 'kept', 'messages[].tool_call_id'],
  [
    'messages[].content[].tool_result (image)',
    'mapped',
    'messages[].content[].image_url',
    'Images and files of a result follow in a user message.',
  ],
  ['messages[].content[].is_error', 'dropped'],
  ['messages[].content[].server_tool_use', 'dropped', undefined, 'So are all blocks that only Anthropic has.'],
  ['tools[].input_schema', 'kept', 'tools[].function'],
  ['tools[].strict', 'kept', 'tools[].function.strict'],
  ['tools[].web_search_20250305', 'dropped', undefined, 'So are all tools that Anthropic runs.'],
  ['tool_choice', 'kept', 'tool_choice'],
  ['tool_choice.disable_parallel_tool_use', 'kept', 'parallel_tool_calls'],
  ['output_config.format', 'kept', 'response_format', '`strict` where the schema allows it.'],
  ['output_config.effort', 'kept', 'reasoning_effort'],
  ['thinking (disabled)', 'kept', 'reasoning_effort'],
  ['thinking (enabled)', 'mapped', 'reasoning_effort', 'Up to 2,048 tokens low, up to 8,192 medium, above high.'],
  ['max_tokens', 'kept', 'max_completion_tokens'],
  ['temperature', 'kept', 'temperature'],
  ['top_p', 'kept', 'top_p'],
  ['top_k', 'dropped'],
  ['stop_sequences', 'kept', 'stop'],
  ['stop_sequences (more than 4)', 'dropped', undefined, 'OpenAI takes four: the first four are sent.'],
  ['stream', 'kept', 'stream'],
  ['metadata.user_id', 'kept', 'user'],
  ['service_tier', 'kept', 'service_tier', '`standard_only` is `default`.'],
  ['container', 'dropped', undefined, 'So is any other field that is not in this table.'],
];

const OPENAI_ANSWER: readonly Short[] = [
  ['choices[].message.content', 'kept', 'content[].text'],
  ['choices[].message.refusal', 'mapped', 'content[].text', 'With `stop_reason` refusal.'],
  ['choices[].message.reasoning_content', 'kept', 'content[].thinking', 'Without a signature.'],
  ['choices[].message.tool_calls', 'kept', 'content[].input'],
  ['choices[].message.annotations', 'dropped'],
  ['choices[].message.audio', 'dropped'],
  ['choices[].finish_reason', 'mapped', 'stop_reason'],
  ['choices[].logprobs', 'dropped'],
  ['choices[] (after the first)', 'dropped'],
  ['usage.prompt_tokens', 'kept', 'usage.input_tokens', 'Less what was read from and written to the cache, which Anthropic counts apart.'],
  ['usage.prompt_tokens_details.cached_tokens', 'kept', 'usage.cache_read_input_tokens'],
  ['usage.completion_tokens', 'kept', 'usage.output_tokens'],
  ['system_fingerprint', 'dropped'],
];

const ANTHROPIC_ANSWER: readonly Short[] = [
  ['content[].text', 'kept', 'choices[].message.content', 'Several texts are joined.'],
  [
    'content[].citations',
    'mapped',
    'choices[].message.annotations',
    'Those of web pages; places in the client’s own documents are dropped.',
  ],
  ['content[].thinking', 'kept', 'choices[].message.reasoning_content'],
  ['content[].signature', 'kept', 'choices[].message.reasoning_details', 'To be sent back unchanged in the next turn.'],
  ['content[].redacted_thinking', 'kept', 'choices[].message.reasoning_details'],
  ['content[].tool_use', 'kept', 'choices[].message.tool_calls'],
  ['content[].server_tool_use', 'dropped', undefined, 'With its result; so are all blocks that only Anthropic has.'],
  [
    'stop_reason',
    'mapped',
    'choices[].finish_reason',
    '`refusal` is content_filter; `pause_turn` and `stop_sequence` are stop; a full context window is length.',
  ],
  ['stop_sequence', 'dropped'],
  ['usage.input_tokens', 'kept', 'usage.prompt_tokens', 'With what was read from and written to the cache.'],
  ['usage.cache_read_input_tokens', 'kept', 'usage.prompt_tokens_details.cached_tokens'],
  ['usage.cache_creation_input_tokens', 'kept', 'usage.prompt_tokens_details.cache_write_tokens'],
  ['usage.output_tokens', 'kept', 'usage.completion_tokens'],
  ['usage.output_tokens_details.thinking_tokens', 'kept', 'usage.completion_tokens_details.reasoning_tokens'],
  ['usage.service_tier', 'kept', 'service_tier'],
  ['container', 'dropped'],
];

export const FIDELITY: readonly FidelityRow[] = [
  ...rows('request', 'openai-chat', 'anthropic-messages', OPENAI_TO_ANTHROPIC),
  ...rows('request', 'anthropic-messages', 'openai-chat', ANTHROPIC_TO_OPENAI),
  ...rows('answer', 'openai-chat', 'anthropic-messages', OPENAI_ANSWER),
  ...rows('answer', 'anthropic-messages', 'openai-chat', ANTHROPIC_ANSWER),
];
