import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts';
import type { CanonicalRequest, CustomTool, Tool, ToolChoice } from '../../canonical/request.ts';
import { functionOfCustom } from '../free-text-tool.ts';
import type { Dropped } from '../dropped.ts';
import { FieldFault, Fields } from '../fields.ts';
import { decodeCache } from './content-decode.ts';
import { cacheControl } from './content-encode.ts';
import type { ModelTraits } from './models.ts';
import { PROTOCOL } from './names.ts';

function decodeFunction(tool: Fields): Tool {
  const inner = tool.fields('function') ?? tool.missing('function', 'an object');
  const name = inner.requiredString('name');
  const description = inner.string('description');
  const parameters = inner.object('parameters');
  const strict = inner.boolean('strict');
  tool.within('function', inner);
  const cache = decodeCache(tool);
  return { type: 'function', name, description, parameters, strict, cache, extensions: tool.extensions(PROTOCOL) };
}

function decodeCustom(tool: Fields): Tool {
  const inner = tool.fields('custom') ?? tool.missing('custom', 'an object');
  const name = inner.requiredString('name');
  const description = inner.string('description');
  const format = inner.object('format');
  tool.within('custom', inner);
  const cache = decodeCache(tool);
  return { type: 'custom', name, description, format, cache, extensions: tool.extensions(PROTOCOL) };
}

function decodeTool(value: Json, path: string): Tool {
  const tool = new Fields(value, path);
  switch (tool.requiredString('type')) {
    case 'function':
      return decodeFunction(tool);
    case 'custom':
      return decodeCustom(tool);
    default:
      return { type: 'other', protocol: PROTOCOL, value: value as JsonObject };
  }
}

/** The name in `{type: 'function', function: {name}}` or `{type: 'custom', custom: {name}}`. */
function namedIn(choice: JsonObject): string | undefined {
  const inner = choice[choice['type'] === 'custom' ? 'custom' : 'function'];
  const name = isJsonObject(inner) ? inner['name'] : undefined;
  return typeof name === 'string' ? name : undefined;
}

interface Tools {
  readonly tools: readonly Tool[] | undefined;
  readonly toolChoice: ToolChoice | undefined;
}

/**
 * A model that may call only some of the tools is, for every other protocol, one that is told of no others. Undefined: a list that names tools otherwise than by function
 * or custom tool.
 */
function allowedTools(tools: readonly Tool[], choice: JsonObject): Tools | undefined {
  const allowed = choice['allowed_tools'];
  if (!isJsonObject(allowed) || !Array.isArray(allowed['tools'])) return undefined;
  const names = (allowed['tools'] as readonly Json[]).map((tool) => (isJsonObject(tool) ? namedIn(tool) : undefined));
  if (names.includes(undefined)) return undefined;
  const known = new Set(names);
  return {
    tools: tools.filter((tool) => tool.type !== 'other' && known.has(tool.name)),
    toolChoice: { type: allowed['mode'] === 'required' ? 'required' : 'auto' },
  };
}

function decodeChoice(choice: Json | undefined): ToolChoice | undefined {
  if (choice === undefined || choice === 'auto' || choice === 'none' || choice === 'required')
    return choice === undefined ? undefined : { type: choice };
  if (!isJsonObject(choice)) throw new FieldFault('tool_choice', 'must be auto, none, required or an object');
  const inner = choice['type'];
  if (inner !== 'function' && inner !== 'custom') return { type: 'other', protocol: PROTOCOL, value: choice };
  return { type: 'tool', name: new Fields(choice[inner], `tool_choice.${inner}`).requiredString('name') };
}

export function decodeTools(body: Fields): Tools {
  const tools = body.array('tools')?.map((tool, index) => decodeTool(tool, `tools[${index}]`));
  const choice = body.value('tool_choice');
  const allowed =
    isJsonObject(choice) && choice['type'] === 'allowed_tools' && tools !== undefined ? allowedTools(tools, choice) : undefined;
  if (allowed !== undefined) body.respell('tools', 'tool_choice');
  // A choice of this protocol alone would be written by the name of a tool; a name is respelled so that it returns as the kind it came in.
  if (isJsonObject(choice) && choice['type'] === 'custom') body.respell('tool_choice');
  return allowed ?? { tools, toolChoice: decodeChoice(choice) };
}

const isCustomHere = (dropped: Dropped, model: ModelTraits): boolean => dropped.sourceIs(PROTOCOL) || model.customTools;

function encodeCustom(tool: CustomTool, own: JsonObject | undefined, dropped: Dropped, model: ModelTraits): JsonObject {
  if (!isCustomHere(dropped, model)) return { type: 'function', function: functionOfCustom(tool) };
  const { name, description, format } = tool;
  return { type: 'custom', custom: { name, description, format }, ...own };
}

export function encodeTool(tool: Tool, dropped: Dropped, model: ModelTraits): JsonObject | undefined {
  if (tool.type === 'other') {
    if (tool.protocol === PROTOCOL) return tool.value;
    dropped.inside('tool', String(tool.value['type']));
    return undefined;
  }
  const own = dropped.extensions(tool.extensions, 'tool');
  const marked = tool.cache !== undefined && own === undefined;
  if (marked && !model.extended) dropped.field('cacheMarker');
  const cache = marked && model.extended ? { cache_control: cacheControl(tool.cache.ttl) } : {};
  if (tool.type === 'custom') return { ...encodeCustom(tool, own, dropped, model), ...cache };
  const { name, description, parameters, strict } = tool;
  return { type: 'function', function: { name, description, parameters, strict }, ...cache, ...own };
}

export function encodeToolChoice(request: CanonicalRequest, dropped: Dropped, model: ModelTraits): JsonObject | string | undefined {
  const { toolChoice: choice, tools } = request;
  switch (choice?.type) {
    case undefined:
      return undefined;
    case 'tool': {
      const isCustom = isCustomHere(dropped, model) && tools?.some((tool) => tool.type === 'custom' && tool.name === choice.name) === true;
      return isCustom ? { type: 'custom', custom: { name: choice.name } } : { type: 'function', function: { name: choice.name } };
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
