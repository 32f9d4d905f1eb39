import type { JsonObject } from '../../core/json.ts';
import type { CanonicalRequest, Reasoning, ResponseFormat, Tool } from '../../canonical/request.ts';
import { functionOfCustom } from '../free-text-tool.ts';
import { Dropped } from '../dropped.ts';
import type { Encoded, EncodeTarget } from '../protocol.ts';
import { reportUnsupported } from '../unsupported.ts';
import { encodeConversation } from './messages-encode.ts';
import { reasons } from './models.ts';
import { PROTOCOL } from './names.ts';

/** Cohere takes five. */
const MAX_STOP = 5;

function encodeTool(tool: Tool, dropped: Dropped): JsonObject | undefined {
  if (tool.type === 'other') {
    if (tool.protocol === PROTOCOL) return tool.value;
    dropped.inside('tool', String(tool.value['type']));
    return undefined;
  }
  if (tool.cache !== undefined) dropped.field('cacheMarker');
  const own = dropped.extensions(tool.extensions, 'tool');
  if (tool.type === 'custom') return { type: 'function', function: { ...functionOfCustom(tool) }, ...own };
  const { name, description } = tool;
  const parameters = tool.parameters ?? (dropped.sourceIs(PROTOCOL) ? undefined : { type: 'object', properties: {} });
  return { type: 'function', function: { name, description, parameters }, ...own };
}

/** A tool without required parameters cannot be held strictly (docs.cohere.com, "Structured Outputs (Tools)"). */
function canBeStrict(tool: Tool): boolean {
  if (tool.type !== 'function' || tool.strict !== true) return false;
  const required = tool.parameters?.['required'];
  return Array.isArray(required) && required.length > 0;
}

/** Strictness holds for all tools or for none here. */
function encodeStrict(tools: readonly Tool[] | undefined, dropped: Dropped): true | undefined {
  const asked = tools?.some((tool) => tool.type === 'function' && tool.strict === true) === true;
  if (!asked) return undefined;
  if (dropped.sourceIs(PROTOCOL) || tools?.every(canBeStrict) === true) return true;
  dropped.inside('tool', 'strict');
  return undefined;
}

interface ToolMembers {
  readonly tools: readonly JsonObject[] | undefined;
  readonly tool_choice: string | undefined;
  readonly strict_tools: true | undefined;
}

/** There is no choice of one tool: that tool is offered alone, and must be called. */
function encodeTools(request: CanonicalRequest, dropped: Dropped): ToolMembers {
  const choice = request.toolChoice;
  const chosen = choice?.type === 'tool' ? request.tools?.filter((tool) => tool.type !== 'other' && tool.name === choice.name) : undefined;
  const offered = chosen !== undefined && chosen.length > 0 ? chosen : request.tools;
  const tools = offered?.map((tool) => encodeTool(tool, dropped)).filter((tool) => tool !== undefined);
  const hasTools = tools !== undefined && (tools.length > 0 || dropped.sourceIs(PROTOCOL));
  // Cohere's models may always call several tools at once.
  if (request.parallelToolCalls === false) dropped.field('parallelToolCalls');
  if (choice?.type === 'other') dropped.field('toolChoice');
  const isForced = choice?.type === 'required' || choice?.type === 'tool';
  const word = isForced ? 'REQUIRED' : choice?.type === 'none' ? 'NONE' : undefined;
  return {
    tools: hasTools ? tools : undefined,
    tool_choice: hasTools || dropped.sourceIs(PROTOCOL) ? word : undefined,
    strict_tools: hasTools ? encodeStrict(offered, dropped) : undefined,
  };
}

/** Cohere refuses a format together with tools or documents: those are worth more. A schema always holds the model to it. */
function encodeFormat(format: ResponseFormat | undefined, isAlone: boolean, dropped: Dropped): JsonObject | undefined {
  if (format === undefined) return undefined;
  if (format.type === 'text') return dropped.sourceIs(PROTOCOL) ? { type: 'text' } : undefined;
  if (!isAlone && !dropped.sourceIs(PROTOCOL)) {
    dropped.field('responseFormat');
    return undefined;
  }
  if (format.type === 'json') return { type: 'json_object' };
  if (format.strict === false) dropped.field('responseFormatStrict');
  return { type: 'json_object', json_schema: format.schema };
}

function budgetOf(effort: string | undefined): number | undefined {
  switch (effort) {
    case 'minimal':
      return 1024;
    case 'low':
      return 2048;
    case 'medium':
      return 8192;
    default:
      return undefined;
  }
}

function encodeReasoning(reasoning: Reasoning | undefined, model: string, dropped: Dropped): JsonObject | undefined {
  if (reasoning === undefined) return undefined;
  if (!dropped.sourceIs(PROTOCOL) && !reasons(model)) {
    if (reasoning.mode !== 'off') dropped.field('reasoning');
    return undefined;
  }
  if (reasoning.mode === 'off') return { type: 'disabled' };
  return { type: 'enabled', token_budget: reasoning.budget ?? budgetOf(reasoning.effort) };
}

function encodeStop(stop: readonly string[] | undefined, dropped: Dropped): readonly string[] | undefined {
  if (stop === undefined || stop.length <= MAX_STOP || dropped.sourceIs(PROTOCOL)) return stop;
  dropped.field('stop');
  return stop.slice(0, MAX_STOP);
}

/** Within Cohere's range the number is the client's; what is beyond it is left out and reported, never clamped. */
function inRange(
  value: number | undefined,
  field: 'frequencyPenalty' | 'presencePenalty' | 'topP' | 'topK',
  range: readonly [number, number],
  dropped: Dropped,
): number | undefined {
  if (value === undefined || dropped.sourceIs(PROTOCOL) || (value >= range[0] && value <= range[1])) return value;
  dropped.field(field);
  return undefined;
}

const encodeSampling = (request: CanonicalRequest, dropped: Dropped): JsonObject => ({
  max_tokens: request.maxOutputTokens,
  temperature: request.temperature,
  p: inRange(request.topP, 'topP', [0.01, 0.99], dropped),
  k: inRange(request.topK, 'topK', [0, 500], dropped),
  frequency_penalty: inRange(request.frequencyPenalty, 'frequencyPenalty', [0, 1], dropped),
  presence_penalty: inRange(request.presencePenalty, 'presencePenalty', [0, 1], dropped),
  seed: request.seed,
  stop_sequences: encodeStop(request.stop, dropped),
  logprobs: request.logprobs,
});

export function encodeRequest(request: CanonicalRequest, target: EncodeTarget): Encoded {
  const dropped = new Dropped(request, PROTOCOL);
  const { messages, documents } = encodeConversation(request, target.model, dropped);
  const tools = encodeTools(request, dropped);
  const isAlone = tools.tools === undefined && documents.length === 0;
  reportUnsupported(
    request,
    [
      'candidates',
      'topLogprobs',
      'logitBias',
      'user',
      'metadata',
      'serviceTier',
      'verbosity',
      'promptCacheKey',
      'safetyIdentifier',
      'modalities',
    ],
    dropped,
  );
  const body = {
    model: target.model,
    messages,
    ...tools,
    documents: documents.length === 0 ? undefined : documents,
    response_format: encodeFormat(request.responseFormat, isAlone, dropped),
    ...encodeSampling(request, dropped),
    thinking: encodeReasoning(request.reasoning, target.model, dropped),
    stream: request.stream ? true : undefined,
    ...dropped.extensions(request.extensions),
  };
  return { body, dropped: dropped.paths };
}
