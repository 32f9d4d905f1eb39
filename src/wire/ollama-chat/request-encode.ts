import type { Json, JsonObject } from '../../core/json.ts';
import type { CanonicalRequest, Reasoning, ResponseFormat, Tool } from '../../canonical/request.ts';
import { Dropped } from '../dropped.ts';
import { functionOfCustom } from '../free-text-tool.ts';
import type { Encoded, EncodeTarget } from '../protocol.ts';
import { reportUnsupported } from '../unsupported.ts';
import { encodeMessages } from './message-encode.ts';
import { PROTOCOL } from './names.ts';

function encodeTool(tool: Tool, dropped: Dropped): JsonObject | undefined {
  if (tool.type === 'other') {
    if (tool.protocol === PROTOCOL) return tool.value;
    dropped.inside('tool', String(tool.value['type']));
    return undefined;
  }
  if (tool.cache !== undefined) dropped.field('cacheMarker');
  const own = dropped.extensions(tool.extensions, 'tool');
  if (tool.type === 'custom') return { type: 'function', function: { ...functionOfCustom(tool) }, ...own };
  const { name, description, strict } = tool;
  if (strict === true) dropped.inside('tool', 'strict');
  const parameters = tool.parameters ?? (dropped.sourceIs(PROTOCOL) ? undefined : { type: 'object', properties: {} });
  return { type: 'function', function: { name, description, parameters }, ...own };
}

/** Ollama's models choose for themselves: that no tool be called is said by offering none. */
function encodeTools(request: CanonicalRequest, dropped: Dropped): readonly JsonObject[] | undefined {
  const { toolChoice: choice } = request;
  if (request.parallelToolCalls === false) dropped.field('parallelToolCalls');
  if (choice?.type === 'none') return undefined;
  if (choice !== undefined && choice.type !== 'auto') dropped.field('toolChoice');
  const tools = request.tools?.map((tool) => encodeTool(tool, dropped)).filter((tool) => tool !== undefined);
  return tools === undefined || tools.length === 0 ? undefined : tools;
}

/** A schema always holds the model to it. */
function encodeFormat(format: ResponseFormat | undefined, dropped: Dropped): Json | undefined {
  if (format === undefined || format.type === 'text') return undefined;
  if (format.type === 'json') return 'json';
  if (format.strict === false) dropped.field('responseFormatStrict');
  return format.schema;
}

/** Ollama knows three efforts. */
function encodeThink(reasoning: Reasoning | undefined, dropped: Dropped): boolean | string | undefined {
  if (reasoning === undefined) return undefined;
  if (reasoning.mode === 'off') return false;
  if (reasoning.effort === undefined) return true;
  if (dropped.sourceIs(PROTOCOL)) return reasoning.effort;
  switch (reasoning.effort) {
    case 'minimal':
    case 'low':
      return 'low';
    case 'medium':
      return 'medium';
    default:
      return 'high';
  }
}

function encodeOptions(request: CanonicalRequest): JsonObject | undefined {
  const options = {
    num_predict: request.maxOutputTokens,
    temperature: request.temperature,
    top_p: request.topP,
    top_k: request.topK,
    frequency_penalty: request.frequencyPenalty,
    presence_penalty: request.presencePenalty,
    seed: request.seed,
    stop: request.stop,
  };
  return Object.values(options).every((value) => value === undefined) ? undefined : options;
}

/** `stream` is always said: without it Ollama streams. */
export function encodeRequest(request: CanonicalRequest, target: EncodeTarget): Encoded {
  const dropped = new Dropped(request, PROTOCOL);
  reportUnsupported(
    request,
    ['candidates', 'logitBias', 'user', 'metadata', 'serviceTier', 'verbosity', 'promptCacheKey', 'safetyIdentifier', 'modalities'],
    dropped,
  );
  const body = {
    model: target.model,
    messages: encodeMessages(request, dropped),
    tools: encodeTools(request, dropped),
    format: encodeFormat(request.responseFormat, dropped),
    think: encodeThink(request.reasoning, dropped),
    options: encodeOptions(request),
    logprobs: request.logprobs,
    top_logprobs: request.topLogprobs,
    stream: request.stream,
    ...dropped.extensions(request.extensions),
  };
  return { body, dropped: dropped.paths };
}
