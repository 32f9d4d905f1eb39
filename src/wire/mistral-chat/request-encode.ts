import type { JsonObject } from '../../core/json.ts';
import type { ToolCallPart, ToolResultPart } from '../../canonical/part.ts';
import type { CanonicalRequest, Message, Reasoning, ResponseFormat, Tool, ToolChoice } from '../../canonical/request.ts';
import { Dropped } from '../dropped.ts';
import { functionOfCustom } from '../free-text-tool.ts';
import type { Encoded, EncodeTarget } from '../protocol.ts';
import { reportUnsupported } from '../unsupported.ts';
import { asContent, encodeParts, encodeToolCall, toolId } from './content-encode.ts';
import { PROTOCOL } from './names.ts';

/** Mistral's range ends here (its API description). */
const MAX_TEMPERATURE = 1.5;

function encodeAssistant(message: Message, isLast: boolean, dropped: Dropped): JsonObject {
  const calls = message.parts.filter((part): part is ToolCallPart => part.type === 'tool_call');
  for (const call of calls) {
    if (call.cache !== undefined) dropped.field('cacheMarker');
    dropped.extensions(call.extensions, 'part');
  }
  const content = encodeParts(message.parts, dropped);
  return {
    role: 'assistant',
    content: content.length === 0 && message.parts.length === calls.length ? undefined : asContent(content),
    tool_calls:
      calls.length === 0
        ? undefined
        : calls.map((call, index) => encodeToolCall(call, toolId(call.id === '' ? `call_${index}` : call.id, dropped))),
    // A conversation that ends with the assistant's words is to be gone on with, which Mistral wants said.
    prefix: isLast && !dropped.sourceIs(PROTOCOL) ? true : undefined,
    ...dropped.extensions(message.extensions, 'message'),
  };
}

function encodeToolResult(result: ToolResultPart, own: JsonObject | undefined, dropped: Dropped): JsonObject {
  if (result.isError === true) dropped.field('toolResultError');
  if (result.cache !== undefined) dropped.field('cacheMarker');
  dropped.extensions(result.extensions, 'part');
  const content = encodeParts(result.parts, dropped);
  const id = dropped.sourceIs(PROTOCOL) && result.callId === '' ? undefined : toolId(result.callId, dropped);
  return { role: 'tool', tool_call_id: id, content: content.length === 0 && !dropped.sourceIs(PROTOCOL) ? '' : asContent(content), ...own };
}

/** A user's or tool's message: results first, each as a message of its own, then the rest. */
function encodeTurn(message: Message, role: 'system' | 'user', dropped: Dropped): readonly JsonObject[] {
  const own = dropped.extensions(message.extensions, 'message');
  const results = message.parts.filter((part) => part.type === 'tool_result');
  const rest = encodeParts(
    message.parts.filter((part) => part.type !== 'tool_result'),
    dropped,
  );
  const encoded = results.map((result) => encodeToolResult(result, message.role === 'tool' ? own : undefined, dropped));
  if (results.length > 0) return rest.length === 0 ? encoded : [...encoded, { role: 'user', content: asContent(rest) }];
  return [{ role, content: rest.length === 0 && !dropped.sourceIs(PROTOCOL) ? '' : asContent(rest), ...own }];
}

/** A system message is text alone. */
function encodeSystem(message: Message, dropped: Dropped): readonly JsonObject[] {
  if (dropped.sourceIs(PROTOCOL)) return encodeTurn(message, 'system', dropped);
  for (const part of message.parts) if (part.type === 'image' || part.type === 'file' || part.type === 'audio') dropped.field(part.type);
  return encodeTurn({ ...message, parts: message.parts.filter((part) => part.type === 'text') }, 'system', dropped);
}

function encodeMessage(message: Message, isLast: boolean, dropped: Dropped): readonly JsonObject[] {
  if (message.name !== undefined) dropped.field('participant');
  switch (message.role) {
    case 'assistant':
      return [encodeAssistant(message, isLast, dropped)];
    case 'system':
    case 'developer':
      return encodeSystem(message, dropped);
    case 'user':
    case 'tool':
      return encodeTurn(message, 'user', dropped);
  }
}

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
  const parameters = tool.parameters ?? (dropped.sourceIs(PROTOCOL) ? undefined : { type: 'object', properties: {} });
  return { type: 'function', function: { name, description, parameters, strict }, ...own };
}

function encodeToolChoice(choice: ToolChoice | undefined, dropped: Dropped): JsonObject | string | undefined {
  switch (choice?.type) {
    case undefined:
      return undefined;
    case 'tool':
      return { type: 'function', function: { name: choice.name } };
    case 'required':
      return 'any';
    case 'auto':
    case 'none':
      return choice.type;
    case 'other':
      if (choice.protocol === PROTOCOL) return choice.value;
      dropped.field('toolChoice');
      return undefined;
  }
}

function encodeFormat(format: ResponseFormat | undefined, dropped: Dropped): JsonObject | undefined {
  switch (format?.type) {
    case undefined:
      return undefined;
    case 'text':
      return { type: 'text' };
    case 'json':
      return { type: 'json_object' };
    case 'json_schema': {
      const { description, schema, strict } = format;
      const name = format.name ?? (dropped.sourceIs(PROTOCOL) ? undefined : 'response');
      return { type: 'json_schema', json_schema: { name, description, schema, strict } };
    }
  }
}

/** Mistral knows `high` and `none`. Its older reasoning models always reason and take neither. */
function encodeEffort(reasoning: Reasoning | undefined, model: string, dropped: Dropped): string | undefined {
  if (reasoning === undefined) return undefined;
  if (dropped.sourceIs(PROTOCOL)) return reasoning.mode === 'off' ? 'none' : reasoning.effort;
  if (model.startsWith('magistral')) {
    dropped.field('reasoning');
    return undefined;
  }
  return reasoning.mode === 'off' || reasoning.effort === 'minimal' ? 'none' : 'high';
}

function encodeTemperature(temperature: number | undefined, dropped: Dropped): number | undefined {
  if (temperature === undefined || temperature <= MAX_TEMPERATURE || dropped.sourceIs(PROTOCOL)) return temperature;
  dropped.field('temperature');
  return undefined;
}

const encodeSampling = (request: CanonicalRequest, dropped: Dropped): JsonObject => ({
  max_tokens: request.maxOutputTokens,
  temperature: encodeTemperature(request.temperature, dropped),
  top_p: request.topP,
  frequency_penalty: request.frequencyPenalty,
  presence_penalty: request.presencePenalty,
  random_seed: request.seed,
  stop: request.stop,
  n: request.candidates,
});

export function encodeRequest(request: CanonicalRequest, target: EncodeTarget): Encoded {
  const dropped = new Dropped(request, PROTOCOL);
  const tools = request.tools?.map((tool) => encodeTool(tool, dropped)).filter((tool) => tool !== undefined);
  const hasTools = dropped.sourceIs(PROTOCOL) || (tools !== undefined && tools.length > 0);
  const last = request.messages.length - 1;
  reportUnsupported(
    request,
    ['topK', 'logprobs', 'topLogprobs', 'logitBias', 'user', 'serviceTier', 'verbosity', 'safetyIdentifier', 'modalities'],
    dropped,
  );
  const body = {
    model: target.model,
    messages: request.messages.flatMap((message, index) => encodeMessage(message, index === last, dropped)),
    tools: hasTools ? tools : undefined,
    tool_choice: hasTools ? encodeToolChoice(request.toolChoice, dropped) : undefined,
    parallel_tool_calls: hasTools ? request.parallelToolCalls : undefined,
    response_format: encodeFormat(request.responseFormat, dropped),
    reasoning_effort: encodeEffort(request.reasoning, target.model, dropped),
    ...encodeSampling(request, dropped),
    metadata: request.metadata,
    prompt_cache_key: request.promptCacheKey,
    stream: request.stream ? true : undefined,
    ...dropped.extensions(request.extensions),
  };
  return { body, dropped: dropped.paths };
}
