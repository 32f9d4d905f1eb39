import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts';
import type { SignatureFormat } from '../../canonical/part.ts';
import type { CanonicalRequest, Message, Reasoning, ResponseFormat } from '../../canonical/request.ts';
import { FieldFault, Fields } from '../fields.ts';
import { decodeInput } from './items-decode.ts';
import { NAMES, PROTOCOL } from './names.ts';
import { formatOf } from './reasoning.ts';
import { decodeTool, decodeToolChoice } from './tools-decode.ts';

export const LOGPROBS = 'message.output_text.logprobs';

/** What a message says that came as `instructions`. */
const FROM_INSTRUCTIONS = { [PROTOCOL]: { members: { instructions: true }, lost: [] } } as const;

/** Empty instructions say nothing, and a list of items is what answers give: both are kept as they are. */
function decodeInstructions(body: Fields): readonly Message[] {
  const text = body.peek('instructions');
  if (typeof text !== 'string' || text === '') return [];
  body.value('instructions');
  return [{ role: 'system', parts: [{ type: 'text', text }], extensions: FROM_INSTRUCTIONS }];
}

/** Input is a text, a list of items, or absent where a stored prompt says it all. */
function decodeMessages(body: Fields, format: SignatureFormat): readonly Message[] {
  const input = body.value('input');
  if (typeof input === 'string') return [{ role: 'user', parts: [{ type: 'text', text: input }] }];
  if (input !== undefined && !Array.isArray(input)) throw new FieldFault('input', 'must be a string or a list');
  const items = (input ?? []) as readonly Json[];
  if (items.length === 0) body.respell('input');
  return decodeInput(items, format);
}

function schemaFormat(format: Fields): ResponseFormat {
  return {
    type: 'json_schema',
    schema: format.object('schema') ?? format.missing('schema', 'an object'),
    name: format.string('name'),
    description: format.string('description'),
    strict: format.boolean('strict'),
  };
}

/** Undefined where it is of no kind that we know: it is kept as it is. */
function decodeFormat(text: Fields): ResponseFormat | undefined {
  const format = text.fields('format');
  if (format === undefined) return undefined;
  const decoded = formatOfType(format);
  if (decoded === undefined) text.untake('format');
  else text.within('format', format);
  return decoded;
}

function formatOfType(format: Fields): ResponseFormat | undefined {
  switch (format.string('type')) {
    case 'text':
      return { type: 'text' };
    case 'json_object':
      return { type: 'json' };
    case 'json_schema':
      return schemaFormat(format);
    default:
      return undefined;
  }
}

function decodeText(body: Fields): Pick<CanonicalRequest, 'responseFormat' | 'verbosity'> {
  const text = body.fields('text');
  if (text === undefined) return {};
  const decoded = { responseFormat: decodeFormat(text), verbosity: text.string('verbosity') };
  if (decoded.responseFormat === undefined && decoded.verbosity === undefined) body.respell('text');
  body.within('text', text);
  return decoded;
}

function decodeReasoning(body: Fields): Reasoning | undefined {
  const reasoning = body.fields('reasoning');
  if (reasoning === undefined) return undefined;
  const effort = reasoning.string('effort');
  const summary = reasoning.string('summary');
  if (effort === undefined && summary === undefined) body.respell('reasoning');
  body.within('reasoning', reasoning);
  if (effort === undefined && summary === undefined) return undefined;
  return effort === 'none' ? { mode: 'off', summary } : { effort, summary };
}

/** Logprobs are asked for in `include`, whose other words are about what only this protocol has. */
function decodeLogprobs(body: Fields): boolean | undefined {
  const include = body.array('include');
  body.respell('include');
  const wantsTop = Number(body.peek('top_logprobs') ?? 0) > 0;
  return wantsTop || include?.includes(LOGPROBS) === true ? true : undefined;
}

export function decodeRequest(value: JsonObject): CanonicalRequest {
  const body = new Fields(value, '');
  const model = body.string('model') ?? '';
  const metadata = body.peek('metadata');
  const request = {
    source: PROTOCOL,
    names: NAMES,
    model,
    stream: body.boolean('stream') ?? false,
    includeUsage: true,
    messages: [...decodeInstructions(body), ...decodeMessages(body, formatOf(model))],
    tools: body.array('tools')?.map((tool, index) => decodeTool(tool, `tools[${index}]`)),
    toolChoice: decodeToolChoice(body),
    parallelToolCalls: body.boolean('parallel_tool_calls'),
    ...decodeText(body),
    reasoning: decodeReasoning(body),
    maxOutputTokens: body.number('max_output_tokens'),
    temperature: body.number('temperature'),
    topP: body.number('top_p'),
    logprobs: decodeLogprobs(body),
    topLogprobs: body.number('top_logprobs'),
    user: body.string('user'),
    metadata: isJsonObject(metadata) ? body.object('metadata') : undefined,
    promptCacheKey: body.string('prompt_cache_key'),
    safetyIdentifier: body.string('safety_identifier'),
    serviceTier: body.string('service_tier'),
  } as const;
  return { ...request, extensions: body.extensions(PROTOCOL) };
}
