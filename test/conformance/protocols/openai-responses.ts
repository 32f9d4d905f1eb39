import OpenAI from 'openai';
import type { Json, JsonObject } from '../../../src/core/json.ts';
import type { SseEvent } from '../../../src/wire/protocol.ts';
import { ApiDescription } from '../api-description.ts';
import { answering, framed, parsed, sseEvents, type Read, type Reading, type StopReading } from '../reading.ts';
import { isObject, plain } from '../same.ts';
import type { ConformingProtocol } from './protocol.ts';

const DESCRIPTION = new ApiDescription('openai/openapi.json');
const REQUEST = 'CreateResponse';
const MEMBERS = DESCRIPTION.members(REQUEST);

type Response = OpenAI.Responses.Response;
type Item = Response['output'][number];

/** The summary, or where there is none the reasoning itself. */
function thinkingOf(item: Item): string {
  if (item.type !== 'reasoning') return '';
  const sections = item.summary.length > 0 ? item.summary : (item.content ?? []);
  return sections.map(({ text }) => text).join('\n\n');
}

const contents = (response: Response) => response.output.flatMap((item) => (item.type === 'message' ? item.content : []));

const toolsOf = (response: Response): Reading['tools'] =>
  response.output.flatMap((item) => {
    if (item.type === 'function_call') return [{ id: item.call_id, name: item.name, input: parsed(item.arguments) }];
    // Other protocols have no free-text tools: there the text is the one member `input`.
    return item.type === 'custom_tool_call' ? [{ id: item.call_id, name: item.name, input: { input: item.input } }] : [];
  });

function stopOf(response: Response, tools: Reading['tools']): StopReading {
  if (response.incomplete_details?.reason === 'max_output_tokens') return 'length';
  if (response.incomplete_details?.reason === 'content_filter') return 'content_filter';
  if (tools.length > 0) return 'tool_calls';
  return contents(response).some(({ type }) => type === 'refusal') ? 'content_filter' : 'stop';
}

const usageOf = ({ usage }: Response): Reading['usage'] =>
  usage === undefined || usage === null
    ? undefined
    : {
        input: usage.input_tokens,
        output: usage.output_tokens,
        cached: usage.input_tokens_details.cached_tokens,
        reasoning: usage.output_tokens_details.reasoning_tokens,
      };

const read: Read = async (body, stream) => {
  const client = new OpenAI({ apiKey: 'none', maxRetries: 0, fetch: answering(body, stream) });
  const ask = { model: 'any', input: 'any' };
  const response: Response = stream ? await client.responses.stream(ask).finalResponse() : await client.responses.create(ask);
  // The client hands out what it has of a stream that ended early; its status says so.
  if (response.status !== 'completed' && response.status !== 'incomplete') throw new Error(response.error?.message ?? response.status);
  const tools = toolsOf(response);
  return {
    text: contents(response)
      .map((part) => (part.type === 'refusal' ? part.refusal : part.text))
      .join(''),
    thinking: response.output.map(thinkingOf).join(''),
    tools,
    stop: stopOf(response, tools),
    usage: usageOf(response),
  };
};

const LAST: ReadonlySet<unknown> = new Set(['response.completed', 'response.incomplete']);

const sawEnd = (events: readonly SseEvent[]): boolean =>
  events.some(({ data }) => data.startsWith('{') && LAST.has((JSON.parse(data) as JsonObject)['type']));

const TEXTS: ReadonlySet<unknown> = new Set(['input_text', 'output_text']);

function sameContent(content: Json | undefined): Json | undefined {
  if (!Array.isArray(content) || content.length !== 1) return content;
  const only = content[0] as Json;
  return isObject(only) && TEXTS.has(only['type']) && Object.keys(only).length === 2 ? only['text'] : content;
}

function sameItem(value: Json): Json {
  if (!isObject(value)) return value;
  const item: Record<string, Json | undefined> = { ...value };
  for (const name of ['content', 'output']) if (item[name] !== undefined) item[name] = sameContent(item[name]);
  return item;
}

/** A text alone and a user's message of it; a text alone and a list of that one text; `stream: false` and nothing. */
function sameRequest(value: JsonObject): JsonObject {
  const body: Record<string, Json | undefined> = { ...plain(value) };
  if (body['stream'] === false) delete body['stream'];
  if (typeof body['input'] === 'string') body['input'] = [{ role: 'user', content: body['input'] }];
  if (Array.isArray(body['input'])) body['input'] = (body['input'] as readonly Json[]).map(sameItem);
  return body;
}

/** OpenAI's own clients replay reasoning without its id, which the description calls required (recorded: openai, azure-openai and xai take it). */
const isTaken = (fault: string): boolean => /^\.input\[\d+\]\.id: is missing$/.test(fault);

export const openaiResponses: ConformingProtocol = {
  id: 'openai-responses',
  matches: ({ protocol, endpoint }) => protocol === 'openai' && endpoint === 'responses',
  events: sseEvents,
  frame: framed,
  read,
  sawEnd,
  sameRequest,
  requestFaults: (body) => [
    ...DESCRIPTION.faults(REQUEST, body).filter((fault) => !isTaken(fault)),
    ...Object.keys(body)
      .filter((name) => !MEMBERS.has(name))
      .map((name) => `.${name}: is no member of ${REQUEST}`),
  ],
  models: ['gpt-5.6'],
  unreadable: new Map(),
};
