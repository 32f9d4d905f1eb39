import type { Json, JsonObject } from '../../core/json.ts';
import type { CanonicalRequest, Message, Reasoning, ResponseFormat, Tool, ToolChoice } from '../../canonical/request.ts';
import { FieldFault, Fields } from '../fields.ts';
import { decodeCache, decodeContent } from './content-decode.ts';
import { NAMES, PROTOCOL } from './names.ts';
import { isNote } from './notes.ts';

const ROLES = ['user', 'assistant', 'system'] as const;

function decodeMessage(value: Json, path: string): Message {
  const message = new Fields(value, path);
  const word = message.requiredString('role');
  const role = ROLES.find((known) => known === word);
  if (role === undefined) throw new FieldFault(message.at('role'), `must be one of ${ROLES.join(', ')}`);
  if (message.peek('content') === undefined) message.missing('content', 'a string or a list');
  const content = decodeContent(message, 'content');
  const parts = role === 'assistant' ? content.filter((part) => part.type !== 'text' || !isNote(part.text)) : content;
  return { role, parts, extensions: message.extensions(PROTOCOL) };
}

/** The top-level `system` is a first message; one without a word is none. */
function decodeSystem(body: Fields): readonly Message[] {
  const parts = decodeContent(body, 'system');
  if (parts.length === 0) body.respell('system');
  return parts.length === 0 ? [] : [{ role: 'system', parts }];
}

/** Without a `type`, or with `custom`, a tool is the client's own; any other is run by Anthropic. */
function decodeTool(value: Json, path: string): Tool {
  const tool = new Fields(value, path);
  const type = tool.peek('type');
  if (type !== undefined && type !== 'custom') return { type: 'other', protocol: PROTOCOL, value: value as JsonObject };
  tool.value('type');
  tool.respell('type');
  const name = tool.requiredString('name');
  const description = tool.string('description');
  const parameters = tool.object('input_schema');
  const strict = tool.boolean('strict');
  const cache = decodeCache(tool);
  return { type: 'function', name, description, parameters, strict, cache, extensions: tool.extensions(PROTOCOL) };
}

function decodeToolChoice(choice: Fields | undefined): ToolChoice | undefined {
  if (choice === undefined) return undefined;
  const type = choice.requiredString('type');
  switch (type) {
    case 'auto':
    case 'none':
      return { type };
    case 'any':
      return { type: 'required' };
    case 'tool':
      return { type: 'tool', name: choice.requiredString('name') };
    default:
      throw new FieldFault('tool_choice.type', 'must be auto, any, tool or none');
  }
}

/** Whether the reasoning is shown, in OpenAI's words. */
function decodeDisplay(thinking: Fields | undefined): string | undefined {
  const display = thinking?.peek('display');
  if (display !== 'summarized' && display !== 'omitted') return undefined;
  thinking?.value('display');
  return display === 'omitted' ? 'none' : 'auto';
}

/** How to think (`thinking`) and how hard to try (`output_config.effort`) are two fields here. */
function decodeReasoning(body: Fields, output: Fields | undefined): Reasoning | undefined {
  const effort = output?.string('effort');
  const thinking = body.fields('thinking');
  const type = thinking?.string('type');
  const budget = thinking?.number('budget_tokens');
  const summary = type === 'enabled' || type === 'adaptive' ? decodeDisplay(thinking) : undefined;
  if (thinking !== undefined) body.within('thinking', thinking);
  switch (type) {
    case 'enabled':
      return { mode: 'budget', budget, effort, summary };
    case 'disabled':
      return { mode: 'off', effort };
    case 'adaptive':
      return { mode: 'auto', effort, summary };
    default:
      if (type !== undefined) body.untake('thinking');
      return effort === undefined ? undefined : { effort };
  }
}

/** `output_format` is the older, beta name of `output_config.format`. */
function decodeFormat(body: Fields, output: Fields | undefined): ResponseFormat | undefined {
  const holder = output?.peek('format') === undefined ? body : output;
  const name = holder === body ? 'output_format' : 'format';
  const format = holder.fields(name);
  const schema = format?.object('schema');
  if (format === undefined || schema === undefined || format.string('type') !== 'json_schema') {
    holder.untake(name);
    return undefined;
  }
  if (holder === body) body.respell(name);
  holder.within(name, format);
  return { type: 'json_schema', schema };
}

function decodeStop(body: Fields): readonly string[] | undefined {
  return body.array('stop_sequences')?.map((text, index) => {
    if (typeof text !== 'string') throw new FieldFault(`stop_sequences[${index}]`, 'must be a string');
    return text;
  });
}

function decodeUser(body: Fields): string | undefined {
  const metadata = body.fields('metadata');
  const user = metadata?.string('user_id');
  if (metadata !== undefined) body.within('metadata', metadata);
  return user;
}

/** OpenAI calls the standard tier `default`. */
function decodeServiceTier(body: Fields): string | undefined {
  const tier = body.string('service_tier');
  return tier === 'standard_only' ? 'default' : tier;
}

export function decodeRequest(value: JsonObject): CanonicalRequest {
  const request = decodeConversation(value);
  if (request.maxOutputTokens === undefined) throw new FieldFault('max_tokens', 'must be a number, but is missing');
  return request;
}

/** A request that need not say how long its answer may be, since it asks for none but its own size. */
export function decodeConversation(value: JsonObject): CanonicalRequest {
  const body = new Fields(value, '');
  const output = body.fields('output_config');
  const choice = body.fields('tool_choice');
  const toolChoice = decodeToolChoice(choice);
  const noParallel = choice?.boolean('disable_parallel_tool_use');
  const request = {
    source: PROTOCOL,
    names: NAMES,
    model: body.string('model') ?? '',
    stream: body.boolean('stream') ?? false,
    includeUsage: true,
    messages: [
      ...decodeSystem(body),
      ...body.requiredArray('messages').map((message, index) => decodeMessage(message, `messages[${index}]`)),
    ],
    tools: body.array('tools')?.map((tool, index) => decodeTool(tool, `tools[${index}]`)),
    toolChoice,
    parallelToolCalls: noParallel === undefined ? undefined : !noParallel,
    responseFormat: decodeFormat(body, output),
    reasoning: decodeReasoning(body, output),
    maxOutputTokens: body.number('max_tokens'),
    temperature: body.number('temperature'),
    topP: body.number('top_p'),
    topK: body.number('top_k'),
    stop: decodeStop(body),
    user: decodeUser(body),
    serviceTier: decodeServiceTier(body),
  };
  if (choice !== undefined) body.within('tool_choice', choice);
  if (output !== undefined) body.within('output_config', output);
  return { ...request, extensions: body.extensions(PROTOCOL) };
}
