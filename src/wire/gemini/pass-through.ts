import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts';
import { errorWords, parseData } from '../openai-chat/pass-through.ts';
import type { PassThrough, SseEvent, StreamFact } from '../protocol.ts';
import { finishWord } from './finish.ts';
import { answerUsage } from './usage.ts';

const USAGE = Buffer.from('"usageMetadata"');
const FINISH = Buffer.from('"finishReason"');
const BLOCK = Buffer.from('"blockReason"');
const ERROR = Buffer.from('"error"');

/** There is no event for the end: an answer is complete when its candidates have said why they stopped, or when its question was blocked. */
function isFinished(body: JsonObject): boolean {
  const feedback = body['promptFeedback'];
  if (isJsonObject(feedback) && typeof feedback['blockReason'] === 'string') return true;
  const candidates = Array.isArray(body['candidates']) ? (body['candidates'] as readonly Json[]).filter(isJsonObject) : [];
  return candidates.some((candidate) => finishWord(candidate['finishReason']) !== undefined);
}

function readEvent({ data }: SseEvent): StreamFact {
  const body = parseData(data);
  if (body === undefined) return {};
  const usage = answerUsage(body);
  const error = errorWords(body['error']);
  return {
    ...(usage === undefined ? {} : { usage }),
    ...(error === undefined ? {} : { error }),
    ...(isFinished(body) ? { finished: true } : {}),
  };
}

export const geminiPassThrough: PassThrough = {
  requestMembers: ['model', 'generationConfig'],
  endUser: [['labels', 'user']],
  responseMembers: ['usageMetadata'],
  usageOfResponse: answerUsage,
  mayMatter: (bytes) => bytes.includes(USAGE) || bytes.includes(FINISH) || bytes.includes(BLOCK) || bytes.includes(ERROR),
  readEvent,
};
