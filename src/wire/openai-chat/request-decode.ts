import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts';
import type { CanonicalRequest, Message, Reasoning, ResponseFormat, Role, Tool, ToolChoice } from '../../canonical/request.ts';
import { ROLES } from '../../canonical/request.ts';
import { FieldFault, Fields } from '../fields.ts';
import { decodeAssistant, decodeContent } from './content-decode.ts';
import { NAMES, PROTOCOL } from './names.ts';

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

function decodeTool(value: Json, path: string): Tool {
  const tool = new Fields(value, path);
  if (tool.requiredString('type') !== 'function') return { type: 'other', protocol: PROTOCOL, value: value as JsonObject };
  const inner = tool.fields('function') ?? tool.missing('function', 'an object');
  const name = inner.requiredString('name');
  const description = inner.string('description');
  const parameters = inner.object('parameters');
  const strict = inner.boolean('strict');
  tool.within('function', inner);
  tool.respell('cache_control');
  const control = tool.peek('cache_control');
  return {
    type: 'function',
    name,
    description,
    parameters,
    strict,
    cache: isJsonObject(control) ? {} : undefined,
    extensions: tool.extensions(PROTOCOL),
  };
}

function decodeToolChoice(body: Fields): ToolChoice | undefined {
  const choice = body.value('tool_choice');
  if (choice === undefined || choice === 'auto' || choice === 'none' || choice === 'required')
    return choice === undefined ? undefined : { type: choice };
  if (!isJsonObject(choice)) throw new FieldFault('tool_choice', 'must be auto, none, required or an object');
  if (choice['type'] !== 'function') return { type: 'other', protocol: PROTOCOL, value: choice };
  return { type: 'tool', name: new Fields(choice['function'], 'tool_choice.function').requiredString('name') };
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

function decodeReasoningEffort(body: Fields): Reasoning | undefined {
  const effort = body.string('reasoning_effort');
  if (effort === undefined) return undefined;
  return effort === 'none' ? { mode: 'off' } : { effort };
}

/** `max_tokens` is the older name of the same limit. */
function decodeMaxTokens(body: Fields): number | undefined {
  const limit = body.number('max_completion_tokens');
  const older = body.number('max_tokens');
  if (older !== undefined && limit !== undefined) body.untake('max_tokens');
  return limit ?? older;
}

/** A single stop sequence may come as a bare string. */
function decodeStop(body: Fields): readonly string[] | undefined {
  const stop = body.value('stop');
  if (stop === undefined || typeof stop === 'string') return stop === undefined ? undefined : [stop];
  return (body.array('stop') ?? []).map((text, index) => {
    if (typeof text !== 'string') throw new FieldFault(`stop[${index}]`, 'must be a string');
    return text;
  });
}

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
    tools: body.array('tools')?.map((tool, index) => decodeTool(tool, `tools[${index}]`)),
    toolChoice: decodeToolChoice(body),
    parallelToolCalls: body.boolean('parallel_tool_calls'),
    responseFormat: decodeFormat(body),
    reasoning: decodeReasoningEffort(body),
    maxOutputTokens: decodeMaxTokens(body),
    ...decodeSampling(body),
    user: body.string('user'),
    metadata: body.object('metadata'),
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
