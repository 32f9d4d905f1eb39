import { isJsonObject } from '../../core/json.ts';
import { errorWords, parseData } from '../openai-chat/pass-through.ts';
import type { PassThrough, SseEvent, StreamFact } from '../protocol.ts';
import { anthropicUsage } from './usage.ts';

const MESSAGE = Buffer.from('"message_');
const ERROR = Buffer.from('"error"');

function readEvent({ data }: SseEvent): StreamFact {
  const body = parseData(data);
  switch (body?.['type']) {
    case 'message_start': {
      const usage = isJsonObject(body['message']) ? anthropicUsage(body['message']['usage']) : undefined;
      return usage === undefined ? {} : { usage };
    }
    case 'message_delta': {
      const usage = anthropicUsage(body['usage']);
      return usage === undefined ? {} : { usage };
    }
    case 'message_stop':
      return { done: true };
    case 'error':
      return { error: errorWords(body['error'] ?? true) ?? '' };
    default:
      return {};
  }
}

export const anthropicMessagesPassThrough: PassThrough = {
  requestMembers: ['model', 'stream', 'max_tokens'],
  endUser: [['metadata', 'user_id']],
  responseMembers: ['usage'],
  usageOfResponse: (members) => anthropicUsage(members['usage']),
  // The types that matter are message_start, message_delta, message_stop and error; blocks of text are not parsed.
  mayMatter: (bytes) => bytes.includes(MESSAGE) || bytes.includes(ERROR),
  readEvent,
};
