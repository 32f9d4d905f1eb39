import { GoogleGenAI, type FunctionCall, type GenerateContentResponse, type Part } from '@google/genai';
import type { Json, JsonObject } from '../../../src/core/json.ts';
import type { SseEvent } from '../../../src/wire/protocol.ts';
import { ApiDescription } from '../api-description.ts';
import { answering, framed, sseEvents, type Read, type Reading, type StopReading, type ToolReading } from '../reading.ts';
import { isObject, plain } from '../same.ts';
import type { ConformingProtocol } from './protocol.ts';

const DESCRIPTION = new ApiDescription('gemini/openapi.v1beta.json');
const REQUEST = 'GenerateContentRequest';

/** All other words end an answer without saying that it was cut or held back. */
const STOPS: ReadonlyMap<string, StopReading> = new Map([
  ['MAX_TOKENS', 'length'],
  ['SAFETY', 'content_filter'],
  ['RECITATION', 'content_filter'],
  ['BLOCKLIST', 'content_filter'],
  ['PROHIBITED_CONTENT', 'content_filter'],
  ['SPII', 'content_filter'],
  ['IMAGE_SAFETY', 'content_filter'],
]);

const hasFigures = ({ usageMetadata: usage }: GenerateContentResponse): boolean =>
  usage?.totalTokenCount !== undefined || usage?.promptTokenCount !== undefined;

/** What Google's tools put into the prompt is counted beside it; a prompt of pictures alone is only in the total. */
function readUsage(answer: GenerateContentResponse | undefined): Reading['usage'] {
  const usage = answer?.usageMetadata;
  if (usage === undefined) return undefined;
  const output = (usage.candidatesTokenCount ?? 0) + (usage.thoughtsTokenCount ?? 0);
  const prompt = usage.promptTokenCount ?? (usage.totalTokenCount ?? 0) - output;
  return {
    input: prompt + (usage.toolUsePromptTokenCount ?? 0),
    output,
    cached: usage.cachedContentTokenCount ?? 0,
    reasoning: usage.thoughtsTokenCount,
  };
}

/** Calls whose arguments Vertex streams come in pieces, which its clients put together; here only those of one level. */
function readCalls(calls: readonly FunctionCall[]): readonly ToolReading[] {
  const tools: ToolReading[] = [];
  for (const { id, name, args, partialArgs } of calls) {
    if (name !== undefined) tools.push({ id: id ?? '', name, input: { ...args } });
    const input = (tools.at(-1)?.input ?? {}) as Record<string, unknown>;
    for (const { jsonPath, stringValue } of partialArgs ?? []) {
      const key = (jsonPath ?? '').slice('$.'.length);
      input[key] = `${(input[key] as string | undefined) ?? ''}${stringValue ?? ''}`;
    }
  }
  return tools;
}

function readStop(answers: readonly GenerateContentResponse[], hasTools: boolean): StopReading {
  if (answers.some(({ promptFeedback }) => promptFeedback?.blockReason !== undefined)) return 'content_filter';
  const said = answers.map(({ candidates }) => candidates?.[0]?.finishReason).findLast((reason) => reason !== undefined);
  if (said === undefined) return undefined;
  return STOPS.get(said) ?? (hasTools ? 'tool_calls' : 'stop');
}

const isThought = (part: Part): boolean => part.thought === true;
const textOf = (parts: readonly Part[]): string => parts.map(({ text }) => text ?? '').join('');

const read: Read = async (body, stream) => {
  const client = new GoogleGenAI({ apiKey: 'none', httpOptions: { baseUrl: 'http://gateway.test', fetch: answering(body, stream) } });
  const ask = { model: 'any', contents: 'any' };
  const answers: GenerateContentResponse[] = [];
  if (stream) for await (const chunk of await client.models.generateContentStream(ask)) answers.push(chunk);
  else answers.push(await client.models.generateContent(ask));
  const firsts = answers.map(({ candidates }) => candidates?.find(({ index }) => (index ?? 0) === 0));
  const parts = firsts.flatMap((candidate) => candidate?.content?.parts ?? []);
  const tools = readCalls(parts.flatMap(({ functionCall }) => functionCall ?? []));
  return {
    text: textOf(parts.filter((part) => !isThought(part))),
    thinking: textOf(parts.filter(isThought)),
    tools,
    stop: readStop(answers, tools.length > 0),
    usage: readUsage(answers.findLast(hasFigures)),
  };
};

interface Chunk {
  readonly candidates?: readonly { readonly index?: number; readonly finishReason?: string | number }[];
  readonly promptFeedback?: { readonly blockReason?: string };
}

/** There is no event for the end: all candidates that were begun have said why they stopped, or the question was blocked. */
function sawEnd(events: readonly SseEvent[]): boolean {
  const begun = new Set<number>();
  const finished = new Set<number>();
  for (const { data } of events) {
    const chunk = JSON.parse(data) as Chunk;
    if (chunk.promptFeedback?.blockReason !== undefined) return true;
    for (const { index = 0, finishReason } of chunk.candidates ?? []) {
      begun.add(index);
      if (finishReason !== undefined) finished.add(index);
    }
  }
  return begun.size > 0 && begun.size === finished.size;
}

/** A content without a role is the user's. */
const sameContent = (content: Json): Json => (isObject(content) && content['role'] === undefined ? { ...content, role: 'user' } : content);

function sameRequest(value: JsonObject): JsonObject {
  const body = plain(value);
  return { ...body, contents: (body['contents'] as readonly Json[]).map(sameContent) };
}

const unknown = (schema: string, value: Json | undefined, path: string): readonly string[] => {
  const members = DESCRIPTION.members(schema);
  const names = isObject(value) ? Object.keys(value) : [];
  return names.filter((name) => !members.has(name)).map((name) => `${path}.${name}: is no member of ${schema}`);
};

const listOf = (value: Json | undefined): readonly Json[] => (Array.isArray(value) ? (value as readonly Json[]) : []);

/** The model is in the path, though the description wants it in the body. */
function requestFaults(value: JsonObject): readonly string[] {
  const body = plain(value);
  const contents = listOf(body['contents']);
  return [
    ...DESCRIPTION.faults(REQUEST, { ...body, model: 'models/any' }),
    ...unknown(REQUEST, body, ''),
    ...unknown('GenerationConfig', body['generationConfig'], '.generationConfig'),
    ...contents.flatMap((content, at) => unknown('Content', content, `.contents[${at}]`)),
    ...contents
      .flatMap((content) => (isObject(content) ? listOf(content['parts']) : []))
      .flatMap((part) => unknown('Part', part, '.contents[].parts[]')),
    ...contents.flatMap((content, at) =>
      isObject(content) && listOf(content['parts']).length > 0 ? [] : [`.contents[${at}]: has no parts`],
    ),
  ];
}

export const gemini: ConformingProtocol = {
  id: 'gemini',
  // A stream as a JSON array is for clients that ask for it; providers are always asked for events.
  matches: ({ protocol, endpoint, framing }) =>
    protocol === 'gemini' && (endpoint === 'generate-content' || endpoint === 'stream-generate-content') && framing !== 'json-array',
  events: sseEvents,
  frame: framed,
  read,
  sawEnd,
  sameRequest,
  requestFaults,
  models: ['gemini-2.5-flash', 'gemini-3-pro-preview'],
  unreadable: new Map(),
};
