import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts';
import type { CanonicalRequest, CustomTool, Tool, ToolChoice } from '../../canonical/request.ts';
import type { ToolCallPart } from '../../canonical/part.ts';
import type { Dropped } from '../dropped.ts';
import { Fields } from '../fields.ts';
import { functionOfCustom } from '../free-text-tool.ts';
import { decodeCachePoint } from './content-decode.ts';
import { encodeCachePoint } from './content-encode.ts';
import { takesStructure, takesToolCacheMarkers, vendorOf } from './models.ts';
import { PROTOCOL } from './names.ts';

function decodeTool(value: Json, path: string): Tool {
  const tool = new Fields(value, path);
  if (tool.peek('toolSpec') === undefined) return { type: 'other', protocol: PROTOCOL, value: value as JsonObject };
  const spec = tool.fields('toolSpec') ?? tool.missing('toolSpec', 'an object');
  const schema = spec.fields('inputSchema');
  const parameters = schema?.object('json');
  const decoded = {
    type: 'function',
    name: spec.requiredString('name'),
    description: spec.string('description'),
    parameters,
    strict: spec.boolean('strict'),
  } as const;
  if (schema !== undefined) spec.within('inputSchema', schema);
  tool.within('toolSpec', spec);
  if (tool.hasRest()) tool.respell('toolSpec');
  return { ...decoded, extensions: tool.extensions(PROTOCOL) };
}

/** Tools with each cache point as a marker on the one before it. */
export function decodeTools(config: Fields | undefined): readonly Tool[] | undefined {
  const list = config?.array('tools');
  if (config === undefined || list === undefined) return undefined;
  const tools: Tool[] = [];
  list.forEach((value, index) => {
    const cache = decodeCachePoint(value);
    const last = tools.at(-1);
    if (cache === undefined || last === undefined || last.type === 'other' || last.cache !== undefined)
      tools.push(decodeTool(value, `${config.at('tools')}[${index}]`));
    else tools[tools.length - 1] = { ...last, cache };
  });
  return tools;
}

export function decodeToolChoice(config: Fields | undefined): ToolChoice | undefined {
  const choice = config?.object('toolChoice');
  if (choice === undefined) return undefined;
  const { auto, any, tool } = choice;
  const isEmpty = (value: Json | undefined): boolean => isJsonObject(value) && Object.keys(value).length === 0;
  const isOne = Object.keys(choice).length === 1;
  if (isOne && isEmpty(auto)) return { type: 'auto' };
  if (isOne && isEmpty(any)) return { type: 'required' };
  const isNamed = isOne && isJsonObject(tool) && Object.keys(tool).length === 1 && typeof tool['name'] === 'string';
  return isNamed ? { type: 'tool', name: String(tool['name']) } : { type: 'other', protocol: PROTOCOL, value: choice };
}

/** Without a schema a tool takes nothing; with one, it must say that it is an object. */
function inputSchema(parameters: JsonObject | undefined): JsonObject {
  if (parameters === undefined) return { type: 'object', properties: {} };
  return parameters['type'] === undefined ? { type: 'object', ...parameters } : parameters;
}

function customSpec(tool: CustomTool): JsonObject {
  const { name, description, parameters } = functionOfCustom(tool);
  return { name, description: description === '' ? undefined : description, inputSchema: { json: parameters } };
}

function encodeSpec(tool: Exclude<Tool, { type: 'other' }>, model: string, dropped: Dropped): JsonObject {
  if (tool.type === 'custom') return { toolSpec: customSpec(tool) };
  const { name, description, parameters, strict } = tool;
  if (dropped.sourceIs(PROTOCOL)) {
    const schema = parameters === undefined ? undefined : { json: parameters };
    return { toolSpec: { name, description, inputSchema: schema, strict } };
  }
  const isHeld = strict === true && takesStructure(model);
  if (strict === true && !isHeld) dropped.inside('tool', 'strict');
  const words = description === '' ? undefined : description;
  return { toolSpec: { name, description: words, inputSchema: { json: inputSchema(parameters) }, strict: isHeld ? true : undefined } };
}

function encodeTool(tool: Tool, model: string, dropped: Dropped): readonly JsonObject[] {
  if (tool.type === 'other') {
    if (tool.protocol === PROTOCOL) return [tool.value];
    dropped.inside('tool', String(tool.value['type']));
    return [];
  }
  const spec = dropped.extensions(tool.extensions, 'tool') ?? encodeSpec(tool, model, dropped);
  if (tool.cache === undefined) return [spec];
  if (!dropped.sourceIs(PROTOCOL) && !takesToolCacheMarkers(model)) {
    dropped.field('cacheMarker');
    return [spec];
  }
  return [spec, encodeCachePoint(tool.cache)];
}

/** Bedrock refuses calls and results of tools that the request does not define; a client that no longer offers them is let go on. */
function toolsOfHistory(request: CanonicalRequest): readonly JsonObject[] {
  const calls = request.messages.flatMap(({ parts }) => parts.filter((part): part is ToolCallPart => part.type === 'tool_call'));
  const names = new Set(calls.map(({ name }) => name));
  return [...names].map((name) => ({ toolSpec: { name, inputSchema: { json: inputSchema(undefined) } } }));
}

function encodeChoice(choice: ToolChoice, dropped: Dropped): JsonObject | undefined {
  switch (choice.type) {
    case 'auto':
      return { auto: {} };
    case 'required':
      return { any: {} };
    case 'tool':
      return { tool: { name: choice.name } };
    case 'none':
      dropped.field('toolChoice');
      return undefined;
    case 'other':
      if (choice.protocol === PROTOCOL) return choice.value;
      dropped.field('toolChoice');
      return undefined;
  }
}

/** Anthropic's own `tool_choice`, which can forbid parallel calls and takes the place of Bedrock's. */
function anthropicChoice({ toolChoice }: CanonicalRequest): JsonObject {
  if (toolChoice?.type === 'tool') return { type: 'tool', name: toolChoice.name, disable_parallel_tool_use: true };
  return { type: toolChoice?.type === 'required' ? 'any' : 'auto', disable_parallel_tool_use: true };
}

export interface ToolConfig {
  readonly toolConfig: JsonObject | undefined;
  /** For `additionalModelRequestFields`. */
  readonly toolChoice: JsonObject | undefined;
}

const NO_TOOLS: ToolConfig = { toolConfig: undefined, toolChoice: undefined };

/** Bedrock cannot forbid tools that it is given: a request that forbids them goes without, unless its history needs them. */
export function encodeToolConfig(request: CanonicalRequest, model: string, dropped: Dropped): ToolConfig {
  const { tools, toolChoice, parallelToolCalls } = request;
  const offered = tools?.flatMap((tool) => encodeTool(tool, model, dropped));
  if (dropped.sourceIs(PROTOCOL)) {
    const choice = toolChoice === undefined ? undefined : encodeChoice(toolChoice, dropped);
    return {
      toolConfig: tools === undefined && choice === undefined ? undefined : { tools: offered, toolChoice: choice },
      toolChoice: undefined,
    };
  }
  const used = toolsOfHistory(request);
  if (toolChoice?.type === 'none' && used.length === 0) return NO_TOOLS;
  const list = offered === undefined || offered.length === 0 ? used : offered;
  if (list.length === 0) return NO_TOOLS;
  const isOffered = list !== used;
  const choice = toolChoice === undefined || !isOffered ? undefined : encodeChoice(toolChoice, dropped);
  if (parallelToolCalls !== false || !isOffered) return { toolConfig: { tools: list, toolChoice: choice }, toolChoice: undefined };
  if (vendorOf(model) === 'anthropic') return { toolConfig: { tools: list }, toolChoice: anthropicChoice(request) };
  dropped.field('parallelToolCalls');
  return { toolConfig: { tools: list, toolChoice: choice }, toolChoice: undefined };
}
