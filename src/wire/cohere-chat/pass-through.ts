import { isJsonObject } from '../../core/json.ts';
import { parseData } from '../openai-chat/pass-through.ts';
import type { PassThrough, SseEvent, StreamFact } from '../protocol.ts';
import { cohereUsage } from './usage.ts';

const END = Buffer.from('message-end');

function readEvent({ data }: SseEvent): StreamFact {
  const body = parseData(data);
  if (body?.['type'] !== 'message-end' || !isJsonObject(body['delta'])) return {};
  const { usage: figures, error } = body['delta'];
  if (typeof error === 'string' && error !== '') return { error };
  const usage = cohereUsage(figures);
  return { done: true, ...(usage === undefined ? {} : { usage }) };
}

export const cohereChatPassThrough: PassThrough = {
  requestMembers: ['model', 'stream', 'max_tokens'],
  responseMembers: ['usage'],
  usageOfResponse: (members) => cohereUsage(members['usage']),
  mayMatter: (bytes) => bytes.includes(END),
  readEvent,
};
