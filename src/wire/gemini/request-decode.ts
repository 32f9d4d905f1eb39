import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts';
import type { CanonicalRequest, Message, Tool, ToolChoice } from '../../canonical/request.ts';
import { FieldFault, Fields } from '../fields.ts';
import { ConversationCalls } from './call-ids.ts';
import { decodeConfig, strings } from './config-decode.ts';
import { decodeParts } from './content-decode.ts';
import { NAMES, PROTOCOL, tagged } from './names.ts';
import { jsonSchemaOf } from './schema.ts';
import { spelled } from './spelling.ts';

/** Without a role a content is the user's; `function` is an older word for the user who brings results. */
function roleOf(content: Fields): 'user' | 'assistant' | 'tool' {
  switch (content.string('role')) {
    case 'model':
      return 'assistant';
    case 'function':
    case 'tool':
      content.respell('role');
      return 'tool';
    case undefined:
    case 'user':
      return 'user';
    default:
      throw new FieldFault(content.at('role'), 'must be user or model');
  }
}

function decodeContent(value: Json, path: string, calls: ConversationCalls): Message {
  const content = new Fields(value, path);
  const role = roleOf(content);
  const parts = decodeParts(content, calls);
  return { role, parts, extensions: content.extensions(PROTOCOL) };
}

/** Its role says nothing, whatever it is. */
function decodeSystem(body: Fields, calls: ConversationCalls): readonly Message[] {
  const member = spelled(body, 'systemInstruction');
  const content = body.fields(member);
  if (content === undefined) return [];
  const parts = decodeParts(content, calls);
  content.value('role');
  content.respell('role');
  if (parts.length === 0) body.respell(member);
  return parts.length === 0 ? [] : [{ role: 'system', parts, extensions: content.extensions(PROTOCOL) }];
}

/** `parameters` is Google's `Schema`, `parametersJsonSchema` what it says. */
function decodeFunction(value: Json, path: string): Tool {
  const tool = new Fields(value, path);
  const name = tool.requiredString('name');
  const description = tool.string('description');
  const schema = tool.object('parameters');
  const jsonSchema = tool.object(spelled(tool, 'parametersJsonSchema'));
  const parameters = jsonSchema ?? (schema === undefined ? undefined : jsonSchemaOf(schema));
  return { type: 'function', name, description, parameters, extensions: tool.extensions(PROTOCOL) };
}

/** One entry of `tools` holds any number of functions and tools that Google runs. */
function decodeTool(value: Json, path: string): readonly Tool[] {
  const entry = new Fields(value, path);
  const member = spelled(entry, 'functionDeclarations');
  const functions = (entry.array(member) ?? []).map((tool, index) => decodeFunction(tool, `${entry.at(member)}[${index}]`));
  const others = Object.entries(isJsonObject(value) ? value : {}).filter(([name, inner]) => name !== member && inner !== null);
  return [...functions, ...others.map(([name, inner]): Tool => ({ type: 'other', protocol: PROTOCOL, value: tagged({ [name]: inner }) }))];
}

/** The grouping is kept as it came. */
function decodeTools(body: Fields): readonly Tool[] | undefined {
  body.respell('tools');
  return body.array('tools')?.flatMap((tool, index) => decodeTool(tool, `tools[${index}]`));
}

/** `VALIDATED` is `AUTO` held to the schemas; several allowed functions are all of them to other protocols. */
function choiceOf(config: Fields): ToolChoice | undefined {
  const mode = config.string('mode')?.toUpperCase();
  const member = spelled(config, 'allowedFunctionNames');
  const allowed = strings(config, 'allowedFunctionNames') ?? [];
  if (mode !== 'ANY' || allowed.length > 1) config.untake(member);
  switch (mode) {
    case 'ANY':
      return allowed.length === 1 ? { type: 'tool', name: allowed[0] ?? '' } : { type: 'required' };
    case 'NONE':
      return { type: 'none' };
    case 'AUTO':
    case 'VALIDATED':
      return { type: 'auto' };
    default:
      return undefined;
  }
}

function decodeToolChoice(body: Fields): ToolChoice | undefined {
  const member = spelled(body, 'toolConfig');
  const holder = body.fields(member);
  if (holder === undefined) return undefined;
  const inner = spelled(holder, 'functionCallingConfig');
  const config = holder.fields(inner);
  const choice = config === undefined ? undefined : choiceOf(config);
  if (config !== undefined) holder.within(inner, config);
  body.respell(member);
  body.within(member, holder);
  return choice;
}

/** OpenAI calls the standard tier `default`. */
function decodeServiceTier(body: Fields): string | undefined {
  const member = spelled(body, 'serviceTier');
  const tier = body.string(member)?.toLowerCase();
  if (tier !== body.peek(member)) body.respell(member);
  return tier === 'standard' ? 'default' : tier;
}

/** Model and stream are in the path; some clients name the model in the body too. */
export function decodeRequest(value: JsonObject): CanonicalRequest {
  const body = new Fields(value, '');
  const calls = new ConversationCalls();
  const model = body.string('model');
  body.respell('model');
  const system = decodeSystem(body, calls);
  const request = {
    source: PROTOCOL,
    names: NAMES,
    model: (model ?? '').replace(/^models\//, ''),
    stream: false,
    includeUsage: true,
    messages: [...system, ...body.requiredArray('contents').map((content, index) => decodeContent(content, `contents[${index}]`, calls))],
    tools: decodeTools(body),
    toolChoice: decodeToolChoice(body),
    ...decodeConfig(body),
    serviceTier: decodeServiceTier(body),
  } as const;
  return { ...request, extensions: body.extensions(PROTOCOL) };
}
