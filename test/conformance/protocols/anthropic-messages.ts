import Anthropic from '@anthropic-ai/sdk';
import type { Json, JsonObject } from '../../../src/core/json.ts';
import { ApiDescription } from '../api-description.ts';
import { invokeAsSse, invokeEvents, isEventStream } from '../bedrock-invoke.ts';
import { answering, framed, sseEvents, type Read, type StopReading } from '../reading.ts';
import { isObject, plain, sameContent } from '../same.ts';
import type { ConformingProtocol } from './protocol.ts';

const DESCRIPTION = new ApiDescription('anthropic/openapi.json');

/** How Anthropic's words for the end of an answer correspond to OpenAI's (docs/reference/fidelity.md). */
const STOPS: ReadonlyMap<string, StopReading> = new Map([
  ['end_turn', 'stop'],
  ['stop_sequence', 'stop'],
  ['pause_turn', 'stop'],
  ['max_tokens', 'length'],
  ['model_context_window_exceeded', 'length'],
  ['tool_use', 'tool_calls'],
  ['refusal', 'content_filter'],
]);

const ENDPOINTS: ReadonlySet<string> = new Set(['messages', 'invoke', 'invoke-stream']);

const read: Read = async (bytes, stream) => {
  const body = isEventStream([bytes]) ? await invokeAsSse(bytes) : bytes;
  const client = new Anthropic({ apiKey: 'none', maxRetries: 0, fetch: answering(body, stream) });
  const ask = { model: 'any', max_tokens: 1, messages: [{ role: 'user' as const, content: 'any' }] };
  const message = stream ? await client.messages.stream(ask).finalMessage() : await client.messages.create(ask);
  const { usage } = message;
  return {
    text: message.content.map((block) => (block.type === 'text' ? block.text : '')).join(''),
    thinking: message.content.map((block) => (block.type === 'thinking' ? block.thinking : '')).join(''),
    tools: message.content.flatMap((block) => (block.type === 'tool_use' ? [{ id: block.id, name: block.name, input: block.input }] : [])),
    stop: STOPS.get(message.stop_reason ?? ''),
    usage: {
      input: usage.input_tokens + (usage.cache_read_input_tokens ?? 0) + (usage.cache_creation_input_tokens ?? 0),
      output: usage.output_tokens,
      cached: usage.cache_read_input_tokens ?? 0,
      reasoning: usage.output_tokens_details?.thinking_tokens,
    },
  };
};

function sameMessage(value: Json): Json {
  return isObject(value) && value['content'] !== undefined ? { ...value, content: sameContent(value['content']) } : value;
}

/** A text alone and a list of that one text; `stream: false` and nothing. */
function sameRequest(value: JsonObject): JsonObject {
  const body: Record<string, Json | undefined> = { ...plain(value) };
  if (body['stream'] === false) delete body['stream'];
  if (body['system'] !== undefined) body['system'] = sameContent(body['system']);
  body['messages'] = (body['messages'] as readonly Json[]).map(sameMessage);
  return body;
}

export const anthropicMessages: ConformingProtocol = {
  id: 'anthropic-messages',
  // On Bedrock `invoke` takes what the model's own API does; all that was recorded of it is Claude's.
  matches: ({ protocol, endpoint }) => (protocol === 'anthropic' || protocol === 'bedrock') && ENDPOINTS.has(endpoint),
  events: (pieces) => (isEventStream(pieces) ? invokeEvents(pieces) : sseEvents(pieces)),
  frame: framed,
  read,
  sawEnd: (events) => events.some(({ data }) => data.includes('"message_stop"')),
  sameRequest,
  requestFaults: (body) => DESCRIPTION.faults('CreateMessageParams', body),
  models: ['claude-sonnet-4-5', 'claude-opus-5'],
  unreadable: new Map([['anthropic-compatible/messages/rig-streaming-gateway-message-delta-metadata', 'ends in [DONE]']]),
};
