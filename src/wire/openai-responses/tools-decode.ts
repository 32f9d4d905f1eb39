import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts';
import type { Tool, ToolChoice } from '../../canonical/request.ts';
import { FieldFault, Fields } from '../fields.ts';
import { PROTOCOL } from './names.ts';

function decodeFunction(tool: Fields): Tool {
  const name = tool.requiredString('name');
  const description = tool.string('description');
  const parameters = tool.object('parameters');
  const strict = tool.boolean('strict');
  return { type: 'function', name, description, parameters, strict, extensions: tool.extensions(PROTOCOL) };
}

function decodeCustom(tool: Fields): Tool {
  const name = tool.requiredString('name');
  const description = tool.string('description');
  const native = tool.object('format');
  const format = native === undefined ? undefined : nestedGrammar(native);
  return { type: 'custom', name, description, format, extensions: tool.extensions(PROTOCOL) };
}

/** A grammar is flat here; the canonical form has it as OpenAI's chat completions do. */
function nestedGrammar(format: JsonObject): JsonObject {
  const { type, ...grammar } = format;
  return type === 'grammar' ? { type, grammar } : format;
}

export function decodeTool(value: Json, path: string): Tool {
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

export function decodeToolChoice(body: Fields): ToolChoice | undefined {
  const choice = body.value('tool_choice');
  if (choice === undefined) return undefined;
  if (choice === 'auto' || choice === 'none' || choice === 'required') return { type: choice };
  if (!isJsonObject(choice)) throw new FieldFault('tool_choice', 'must be auto, none, required or an object');
  const { type, name, ...rest } = choice;
  const isTool = (type === 'function' || type === 'custom') && typeof name === 'string' && Object.keys(rest).length === 0;
  return isTool ? { type: 'tool', name } : { type: 'other', protocol: PROTOCOL, value: choice };
}
