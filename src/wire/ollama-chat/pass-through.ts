import { errorWords, parseData } from '../openai-chat/pass-through.ts';
import type { PassThrough, SseEvent, StreamFact } from '../protocol.ts';
import { ollamaUsage } from './usage.ts';

const COUNT = Buffer.from('eval_count');
const REASON = Buffer.from('"done_reason"');
const DONE = Buffer.from('"done":true');
const ERROR = Buffer.from('"error"');

function readEvent({ data }: SseEvent): StreamFact {
  const body = parseData(data);
  if (body === undefined) return {};
  const error = errorWords(body['error']);
  if (error !== undefined) return { error };
  const usage = ollamaUsage(body);
  return { ...(usage === undefined ? {} : { usage }), ...(body['done'] === true ? { done: true } : {}) };
}

export const ollamaChatPassThrough: PassThrough = {
  requestMembers: ['model', 'stream', 'options'],
  responseMembers: ['prompt_eval_count', 'eval_count'],
  usageOfResponse: ollamaUsage,
  mayMatter: (bytes) => bytes.includes(DONE) || bytes.includes(REASON) || bytes.includes(COUNT) || bytes.includes(ERROR),
  readEvent,
};
