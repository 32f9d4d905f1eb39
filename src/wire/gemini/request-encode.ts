import type { JsonObject } from '../../core/json.ts';
import type { CanonicalRequest, ResponseFormat, Tool, ToolChoice } from '../../canonical/request.ts';
import { functionOfCustom } from '../free-text-tool.ts';
import { Dropped } from '../dropped.ts';
import type { Encoded, EncodeTarget } from '../protocol.ts';
import { encodeConversation } from './conversation-encode.ts';
import { PROTOCOL, untagged } from './names.ts';
import { over } from './spelling.ts';
import { encodeThinking } from './thinking.ts';

/** Gemini takes five; more are left out and reported. */
const MAX_STOP = 5;
const MAX_SEED = 2 ** 31 - 1;

/** A tool of Google's as an entry of its own; undefined for another's. */
function encodeOther(tool: Extract<Tool, { type: 'other' }>, dropped: Dropped): JsonObject | undefined {
  if (tool.protocol === PROTOCOL) return untagged(tool.value);
  dropped.inside('tool', String(tool.value['type']));
  return undefined;
}

function encodeFunction(tool: Exclude<Tool, { type: 'other' }>, dropped: Dropped): JsonObject {
  if (tool.cache !== undefined) dropped.field('cacheMarker');
  const own = dropped.extensions(tool.extensions, 'tool');
  const { name, description, parameters } = tool.type === 'custom' ? functionOfCustom(tool) : tool;
  // Google's description of its API demands one; to the API itself an empty one is none.
  return over({ name, description: description ?? '', parametersJsonSchema: parameters }, own);
}

function encodeTools(tools: readonly Tool[], dropped: Dropped): readonly JsonObject[] {
  const functions = tools.flatMap((tool) => (tool.type === 'other' ? [] : [encodeFunction(tool, dropped)]));
  const others = tools.map((tool) => (tool.type === 'other' ? encodeOther(tool, dropped) : undefined)).filter((tool) => tool !== undefined);
  return [...(functions.length === 0 ? [] : [{ functionDeclarations: functions }]), ...others];
}

const isStrict = (tool: Tool): boolean => tool.type === 'function' && tool.strict === true;

/** `VALIDATED` leaves the choice to the model and holds its calls to their schemas, which is what a strict tool asks for. */
function encodeChoice(choice: ToolChoice | undefined, tools: readonly Tool[], dropped: Dropped): JsonObject | undefined {
  switch (choice?.type) {
    case undefined:
      return tools.some(isStrict) ? { mode: 'VALIDATED' } : undefined;
    case 'auto':
      return { mode: tools.some(isStrict) ? 'VALIDATED' : 'AUTO' };
    case 'none':
      return { mode: 'NONE' };
    case 'required':
      return { mode: 'ANY' };
    case 'tool':
      return { mode: 'ANY', allowedFunctionNames: [choice.name] };
    case 'other':
      dropped.field('toolChoice');
      return undefined;
  }
}

/** The schema's name and description become its title and description. Gemini always holds the model to the schema. */
function encodeFormat(format: ResponseFormat | undefined, dropped: Dropped): JsonObject {
  if (format === undefined || format.type === 'text') return {};
  if (format.type === 'json') return { responseMimeType: 'application/json' };
  if (format.strict === false) dropped.field('responseFormatStrict');
  const { name, description, schema } = format;
  const words = { ...(name === undefined ? {} : { title: name }), ...(description === undefined ? {} : { description }) };
  return { responseMimeType: 'application/json', responseJsonSchema: { ...words, ...schema } };
}

function encodeStop(stop: readonly string[] | undefined, dropped: Dropped): readonly string[] | undefined {
  if (stop === undefined || stop.length <= MAX_STOP || dropped.sourceIs(PROTOCOL)) return stop;
  dropped.field('stop');
  return stop.slice(0, MAX_STOP);
}

/** Gemini's seed has 32 bits. */
function encodeSeed(seed: number | undefined, dropped: Dropped): number | undefined {
  if (seed === undefined || dropped.sourceIs(PROTOCOL) || Math.abs(seed) <= MAX_SEED) return seed;
  dropped.field('seed');
  return undefined;
}

function encodeConfig(request: CanonicalRequest, model: string, dropped: Dropped): JsonObject | undefined {
  const config: JsonObject = {
    temperature: request.temperature,
    topP: request.topP,
    topK: request.topK,
    candidateCount: request.candidates,
    maxOutputTokens: request.maxOutputTokens,
    stopSequences: encodeStop(request.stop, dropped),
    seed: encodeSeed(request.seed, dropped),
    presencePenalty: request.presencePenalty,
    frequencyPenalty: request.frequencyPenalty,
    responseLogprobs: request.logprobs,
    logprobs: request.topLogprobs,
    ...encodeFormat(request.responseFormat, dropped),
    thinkingConfig: encodeThinking(request, model, dropped),
    responseModalities: request.modalities?.map((word) => word.toUpperCase()),
  };
  return Object.values(config).every((value) => value === undefined) ? undefined : config;
}

/** OpenAI's `auto` is what holds anyway. */
function encodeServiceTier(tier: string | undefined, dropped: Dropped): string | undefined {
  switch (tier) {
    case undefined:
    case 'auto':
      return undefined;
    case 'default':
      return 'standard';
    case 'flex':
    case 'priority':
      return tier;
    default:
      if (dropped.sourceIs(PROTOCOL)) return tier;
      dropped.field('serviceTier');
      return undefined;
  }
}

/** Fields that have no counterpart, unless they say what holds anyway. */
function reportUnknown(request: CanonicalRequest, dropped: Dropped): void {
  dropped.fieldIf('logitBias', request.logitBias);
  dropped.fieldIf('user', request.user);
  dropped.fieldIf('metadata', request.metadata);
  dropped.fieldIf('verbosity', request.verbosity);
  dropped.fieldIf('promptCacheKey', request.promptCacheKey);
  dropped.fieldIf('safetyIdentifier', request.safetyIdentifier);
  // Calls in parallel cannot be forbidden here; without tools there are none.
  if (request.parallelToolCalls === false && (request.tools?.length ?? 0) > 0) dropped.field('parallelToolCalls');
}

/** Model and stream are said in the path. */
export function encodeRequest(request: CanonicalRequest, target: EncodeTarget): Encoded {
  const dropped = new Dropped(request, PROTOCOL);
  const { systemInstruction, contents } = encodeConversation(request, target.model, dropped);
  const tools = encodeTools(request.tools ?? [], dropped);
  const choice = tools.length === 0 ? undefined : encodeChoice(request.toolChoice, request.tools ?? [], dropped);
  reportUnknown(request, dropped);
  const encoded = {
    systemInstruction,
    contents,
    tools: tools.length === 0 ? undefined : tools,
    toolConfig: choice === undefined ? undefined : { functionCallingConfig: choice },
    generationConfig: encodeConfig(request, target.model, dropped),
    serviceTier: encodeServiceTier(request.serviceTier, dropped),
  };
  return { body: over(encoded, dropped.extensions(request.extensions)), dropped: dropped.paths };
}
