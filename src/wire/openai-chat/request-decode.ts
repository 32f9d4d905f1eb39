import type { Json, JsonObject } from '../../core/json.ts';
import type { CanonicalRequest, Message, ResponseFormat, Role } from '../../canonical/request.ts';
import { ROLES } from '../../canonical/request.ts';
import { FieldFault, Fields } from '../fields.ts';
import { decodeAssistant, decodeContent } from './content-decode.ts';
import { NAMES, PROTOCOL } from './names.ts';
import { decodeReasoningSettings } from './reasoning-settings.ts';
import { decodeTools } from './tools.ts';

const isRole = (text: string): text is Role => (ROLES as readonly string[]).includes(text);

function decodeToolMessage(message: Fields): Message {
  const callId = message.requiredString('tool_call_id');
  const parts = decodeContent(message);
  return { role: 'tool', parts: [{ type: 'tool_result', callId, parts }], extensions: message.extensions(PROTOCOL) };
}

function decodeMessage(value: Json, path: string): Message {
  const message = new Fields(value, path);
  const role = message.requiredString('role');
  if (!isRole(role)) throw new FieldFault(message.at('role'), `must be one of ${ROLES.join(', ')}`);
  if (role === 'tool') return decodeToolMessage(message);
  const name = message.string('name');
  const parts = role === 'assistant' ? decodeAssistant(message) : decodeContent(message);
  if (role !== 'assistant' && message.peek('content') === undefined) message.missing('content', 'a string or a list');
  return { role, name, parts, extensions: message.extensions(PROTOCOL) };
}

/** A schema may be sent without the wrapper that OpenAI asks for (Hugging Face takes it bare); that one is left as it is. */
function decodeFormat(body: Fields): ResponseFormat | undefined {
  const format = body.fields('response_format');
  const type = format?.string('type');
  if (format === undefined || type === undefined) return undefined;
  if (type === 'text') return { type };
  if (type === 'json_object') return { type: 'json' };
  const wrapper = type === 'json_schema' ? format.fields('json_schema') : undefined;
  const schema = wrapper?.object('schema');
  if (wrapper === undefined || schema === undefined) {
    body.untake('response_format');
    return undefined;
  }
  const decoded = {
    type: 'json_schema',
    schema,
    name: wrapper.string('name'),
    description: wrapper.string('description'),
    strict: wrapper.boolean('strict'),
  } as const;
  format.within('json_schema', wrapper);
  body.within('response_format', format);
  return decoded;
}

/** `max_tokens` is the older name of the same limit. */
function decodeMaxTokens(body: Fields): number | undefined {
  const limit = body.number('max_completion_tokens');
  const older = body.number('max_tokens');
  if (older !== undefined && limit !== undefined) body.untake('max_tokens');
  return limit ?? older;
}

function decodeWords(body: Fields, name: string): readonly string[] | undefined {
  return body.array(name)?.map((text, index) => {
    if (typeof text !== 'string') throw new FieldFault(`${name}[${index}]`, 'must be a string');
    return text;
  });
}

/** A single stop sequence may come as a bare string. */
function decodeStop(body: Fields): readonly string[] | undefined {
  const stop = body.peek('stop');
  return typeof stop === 'string' ? [body.requiredString('stop')] : decodeWords(body, 'stop');
}

const decodeModalities = (body: Fields): readonly string[] | undefined => decodeWords(body, 'modalities');

function decodeIncludeUsage(body: Fields): boolean {
  const options = body.fields('stream_options');
  const include = options?.boolean('include_usage');
  if (options !== undefined) body.within('stream_options', options);
  return include ?? false;
}

export function decodeRequest(value: JsonObject): CanonicalRequest {
  const body = new Fields(value, '');
  const request = {
    source: PROTOCOL,
    names: NAMES,
    model: body.string('model') ?? '',
    stream: body.boolean('stream') ?? false,
    includeUsage: decodeIncludeUsage(body),
    messages: body.requiredArray('messages').map((message, index) => decodeMessage(message, `messages[${index}]`)),
    ...decodeTools(body),
    parallelToolCalls: body.boolean('parallel_tool_calls'),
    responseFormat: decodeFormat(body),
    reasoning: decodeReasoningSettings(body),
    maxOutputTokens: decodeMaxTokens(body),
    ...decodeSampling(body),
    user: body.string('user'),
    metadata: body.object('metadata'),
    verbosity: body.string('verbosity'),
    promptCacheKey: body.string('prompt_cache_key'),
    safetyIdentifier: body.string('safety_identifier'),
    modalities: decodeModalities(body),
    serviceTier: body.string('service_tier'),
  } as const;
  return { ...request, extensions: body.extensions(PROTOCOL) };
}

const decodeSampling = (body: Fields) => ({
  temperature: body.number('temperature'),
  topP: body.number('top_p'),
  topK: body.number('top_k'),
  frequencyPenalty: body.number('frequency_penalty'),
  presencePenalty: body.number('presence_penalty'),
  seed: body.number('seed'),
  stop: decodeStop(body),
  candidates: body.number('n'),
  logprobs: body.boolean('logprobs'),
  topLogprobs: body.number('top_logprobs'),
  logitBias: body.object('logit_bias'),
});
