import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts';
import type { CanonicalRequest, Message, Reasoning, ResponseFormat, Tool } from '../../canonical/request.ts';
import { FieldFault, Fields } from '../fields.ts';
import { decodeMessageParts } from './message-decode.ts';
import { NAMES, PROTOCOL } from './names.ts';

/** In front of ids that we gave to calls without one, so that they are not sent to Ollama as its own. */
export const MADE_ID = 'ollama_call_';

/** Calls whose results have not come yet, oldest first: results without an id answer them by name, or in order. */
interface Waiting {
  readonly id: string;
  readonly name: string;
}

class Conversation {
  #calls = 0;
  #waiting: readonly Waiting[] = [];

  decode(value: Json, path: string): Message {
    const message = new Fields(value, path);
    const role = message.requiredString('role');
    switch (role) {
      case 'system':
      case 'user':
      case 'assistant':
        return this.#turn(message, role);
      case 'tool':
        return this.#result(message);
      default:
        throw new FieldFault(message.at('role'), 'must be one of system, user, assistant, tool');
    }
  }

  #turn(message: Fields, role: 'system' | 'user' | 'assistant'): Message {
    const parts = decodeMessageParts(message, () => `${MADE_ID}${this.#calls++}`);
    const calls = parts.flatMap((part) => (part.type === 'tool_call' ? [{ id: part.id, name: part.name }] : []));
    this.#waiting = [...this.#waiting, ...calls];
    return { role, parts, extensions: message.extensions(PROTOCOL) };
  }

  #result(message: Fields): Message {
    const id = message.string('tool_call_id');
    const name = message.string('tool_name');
    message.respell('tool_name');
    const answered = this.#waiting.find((call) => (id === undefined ? name === undefined || call.name === name : call.id === id));
    this.#waiting = this.#waiting.filter((call) => call !== answered);
    const callId = id ?? answered?.id ?? `${MADE_ID}${this.#calls++}`;
    const parts = decodeMessageParts(message, () => `${MADE_ID}${this.#calls++}`);
    return { role: 'tool', parts: [{ type: 'tool_result', callId, parts }], extensions: message.extensions(PROTOCOL) };
  }
}

function decodeTool(value: Json, path: string): Tool {
  const tool = new Fields(value, path);
  if ((tool.string('type') ?? 'function') !== 'function') return { type: 'other', protocol: PROTOCOL, value: value as JsonObject };
  const inner = tool.fields('function') ?? tool.missing('function', 'an object');
  const name = inner.requiredString('name');
  const description = inner.string('description');
  const parameters = inner.object('parameters');
  tool.within('function', inner);
  return { type: 'function', name, description, parameters, extensions: tool.extensions(PROTOCOL) };
}

/** `json`, or a schema; an empty text is none. */
function decodeFormat(body: Fields): ResponseFormat | undefined {
  const format = body.value('format');
  if (format === 'json') return { type: 'json' };
  if (isJsonObject(format)) return { type: 'json_schema', schema: format };
  if (format === '') body.respell('format');
  else body.untake('format');
  return undefined;
}

/** Whether to think, or how hard. */
function decodeReasoning(body: Fields): Reasoning | undefined {
  const think = body.value('think');
  if (think === undefined) return undefined;
  if (typeof think === 'boolean') return { mode: think ? 'auto' : 'off' };
  if (typeof think === 'string') return { effort: think };
  throw new FieldFault('think', 'must be true, false, or how hard');
}

function decodeStop(options: Fields): readonly string[] | undefined {
  const stop = options.value('stop');
  if (stop === undefined) return undefined;
  if (typeof stop === 'string') return [stop];
  return (options.array('stop') ?? []).map((text, index) => {
    if (typeof text !== 'string') throw new FieldFault(`${options.at('stop')}[${index}]`, 'must be a string');
    return text;
  });
}

/** A negative limit means none. */
function decodeLimit(options: Fields): number | undefined {
  const limit = options.number('num_predict');
  if (limit === undefined || limit >= 0) return limit;
  options.untake('num_predict');
  return undefined;
}

/** Options that only Ollama's runner has (`num_ctx`, `repeat_penalty`, …) keep the whole member in the extension. */
function decodeOptions(body: Fields) {
  const options = body.fields('options');
  if (options === undefined) return {};
  const sampling = {
    maxOutputTokens: decodeLimit(options),
    temperature: options.number('temperature'),
    topP: options.number('top_p'),
    topK: options.number('top_k'),
    frequencyPenalty: options.number('frequency_penalty'),
    presencePenalty: options.number('presence_penalty'),
    seed: options.number('seed'),
    stop: decodeStop(options),
  };
  if (Object.values(sampling).every((value) => value === undefined)) body.respell('options');
  body.within('options', options);
  return sampling;
}

/** Ollama streams unless told otherwise. */
export function decodeRequest(value: JsonObject): CanonicalRequest {
  const body = new Fields(value, '');
  const conversation = new Conversation();
  const tools = body.array('tools');
  if (tools?.length === 0) body.respell('tools');
  const request = {
    source: PROTOCOL,
    names: NAMES,
    model: body.string('model') ?? '',
    stream: body.boolean('stream') ?? true,
    includeUsage: true,
    messages: (body.array('messages') ?? []).map((message, index) => conversation.decode(message, `messages[${index}]`)),
    tools: tools === undefined || tools.length === 0 ? undefined : tools.map((tool, index) => decodeTool(tool, `tools[${index}]`)),
    responseFormat: decodeFormat(body),
    reasoning: decodeReasoning(body),
    ...decodeOptions(body),
    logprobs: body.boolean('logprobs'),
    topLogprobs: body.number('top_logprobs'),
  } as const;
  return { ...request, extensions: body.extensions(PROTOCOL) };
}
