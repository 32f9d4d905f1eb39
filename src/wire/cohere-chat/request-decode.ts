import type { Json, JsonObject } from '../../core/json.ts';
import type { CanonicalRequest, Message, Reasoning, ResponseFormat, Tool, ToolChoice } from '../../canonical/request.ts';
import { FieldFault, Fields } from '../fields.ts';
import { decodeAssistant, decodeContent } from './content-decode.ts';
import { NAMES, PROTOCOL } from './names.ts';

function decodeMessage(value: Json, path: string): Message {
  const message = new Fields(value, path);
  const role = message.requiredString('role');
  switch (role) {
    case 'system':
    case 'user': {
      const parts = decodeContent(message);
      return { role, parts, extensions: message.extensions(PROTOCOL) };
    }
    case 'assistant': {
      const parts = decodeAssistant(message);
      return { role, parts, extensions: message.extensions(PROTOCOL) };
    }
    case 'tool': {
      const callId = message.requiredString('tool_call_id');
      const parts = decodeContent(message);
      return { role, parts: [{ type: 'tool_result', callId, parts }], extensions: message.extensions(PROTOCOL) };
    }
    default:
      throw new FieldFault(message.at('role'), 'must be one of system, user, assistant, tool');
  }
}

function decodeTool(value: Json, path: string, strict: true | undefined): Tool {
  const tool = new Fields(value, path);
  if (tool.requiredString('type') !== 'function') return { type: 'other', protocol: PROTOCOL, value: value as JsonObject };
  const inner = tool.fields('function') ?? tool.missing('function', 'an object');
  const name = inner.requiredString('name');
  const description = inner.string('description');
  const parameters = inner.object('parameters');
  tool.within('function', inner);
  return { type: 'function', name, description, parameters, strict, extensions: tool.extensions(PROTOCOL) };
}

/** `strict_tools` holds for all of them. */
function decodeTools(body: Fields): readonly Tool[] | undefined {
  const tools = body.array('tools');
  const isStrict = body.boolean('strict_tools') === true;
  if (!isStrict || tools === undefined || tools.length === 0) body.respell('strict_tools');
  return tools?.map((tool, index) => decodeTool(tool, `tools[${index}]`, isStrict ? true : undefined));
}

/** Older clients write it in small letters, and Cohere takes that. */
function decodeToolChoice(body: Fields): ToolChoice | undefined {
  const choice = body.string('tool_choice');
  if (choice === undefined) return undefined;
  const type = choice.toLowerCase();
  if (type !== 'required' && type !== 'none') {
    body.untake('tool_choice');
    return undefined;
  }
  if (choice !== choice.toUpperCase()) body.respell('tool_choice');
  return { type };
}

/** The schema was called `schema` before it was called `json_schema`. */
function decodeFormat(body: Fields): ResponseFormat | undefined {
  const format = body.fields('response_format');
  const type = format?.string('type');
  if (format === undefined || type === undefined) return undefined;
  if (type === 'text') return { type };
  if (type !== 'json_object') {
    body.untake('response_format');
    return undefined;
  }
  const schema = format.object('json_schema') ?? format.object('schema');
  if (format.peek('json_schema') === undefined && schema !== undefined) body.respell('response_format');
  body.within('response_format', format);
  return schema === undefined ? { type: 'json' } : { type: 'json_schema', schema };
}

function decodeReasoning(body: Fields): Reasoning | undefined {
  const thinking = body.fields('thinking');
  if (thinking === undefined) return undefined;
  const type = thinking.string('type');
  const budget = thinking.number('token_budget');
  body.within('thinking', thinking);
  if (type === 'disabled') {
    if (budget !== undefined) body.respell('thinking');
    return { mode: 'off' };
  }
  if (type !== 'enabled') body.respell('thinking');
  return budget === undefined ? { mode: 'auto' } : { mode: 'budget', budget };
}

function decodeStop(body: Fields): readonly string[] | undefined {
  return body.array('stop_sequences')?.map((text, index) => {
    if (typeof text !== 'string') throw new FieldFault(`stop_sequences[${index}]`, 'must be a string');
    return text;
  });
}

/** `documents`, `citation_options`, `safety_mode` and `priority` are Cohere's own and stay in the extension. */
export function decodeRequest(value: JsonObject): CanonicalRequest {
  const body = new Fields(value, '');
  const request = {
    source: PROTOCOL,
    names: NAMES,
    model: body.string('model') ?? '',
    stream: body.boolean('stream') ?? false,
    includeUsage: true,
    messages: body.requiredArray('messages').map((message, index) => decodeMessage(message, `messages[${index}]`)),
    tools: decodeTools(body),
    toolChoice: decodeToolChoice(body),
    responseFormat: decodeFormat(body),
    reasoning: decodeReasoning(body),
    maxOutputTokens: body.number('max_tokens'),
    temperature: body.number('temperature'),
    topP: body.number('p'),
    topK: body.number('k'),
    frequencyPenalty: body.number('frequency_penalty'),
    presencePenalty: body.number('presence_penalty'),
    seed: body.number('seed'),
    stop: decodeStop(body),
    logprobs: body.boolean('logprobs'),
  } as const;
  return { ...request, extensions: body.extensions(PROTOCOL) };
}
