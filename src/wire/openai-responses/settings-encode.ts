import { isJsonObject, type JsonObject } from '../../core/json.ts';
import type { CanonicalRequest, CustomTool, Reasoning, ResponseFormat, Tool, ToolChoice } from '../../canonical/request.ts';
import type { Dropped } from '../dropped.ts';
import { isStrictSchema } from '../json-schema.ts';
import { PROTOCOL } from './names.ts';

/** The grammar, which the canonical form nests as OpenAI's chat completions do, is flat here. */
function customFormat({ format }: CustomTool): JsonObject | undefined {
  const grammar = format?.['grammar'];
  return isJsonObject(grammar) ? { type: 'grammar', ...grammar } : format;
}

/** A function is strict here unless it says otherwise: what came from a protocol where it is not must say so. */
function encodeTool(tool: Tool, dropped: Dropped): JsonObject | undefined {
  if (tool.type === 'other') {
    if (tool.protocol === PROTOCOL) return tool.value;
    dropped.inside('tool', String(tool.value['type']));
    return undefined;
  }
  const own = dropped.extensions(tool.extensions, 'tool');
  if (tool.cache !== undefined && own === undefined) dropped.field('cacheMarker');
  const { name, description } = tool;
  if (tool.type === 'custom') return { type: 'custom', name, description, format: customFormat(tool), ...own };
  if (dropped.sourceIs(PROTOCOL)) return { type: 'function', name, description, parameters: tool.parameters, strict: tool.strict, ...own };
  return { type: 'function', name, description, parameters: tool.parameters ?? null, strict: tool.strict ?? false };
}

function encodeToolChoice(request: CanonicalRequest, choice: ToolChoice | undefined, dropped: Dropped): JsonObject | string | undefined {
  switch (choice?.type) {
    case undefined:
      return undefined;
    case 'tool': {
      const isCustom = request.tools?.some((tool) => tool.type === 'custom' && tool.name === choice.name) === true;
      return { type: isCustom ? 'custom' : 'function', name: choice.name };
    }
    case 'other':
      if (choice.protocol === PROTOCOL) return choice.value;
      dropped.field('toolChoice');
      return undefined;
    case 'auto':
    case 'none':
    case 'required':
      return choice.type;
  }
}

/** A schema needs a name here. Where none came, it is the schema's title in the letters that OpenAI allows. */
const schemaName = (name: unknown): string =>
  (typeof name === 'string' ? name.replaceAll(/[^a-zA-Z0-9_-]/g, '_').slice(0, 64) : '') || 'response';

function encodeFormat(format: ResponseFormat | undefined, dropped: Dropped): JsonObject | undefined {
  switch (format?.type) {
    case undefined:
      return undefined;
    case 'text':
      return { type: 'text' };
    case 'json':
      return { type: 'json_object' };
    case 'json_schema': {
      const { name, description, schema, strict } = format;
      if (dropped.sourceIs(PROTOCOL)) return { type: 'json_schema', name, description, schema, strict };
      return {
        type: 'json_schema',
        name: name ?? schemaName(schema['title']),
        description,
        schema,
        strict: strict ?? (isStrictSchema(schema) ? true : undefined),
      };
    }
  }
}

function encodeText(request: CanonicalRequest, dropped: Dropped): JsonObject | undefined {
  const { verbosity } = request;
  const format = encodeFormat(request.responseFormat, dropped);
  return format === undefined && verbosity === undefined ? undefined : { format, verbosity };
}

/** A budget in tokens has no counterpart here: it becomes the effort that it is about. */
function effortOf({ mode, effort, budget }: Reasoning): string | undefined {
  if (mode === 'off') return 'none';
  if (effort !== undefined || budget === undefined) return effort;
  if (budget <= 2048) return 'low';
  return budget <= 8192 ? 'medium' : 'high';
}

/** `none` is no word for a summary here: nothing is. */
function encodeReasoning(reasoning: Reasoning | undefined): JsonObject | undefined {
  if (reasoning === undefined) return undefined;
  const [effort, summary] = [effortOf(reasoning), reasoning.summary === 'none' ? undefined : reasoning.summary];
  return effort === undefined && summary === undefined ? undefined : { effort, summary };
}

/** OpenAI's least limit of output tokens; a smaller one is refused. */
const LEAST_OUTPUT = 16;
const SERVICE_TIERS: ReadonlySet<string> = new Set(['auto', 'default', 'flex', 'priority', 'scale', 'fast']);
/** OpenAI refuses longer ones. */
const LONGEST_SAFETY_IDENTIFIER = 64;

function encodeServiceTier(tier: string | undefined, dropped: Dropped): string | undefined {
  if (tier === undefined || SERVICE_TIERS.has(tier) || dropped.sourceIs(PROTOCOL)) return tier;
  dropped.field('serviceTier');
  return undefined;
}

function encodeSafetyIdentifier(id: string | undefined, dropped: Dropped): string | undefined {
  if (id === undefined || id.length <= LONGEST_SAFETY_IDENTIFIER || dropped.sourceIs(PROTOCOL)) return id;
  dropped.field('safetyIdentifier');
  return undefined;
}

/** All that a request says besides its conversation, its stream and its storage; what an answer repeats is taken from it. */
export function encodeSettings(request: CanonicalRequest, dropped: Dropped): JsonObject {
  const isOwn = dropped.sourceIs(PROTOCOL);
  const tools = request.tools?.map((tool) => encodeTool(tool, dropped)).filter((tool) => tool !== undefined);
  const hasTools = isOwn || (tools !== undefined && tools.length > 0);
  const limit = request.maxOutputTokens;
  return {
    tools: hasTools ? tools : undefined,
    tool_choice: hasTools ? encodeToolChoice(request, request.toolChoice, dropped) : undefined,
    parallel_tool_calls: hasTools ? request.parallelToolCalls : undefined,
    text: encodeText(request, dropped),
    reasoning: encodeReasoning(request.reasoning),
    max_output_tokens: limit === undefined || isOwn ? limit : Math.max(limit, LEAST_OUTPUT),
    temperature: request.temperature,
    top_p: request.topP,
    top_logprobs: request.topLogprobs,
    user: request.user,
    metadata: request.metadata,
    prompt_cache_key: request.promptCacheKey,
    safety_identifier: encodeSafetyIdentifier(request.safetyIdentifier, dropped),
    service_tier: encodeServiceTier(request.serviceTier, dropped),
  };
}
