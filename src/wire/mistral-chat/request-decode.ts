import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts';
import type { CanonicalRequest, Message, Reasoning, ResponseFormat, Tool, ToolChoice } from '../../canonical/request.ts';
import { FieldFault, Fields } from '../fields.ts';
import { decodeAssistant, decodeContent } from './content-decode.ts';
import { NAMES, PROTOCOL } from './names.ts';

function decodeToolMessage(message: Fields): Message {
  const callId = message.string('tool_call_id') ?? '';
  const parts = decodeContent(message);
  // The tool's name says nothing that the call's id does not.
  message.respell('name');
  message.value('name');
  return { role: 'tool', parts: [{ type: 'tool_result', callId, parts }], extensions: message.extensions(PROTOCOL) };
}

function decodeMessage(value: Json, path: string): Message {
  const message = new Fields(value, path);
  const role = message.requiredString('role');
  switch (role) {
    case 'tool':
      return decodeToolMessage(message);
    case 'assistant': {
      const parts = decodeAssistant(message);
      if (message.peek('prefix') === false) message.value('prefix');
      message.respell('prefix');
      return { role, parts, extensions: message.extensions(PROTOCOL) };
    }
    case 'system':
    case 'user': {
      const parts = decodeContent(message);
      return { role, parts, extensions: message.extensions(PROTOCOL) };
    }
    default:
      throw new FieldFault(message.at('role'), 'must be one of system, user, assistant, tool');
  }
}

function decodeTool(value: Json, path: string): Tool {
  const tool = new Fields(value, path);
  const type = tool.string('type') ?? 'function';
  if (type !== 'function') return { type: 'other', protocol: PROTOCOL, value: value as JsonObject };
  const inner = tool.fields('function') ?? tool.missing('function', 'an object');
  const name = inner.requiredString('name');
  const description = inner.string('description');
  const parameters = inner.object('parameters');
  const strict = inner.boolean('strict');
  tool.within('function', inner);
  return { type: 'function', name, description, parameters, strict, extensions: tool.extensions(PROTOCOL) };
}

/** `any` is Mistral's own word for OpenAI's `required`, which it takes too. */
function decodeToolChoice(body: Fields): ToolChoice | undefined {
  const choice = body.value('tool_choice');
  if (choice === undefined) return undefined;
  if (choice === 'auto' || choice === 'none') return { type: choice };
  if (choice === 'required') body.respell('tool_choice');
  if (choice === 'any' || choice === 'required') return { type: 'required' };
  if (!isJsonObject(choice)) throw new FieldFault('tool_choice', 'must be auto, none, any, required or an object');
  const holder = new Fields(choice, 'tool_choice');
  holder.string('type');
  const named = holder.fields('function')?.string('name');
  if (named === undefined) return { type: 'other', protocol: PROTOCOL, value: choice };
  if (choice['type'] === undefined) body.respell('tool_choice');
  return { type: 'tool', name: named };
}

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
  const name = wrapper.string('name');
  const description = wrapper.string('description');
  const strict = wrapper.boolean('strict');
  format.within('json_schema', wrapper);
  body.within('response_format', format);
  return { type: 'json_schema', schema, name, description, strict };
}

function decodeReasoning(body: Fields): Reasoning | undefined {
  const effort = body.string('reasoning_effort');
  if (effort === undefined) return undefined;
  return effort === 'none' ? { mode: 'off' } : { effort };
}

function decodeStop(body: Fields): readonly string[] | undefined {
  const stop = body.value('stop');
  if (stop === undefined || typeof stop === 'string') return stop === undefined ? undefined : [stop];
  return (body.array('stop') ?? []).map((text, index) => {
    if (typeof text !== 'string') throw new FieldFault(`stop[${index}]`, 'must be a string');
    return text;
  });
}

/** `safe_prompt`, `prompt_mode`, `prediction` and `guardrails` are Mistral's own and stay in the extension. */
export function decodeRequest(value: JsonObject): CanonicalRequest {
  const body = new Fields(value, '');
  const request = {
    source: PROTOCOL,
    names: NAMES,
    model: body.string('model') ?? '',
    stream: body.boolean('stream') ?? false,
    includeUsage: true,
    messages: body.requiredArray('messages').map((message, index) => decodeMessage(message, `messages[${index}]`)),
    tools: body.array('tools')?.map((tool, index) => decodeTool(tool, `tools[${index}]`)),
    toolChoice: decodeToolChoice(body),
    parallelToolCalls: body.boolean('parallel_tool_calls'),
    responseFormat: decodeFormat(body),
    reasoning: decodeReasoning(body),
    maxOutputTokens: body.number('max_tokens'),
    temperature: body.number('temperature'),
    topP: body.number('top_p'),
    frequencyPenalty: body.number('frequency_penalty'),
    presencePenalty: body.number('presence_penalty'),
    seed: body.number('random_seed'),
    stop: decodeStop(body),
    candidates: body.number('n'),
    metadata: body.object('metadata'),
    promptCacheKey: body.string('prompt_cache_key'),
  } as const;
  return { ...request, extensions: body.extensions(PROTOCOL) };
}
