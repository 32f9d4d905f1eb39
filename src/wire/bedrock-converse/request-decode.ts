import type { Json, JsonObject } from '../../core/json.ts';
import type { CanonicalRequest, Message, Reasoning, ResponseFormat } from '../../canonical/request.ts';
import { FieldFault, Fields } from '../fields.ts';
import { parseData } from '../openai-chat/pass-through.ts';
import { decodeBlocks } from './content-decode.ts';
import { NAMES, PROTOCOL } from './names.ts';
import { decodeToolChoice, decodeTools } from './tools.ts';

const ROLES = ['user', 'assistant', 'system'] as const;

function decodeMessage(value: Json, path: string): Message {
  const message = new Fields(value, path);
  const word = message.requiredString('role');
  const role = ROLES.find((known) => known === word);
  if (role === undefined) throw new FieldFault(message.at('role'), `must be one of ${ROLES.join(', ')}`);
  const parts = decodeBlocks(message.requiredArray('content'), message.at('content'));
  return { role, parts, extensions: message.extensions(PROTOCOL) };
}

/** A prompt of Bedrock's prompt management brings messages of its own. */
function decodeMessages(body: Fields): readonly Message[] {
  const messages = body.array('messages') ?? [];
  if (messages.length === 0) body.respell('messages');
  return messages.map((message, index) => decodeMessage(message, `messages[${index}]`));
}

/** The top-level `system` is a first message; one without a block is none. */
function decodeSystem(body: Fields): readonly Message[] {
  const parts = decodeBlocks(body.array('system') ?? [], 'system');
  if (parts.length === 0) body.respell('system');
  return parts.length === 0 ? [] : [{ role: 'system', parts }];
}

function decodeStop(inference: Fields | undefined): readonly string[] | undefined {
  return inference?.array('stopSequences')?.map((text, index) => {
    if (typeof text !== 'string') throw new FieldFault(`${inference.at('stopSequences')}[${index}]`, 'must be a string');
    return text;
  });
}

/** `thinking` as Anthropic's models take it, under their own name or Bedrock's older one; other vendors' fields stay as they are. */
function decodeThinking(added: Fields): Reasoning | undefined {
  const name = (['thinking', 'reasoning_config'] as const).find((known) => typeof added.peek(known) === 'object');
  const thinking = name === undefined ? undefined : added.fields(name);
  if (name === undefined || thinking === undefined) return undefined;
  const type = thinking.string('type');
  const budget = thinking.number('budget_tokens');
  if (type !== 'enabled' && type !== 'disabled' && type !== 'adaptive') {
    added.untake(name);
    return undefined;
  }
  added.within(name, thinking);
  if (name === 'reasoning_config') added.respell(name);
  return { mode: type === 'enabled' ? 'budget' : type === 'disabled' ? 'off' : 'auto', budget };
}

/** How to think and how hard to try come from two places. */
function decodeReasoning(added: Fields | undefined, output: Fields | undefined): Reasoning | undefined {
  const effort = output?.string('effort');
  const thinking = added === undefined ? undefined : decodeThinking(added);
  return effort === undefined ? thinking : { ...thinking, effort };
}

function decodeFormat(output: Fields | undefined): ResponseFormat | undefined {
  const format = output?.fields('textFormat');
  const structure = format?.fields('structure');
  const json = structure?.fields('jsonSchema');
  const text = json?.string('schema');
  const schema = text === undefined ? undefined : parseData(text);
  if (output === undefined || format === undefined || structure === undefined || json === undefined || schema === undefined) {
    output?.untake('textFormat');
    return undefined;
  }
  format.value('type');
  if (JSON.stringify(schema) !== text) json.respell('schema');
  const decoded = { type: 'json_schema', schema, name: json.string('name'), description: json.string('description') } as const;
  structure.within('jsonSchema', json);
  format.within('structure', structure);
  output.within('textFormat', format);
  return decoded;
}

/** Members that some but not all of them are understood of. One that says nothing keeps its place. */
function within(body: Fields, name: string, inner: Fields | undefined): void {
  if (inner === undefined) return;
  body.within(name, inner);
  if (Object.keys((body.peek(name) ?? {}) as JsonObject).length === 0) body.respell(name);
}

export function decodeRequest(value: JsonObject): CanonicalRequest {
  const body = new Fields(value, '');
  const inference = body.fields('inferenceConfig');
  const config = body.fields('toolConfig');
  const added = body.fields('additionalModelRequestFields');
  const output = body.fields('outputConfig');
  const tier = body.fields('serviceTier');
  const request = {
    source: PROTOCOL,
    names: NAMES,
    model: body.string('model') ?? '',
    stream: body.boolean('stream') ?? false,
    includeUsage: true,
    messages: [...decodeSystem(body), ...decodeMessages(body)],
    tools: decodeTools(config),
    toolChoice: decodeToolChoice(config),
    responseFormat: decodeFormat(output),
    reasoning: decodeReasoning(added, output),
    maxOutputTokens: inference?.number('maxTokens'),
    temperature: inference?.number('temperature'),
    topP: inference?.number('topP'),
    topK: added?.number('top_k'),
    stop: decodeStop(inference),
    metadata: body.object('requestMetadata'),
    serviceTier: tier?.string('type'),
  };
  within(body, 'inferenceConfig', inference);
  within(body, 'toolConfig', config);
  within(body, 'additionalModelRequestFields', added);
  within(body, 'outputConfig', output);
  within(body, 'serviceTier', tier);
  return { ...request, extensions: body.extensions(PROTOCOL) };
}
