import { CohereClientV2 } from 'cohere-ai';
import type { Json, JsonObject } from '../../../src/core/json.ts';
import { ApiDescription } from '../api-description.ts';
import { answering, framed, parsed, sseEvents, type Read, type Reading, type StopReading, type ToolReading } from '../reading.ts';
import { isObject, plain, sameContent } from '../same.ts';
import type { ConformingProtocol } from './protocol.ts';

const DESCRIPTION = new ApiDescription('cohere/openapi.json');

const STOPS: ReadonlyMap<string, StopReading> = new Map([
  ['COMPLETE', 'stop'],
  ['STOP_SEQUENCE', 'stop'],
  ['MAX_TOKENS', 'length'],
  ['TOOL_CALL', 'tool_calls'],
  ['ERROR_TOXIC', 'content_filter'],
]);

interface Figures {
  readonly tokens?: { readonly inputTokens?: number; readonly outputTokens?: number; readonly reasoning_tokens?: number } | undefined;
  readonly cachedTokens?: number | undefined;
}

function readUsage(usage: Figures | undefined): Reading['usage'] {
  if (usage?.tokens === undefined) return undefined;
  const { inputTokens = 0, outputTokens = 0, reasoning_tokens: reasoning } = usage.tokens;
  return { input: inputTokens, output: outputTokens, cached: usage.cachedTokens ?? 0, reasoning };
}

const ASK = { model: 'any', messages: [{ role: 'user' as const, content: 'any' }] };

const readAnswer = async (client: CohereClientV2): Promise<Reading> => {
  const { message, finishReason, usage } = await client.chat(ASK);
  const content = message.content ?? [];
  return {
    text: content.map((item) => (item.type === 'text' ? item.text : '')).join(''),
    thinking: content.map((item) => (item.type === 'thinking' ? item.thinking : '')).join('') + (message.toolPlan ?? ''),
    tools: (message.toolCalls ?? []).map(({ id, function: call }) => ({
      id,
      name: call?.name ?? '',
      input: parsed(call?.arguments ?? ''),
    })),
    stop: STOPS.get(finishReason),
    usage: readUsage(usage),
  };
};

type CohereEvent = Awaited<ReturnType<CohereClientV2['chatStream']>> extends AsyncIterable<infer Event> ? Event : never;

class Told {
  text = '';
  thinking = '';
  readonly calls: { id: string; name: string; args: string }[] = [];
  stop: StopReading;
  usage: Reading['usage'];
  ended = false;

  hear(event: CohereEvent): void {
    switch (event.type) {
      case 'content-start':
      case 'content-delta':
        this.text += event.delta?.message?.content?.text ?? '';
        this.thinking += event.delta?.message?.content?.thinking ?? '';
        break;
      case 'tool-plan-delta':
        this.thinking += event.delta?.message?.toolPlan ?? '';
        break;
      case 'tool-call-start': {
        const call = event.delta?.message?.toolCalls;
        this.calls.push({ id: call?.id ?? '', name: call?.function?.name ?? '', args: call?.function?.arguments ?? '' });
        break;
      }
      case 'tool-call-delta': {
        const last = this.calls.at(-1);
        if (last !== undefined) last.args += event.delta?.message?.toolCalls?.function?.arguments ?? '';
        break;
      }
      case 'message-end':
        if (event.delta?.error !== undefined) throw new Error(event.delta.error);
        this.ended = true;
        this.stop = STOPS.get(event.delta?.finishReason ?? '');
        this.usage = readUsage(event.delta?.usage);
        break;
      default:
    }
  }

  reading(): Reading {
    if (!this.ended) throw new Error('the stream ended without message-end');
    const tools: readonly ToolReading[] = this.calls.map(({ id, name, args }) => ({ id, name, input: parsed(args) }));
    return { text: this.text, thinking: this.thinking, tools, stop: this.stop, usage: this.usage };
  }
}

const read: Read = async (body, stream) => {
  const client = new CohereClientV2({ token: 'none', maxRetries: 0, fetch: answering(body, stream) });
  if (!stream) return readAnswer(client);
  const told = new Told();
  for await (const event of await client.chatStream(ASK)) told.hear(event);
  return told.reading();
};

function sameMessage(value: Json): Json {
  return isObject(value) && value['content'] !== undefined ? { ...value, content: sameContent(value['content']) } : value;
}

/** A text alone and a list of that one text; `stream: false` and nothing. */
function sameRequest(value: JsonObject): JsonObject {
  const body: Record<string, Json | undefined> = { ...plain(value) };
  if (body['stream'] === false) delete body['stream'];
  body['messages'] = (body['messages'] as readonly Json[]).map(sameMessage);
  return body;
}

export const cohereChat: ConformingProtocol = {
  id: 'cohere-chat',
  matches: ({ provider, endpoint }) => provider === 'cohere' && endpoint === 'chat',
  events: sseEvents,
  frame: framed,
  read,
  sawEnd: (events) => events.some(({ data }) => data.includes('"message-end"')),
  sameRequest,
  requestFaults: (body) => DESCRIPTION.bodyFaults('/v2/chat', body),
  models: ['command-a-03-2025', 'command-a-reasoning-08-2025'],
  unreadable: new Map(),
};
