import { parseExact } from '../../core/exact-json.ts';
import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts';
import type { PassThrough, SseEvent, StreamFact } from '../protocol.ts';
import { answerUsage } from './usage.ts';

const DONE = Buffer.from('[DONE]');
const USAGE = Buffer.from('"usage"');
const FINISH = Buffer.from('"finish_reason"');
const ERROR = Buffer.from('"error"');

const SPACE = 0x20;
const TAB = 0x09;
const COLON = 0x3a;
const LETTER_N = 0x6e;

/** Whether some member of this name holds anything but null. Strings inside content are escaped, so they do not match. */
function holds(bytes: Buffer, name: Buffer): boolean {
  for (let at = bytes.indexOf(name); at >= 0; at = bytes.indexOf(name, at + name.length)) {
    let next = at + name.length;
    while (bytes[next] === SPACE || bytes[next] === TAB || bytes[next] === COLON) next++;
    if (bytes[next] !== LETTER_N) return true;
  }
  return false;
}

/** Words of an error in a stream; providers put it at the top or, once the stream runs, into a choice. */
export function errorWords(error: Json | undefined): string | undefined {
  if (error === undefined || error === null || error === false) return undefined;
  if (typeof error === 'string') return error;
  if (isJsonObject(error) && typeof error['message'] === 'string') return error['message'];
  return 'the provider reported an error in its stream';
}

function readChunk(body: JsonObject): StreamFact {
  const choices = Array.isArray(body['choices']) ? (body['choices'] as readonly Json[]).filter(isJsonObject) : [];
  const usage = answerUsage(body);
  const error = errorWords(body['error']) ?? choices.map((choice) => errorWords(choice['error'])).find((words) => words !== undefined);
  const finished = choices.some((choice) => typeof choice['finish_reason'] === 'string');
  return {
    ...(usage === undefined ? {} : { usage }),
    ...(error === undefined ? {} : { error }),
    ...(finished ? { finished } : {}),
    ...(usage !== undefined && Array.isArray(body['choices']) && choices.length === 0 ? { usageOnly: true } : {}),
  };
}

/** The text of an event as a JSON object; undefined when it is none. */
export function parseData(data: string): JsonObject | undefined {
  try {
    const value: unknown = parseExact(data);
    return isJsonObject(value) ? value : undefined;
  } catch {
    // Not ours to judge: the bytes pass, and without figures the usage is estimated.
    return undefined;
  }
}

function readEvent({ data }: SseEvent): StreamFact {
  if (data === '[DONE]') return { done: true };
  const body = parseData(data);
  return body === undefined ? {} : readChunk(body);
}

export const openaiChatPassThrough: PassThrough = {
  requestMembers: ['model', 'stream', 'stream_options', 'max_tokens', 'max_completion_tokens', 'n'],
  endUser: [['safety_identifier'], ['user']],
  responseMembers: ['usage', 'x_groq', 'service_tier'],
  usageOfResponse: answerUsage,
  mayMatter: (bytes) => bytes.includes(DONE) || holds(bytes, USAGE) || holds(bytes, FINISH) || holds(bytes, ERROR),
  readEvent,
};
