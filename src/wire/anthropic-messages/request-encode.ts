import type { JsonObject } from '../../core/json.ts';
import type { CanonicalRequest, ResponseFormat, Tool, ToolChoice } from '../../canonical/request.ts';
import { Dropped } from '../dropped.ts';
import { functionOfCustom } from '../free-text-tool.ts';
import type { Encoded, EncodeTarget } from '../protocol.ts';
import { encodeCache } from './content-encode.ts';
import { encodeConversation } from './messages-encode.ts';
import { takesSampling } from './models.ts';
import { PROTOCOL } from './names.ts';
import { encodeThinking, type Thinking } from './thinking.ts';

/** An input schema must say that it is an object. */
const inputSchema = (parameters: JsonObject | undefined): JsonObject =>
  parameters === undefined
    ? { type: 'object', properties: {} }
    : parameters['type'] === undefined
      ? { type: 'object', ...parameters }
      : parameters;

function encodeTool(tool: Tool, dropped: Dropped): JsonObject | undefined {
  if (tool.type === 'other') {
    if (tool.protocol === PROTOCOL) return tool.value;
    dropped.inside('tool', String(tool.value['type']));
    return undefined;
  }
  const { name, description, parameters } = tool.type === 'custom' ? functionOfCustom(tool) : tool;
  return {
    name,
    description,
    input_schema: inputSchema(parameters),
    strict: tool.type === 'custom' ? undefined : tool.strict,
    cache_control: encodeCache(tool.cache),
    ...dropped.extensions(tool.extensions, 'tool'),
  };
}

function choiceWord(choice: ToolChoice, dropped: Dropped): JsonObject | undefined {
  switch (choice.type) {
    case 'auto':
    case 'none':
      return { type: choice.type };
    case 'required':
      return { type: 'any' };
    case 'tool':
      return { type: 'tool', name: choice.name };
    case 'other':
      dropped.field('toolChoice');
      return undefined;
  }
}

/** Parallel calls are a member of the choice here, which `none` does not have; by default they are allowed, as at OpenAI. */
function encodeToolChoice(request: CanonicalRequest, dropped: Dropped): JsonObject | undefined {
  const { toolChoice, parallelToolCalls: parallel } = request;
  const choice = toolChoice === undefined ? undefined : choiceWord(toolChoice, dropped);
  if (choice?.['type'] === 'none' || (parallel === undefined && choice !== undefined)) return choice;
  if (choice === undefined) return parallel === false ? { type: 'auto', disable_parallel_tool_use: true } : undefined;
  return { ...choice, disable_parallel_tool_use: parallel === false };
}

/** The schema's name and description become its title and description. Anthropic always holds the model to the schema. */
function encodeFormat(format: ResponseFormat | undefined, dropped: Dropped): JsonObject | undefined {
  if (format === undefined || format.type === 'text') return undefined;
  if (format.type === 'json') {
    dropped.field('responseFormat');
    return undefined;
  }
  if (format.strict === false) dropped.field('responseFormatStrict');
  const { name, description, schema } = format;
  const words = { ...(name === undefined ? {} : { title: name }), ...(description === undefined ? {} : { description }) };
  return { type: 'json_schema', schema: { ...words, ...schema } };
}

/** Fields that have no counterpart, unless they say what holds anyway. */
function reportUnknown(request: CanonicalRequest, dropped: Dropped): void {
  dropped.fieldIf('frequencyPenalty', request.frequencyPenalty || undefined);
  dropped.fieldIf('presencePenalty', request.presencePenalty || undefined);
  dropped.fieldIf('seed', request.seed);
  dropped.fieldIf('candidates', request.candidates === 1 ? undefined : request.candidates);
  dropped.fieldIf('logprobs', request.logprobs || undefined);
  dropped.fieldIf('topLogprobs', request.topLogprobs || undefined);
  dropped.fieldIf('logitBias', request.logitBias);
  dropped.fieldIf('metadata', request.metadata);
  dropped.fieldIf('verbosity', request.verbosity);
  dropped.fieldIf('promptCacheKey', request.promptCacheKey);
  dropped.fieldIf(
    'modalities',
    request.modalities?.find((word) => word !== 'text'),
  );
  if (request.user !== undefined) dropped.fieldIf('safetyIdentifier', request.safetyIdentifier);
}

/** Anthropic's temperature ends at 1, and thinking leaves it no other value; nothing is clamped, what does not fit is left out and reported. */
function encodeSampling(request: CanonicalRequest, model: string, thinking: Thinking, dropped: Dropped): JsonObject {
  const { temperature, topP, topK } = request;
  if (dropped.sourceIs(PROTOCOL)) return { temperature, top_p: topP, top_k: topK };
  const isFree = takesSampling(model) && !thinking.on;
  const keepsTemperature = temperature === 1 || (isFree && temperature !== undefined && temperature <= 1);
  // Newer models refuse temperature and top_p together; the temperature is what most clients mean.
  const keepsTopP = topP !== undefined && (topP >= 0.99 || (isFree && temperature === undefined));
  if (!keepsTemperature) dropped.fieldIf('temperature', temperature);
  if (!keepsTopP) dropped.fieldIf('topP', topP);
  if (!isFree) dropped.fieldIf('topK', topK);
  return { temperature: keepsTemperature ? temperature : undefined, top_p: keepsTopP ? topP : undefined, top_k: isFree ? topK : undefined };
}

/** Anthropic refuses stop sequences of white space alone. */
function encodeStop(request: CanonicalRequest, dropped: Dropped): readonly string[] | undefined {
  if (request.stop === undefined || dropped.sourceIs(PROTOCOL)) return request.stop;
  const kept = request.stop.filter((text) => text.trim() !== '');
  if (kept.length < request.stop.length) dropped.field('stop');
  return kept.length === 0 ? undefined : kept;
}

function encodeServiceTier(tier: string | undefined, dropped: Dropped): string | undefined {
  if (tier === undefined || tier === 'auto') return tier;
  if (tier === 'default') return 'standard_only';
  if (dropped.sourceIs(PROTOCOL)) return tier;
  dropped.field('serviceTier');
  return undefined;
}

function outputConfig(format: JsonObject | undefined, effort: string | undefined): JsonObject | undefined {
  return format === undefined && effort === undefined ? undefined : { effort, format };
}

export function encodeRequest(request: CanonicalRequest, target: EncodeTarget): Encoded {
  const dropped = new Dropped(request, PROTOCOL);
  const maxTokens = request.maxOutputTokens ?? target.defaultMaxTokens;
  const { system, messages } = encodeConversation(request, target.model, dropped);
  const tools = request.tools?.map((tool) => encodeTool(tool, dropped)).filter((tool) => tool !== undefined);
  const hasTools = tools !== undefined && tools.length > 0;
  const thinking = encodeThinking(request, target.model, maxTokens, dropped);
  reportUnknown(request, dropped);
  const own = dropped.extensions(request.extensions);
  const format = encodeFormat(request.responseFormat, dropped);
  // OpenAI has two words for whom the client asks; one has a place here.
  const endUser = request.user ?? request.safetyIdentifier;
  const body = {
    model: target.model,
    max_tokens: maxTokens,
    system,
    messages,
    tools: hasTools || dropped.sourceIs(PROTOCOL) ? tools : undefined,
    tool_choice: hasTools || dropped.sourceIs(PROTOCOL) ? encodeToolChoice(request, dropped) : undefined,
    ...encodeSampling(request, target.model, thinking, dropped),
    stop_sequences: encodeStop(request, dropped),
    thinking: thinking.config,
    output_config: outputConfig(own?.['output_format'] === undefined ? format : undefined, thinking.effort),
    metadata: endUser === undefined ? undefined : { user_id: endUser },
    service_tier: encodeServiceTier(request.serviceTier, dropped),
    stream: request.stream ? true : undefined,
    ...own,
  };
  return { body, dropped: dropped.paths };
}
