import type { JsonObject } from '../../core/json.ts';
import type { Part, ToolCallPart, ToolResultPart } from '../../canonical/part.ts';
import type { CanonicalRequest, Message, Reasoning, ResponseFormat, Tool, ToolChoice } from '../../canonical/request.ts';
import { ANTHROPIC_SIGNATURE } from '../../canonical/part.ts';
import { Dropped } from '../dropped.ts';
import { isStrictSchema } from '../json-schema.ts';
import type { Encoded, EncodeTarget } from '../protocol.ts';
import { encodeContent, encodeToolCall } from './content-encode.ts';
import { PROTOCOL } from './names.ts';
import { encodeReasoning, REASONING_FIELDS } from './reasoning.ts';

/** OpenAI takes four; more are left out and reported. */
const MAX_STOP = 4;

/**
 * Reasoning of earlier turns: sent on in the words of those that copied OpenAI's protocol and want it back. What another vendor signed is
 * worth nothing here and is left out.
 */
function encodeThinking(parts: readonly Part[], dropped: Dropped): JsonObject {
  if (dropped.sourceIs(PROTOCOL)) return encodeReasoning(parts);
  const foreign = (part: Part): boolean =>
    part.type === 'redacted_thinking' || (part.type === 'thinking' && part.format === ANTHROPIC_SIGNATURE);
  if (parts.some(foreign)) dropped.field('thinking');
  return encodeReasoning(parts.filter((part) => !foreign(part)));
}

function encodeAssistant(message: Message, dropped: Dropped): JsonObject {
  const calls = message.parts.filter((part): part is ToolCallPart => part.type === 'tool_call');
  const refusal = message.parts.find((part) => part.type === 'refusal');
  const spoken = message.parts.filter(
    (part) => part.type === 'text' || part.type === 'other' || part.type === 'image' || part.type === 'file',
  );
  for (const call of calls) {
    if (call.cache !== undefined) dropped.field('cacheMarker');
    dropped.extensions(call.extensions, 'part');
  }
  const content = encodeContent(spoken, dropped);
  const own = dropped.extensions(message.extensions, 'message');
  const thinking = own !== undefined && REASONING_FIELDS.some((name) => name in own) ? {} : encodeThinking(message.parts, dropped);
  return {
    role: 'assistant',
    name: message.name,
    content: content.length === 0 && spoken.length === 0 ? null : content,
    ...thinking,
    refusal: refusal?.text,
    tool_calls: calls.length === 0 ? undefined : calls.map((call, index) => encodeToolCall(call, `call_${index}`)),
    ...own,
  };
}

const staysInResult = (part: Part): boolean => part.type === 'text' || part.type === 'other';

/** This protocol's tool messages hold text only: images and files of a result follow in a user message. */
function encodeToolResult(result: ToolResultPart, own: JsonObject | undefined, dropped: Dropped): JsonObject {
  if (result.isError === true) dropped.field('toolResultError');
  if (result.cache !== undefined) dropped.field('cacheMarker');
  dropped.extensions(result.extensions, 'part');
  const parts = dropped.sourceIs(PROTOCOL) ? result.parts : result.parts.filter(staysInResult);
  const content = encodeContent(parts, dropped);
  return { role: 'tool', tool_call_id: result.callId, content: content.length === 0 ? '' : content, ...own };
}

/** Where every part of a message had to be left out, an empty text keeps its place. */
function contentOrEmpty(parts: readonly Part[], dropped: Dropped): string | readonly JsonObject[] {
  const content = encodeContent(parts, dropped);
  return content.length === 0 && !dropped.sourceIs(PROTOCOL) ? '' : content;
}

/** A user's or tool's message: results first, each as a message of its own, then the rest. */
function encodeTurn(message: Message, dropped: Dropped): readonly JsonObject[] {
  const own = dropped.extensions(message.extensions, 'message');
  const results = message.parts.filter((part): part is ToolResultPart => part.type === 'tool_result');
  if (results.length === 0) return [{ role: message.role, name: message.name, content: contentOrEmpty(message.parts, dropped), ...own }];
  const media = dropped.sourceIs(PROTOCOL) ? [] : results.flatMap((result) => result.parts.filter((part) => !staysInResult(part)));
  const rest = encodeContent([...media, ...message.parts.filter((part) => part.type !== 'tool_result')], dropped);
  const encoded = results.map((result) => encodeToolResult(result, message.role === 'tool' ? own : undefined, dropped));
  return rest.length === 0 ? encoded : [...encoded, { role: 'user', content: rest }];
}

function encodeTool(tool: Tool, dropped: Dropped): JsonObject | undefined {
  if (tool.type === 'other') {
    if (tool.protocol === PROTOCOL) return tool.value;
    dropped.inside('tool', String(tool.value['type']));
    return undefined;
  }
  const { name, description, parameters, strict } = tool;
  const own = dropped.extensions(tool.extensions, 'tool');
  if (tool.cache !== undefined && own === undefined) dropped.field('cacheMarker');
  return { type: 'function', function: { name, description, parameters, strict }, ...own };
}

function encodeToolChoice(choice: ToolChoice | undefined, dropped: Dropped): JsonObject | string | undefined {
  switch (choice?.type) {
    case undefined:
      return undefined;
    case 'tool':
      return { type: 'function', function: { name: choice.name } };
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
const schemaName = (title: unknown): string =>
  (typeof title === 'string' ? title.replaceAll(/[^a-zA-Z0-9_-]/g, '_').slice(0, 64) : '') || 'response';

function encodeFormat(format: ResponseFormat | undefined, dropped: Dropped): JsonObject | undefined {
  switch (format?.type) {
    case undefined:
      return undefined;
    case 'text':
      return { type: 'text' };
    case 'json':
      return { type: 'json_object' };
    case 'json_schema': {
      const { name, description, schema } = format;
      const strict = format.strict ?? (!dropped.sourceIs(PROTOCOL) && isStrictSchema(schema) ? true : undefined);
      return {
        type: 'json_schema',
        json_schema: { name: name ?? (dropped.sourceIs(PROTOCOL) ? undefined : schemaName(schema['title'])), description, schema, strict },
      };
    }
  }
}

/** A budget in tokens has no counterpart here: it becomes the effort that it is about. */
function encodeEffort(reasoning: Reasoning | undefined): string | undefined {
  if (reasoning?.mode === 'off') return 'none';
  if (reasoning?.effort !== undefined) return reasoning.effort;
  if (reasoning?.budget === undefined) return undefined;
  if (reasoning.budget <= 2048) return 'low';
  return reasoning.budget <= 8192 ? 'medium' : 'high';
}

function encodeStop(stop: readonly string[] | undefined, dropped: Dropped): readonly string[] | undefined {
  if (stop === undefined || stop.length <= MAX_STOP || dropped.sourceIs(PROTOCOL)) return stop;
  dropped.field('stop');
  return stop.slice(0, MAX_STOP);
}

/** `top_k` is no field of OpenAI's; who sends it here in this protocol talks to a provider that knows it. */
function encodeTopK(topK: number | undefined, dropped: Dropped): number | undefined {
  if (dropped.sourceIs(PROTOCOL)) return topK;
  dropped.fieldIf('topK', topK);
  return undefined;
}

const encodeSampling = (request: CanonicalRequest, dropped: Dropped): JsonObject => ({
  max_completion_tokens: request.maxOutputTokens,
  temperature: request.temperature,
  top_p: request.topP,
  top_k: encodeTopK(request.topK, dropped),
  frequency_penalty: request.frequencyPenalty,
  presence_penalty: request.presencePenalty,
  seed: request.seed,
  stop: encodeStop(request.stop, dropped),
  n: request.candidates,
  logprobs: request.logprobs,
  top_logprobs: request.topLogprobs,
  logit_bias: request.logitBias,
});

export function encodeRequest(request: CanonicalRequest, target: EncodeTarget): Encoded {
  const dropped = new Dropped(request, PROTOCOL);
  const tools = request.tools?.map((tool) => encodeTool(tool, dropped)).filter((tool) => tool !== undefined);
  const hasTools = dropped.sourceIs(PROTOCOL) || (tools !== undefined && tools.length > 0);
  const body = {
    model: target.model,
    messages: request.messages.flatMap((message) =>
      message.role === 'assistant' ? [encodeAssistant(message, dropped)] : encodeTurn(message, dropped),
    ),
    tools: hasTools ? tools : undefined,
    tool_choice: hasTools ? encodeToolChoice(request.toolChoice, dropped) : undefined,
    parallel_tool_calls: hasTools ? request.parallelToolCalls : undefined,
    response_format: encodeFormat(request.responseFormat, dropped),
    reasoning_effort: encodeEffort(request.reasoning),
    ...encodeSampling(request, dropped),
    stream: request.stream ? true : undefined,
    stream_options: request.stream && request.includeUsage ? { include_usage: true } : undefined,
    user: request.user,
    metadata: request.metadata,
    service_tier: request.serviceTier,
    ...dropped.extensions(request.extensions),
  };
  return { body, dropped: dropped.paths };
}
