import { isJsonObject, type JsonObject } from '../../core/json.ts';
import { errorWords, parseData } from '../openai-chat/pass-through.ts';
import type { PassThrough, SseEvent, StreamFact } from '../protocol.ts';
import { answerUsage } from './usage.ts';

const COMPLETED = Buffer.from('"response.completed"');
const INCOMPLETE = Buffer.from('"response.incomplete"');
const FAILED = Buffer.from('"response.failed"');
const ERROR_TYPE = Buffer.from('"error"');

const COMMA = 0x2c;
const BRACE = 0x7d;
const SPACE = 0x20;

/** Whether some member's value is the word "error": the name of a member is followed by a colon instead. */
function saysError(bytes: Buffer): boolean {
  for (let at = bytes.indexOf(ERROR_TYPE); at >= 0; at = bytes.indexOf(ERROR_TYPE, at + 1)) {
    let next = at + ERROR_TYPE.length;
    while (bytes[next] === SPACE) next++;
    if (bytes[next] === COMMA || bytes[next] === BRACE) return true;
  }
  return false;
}

const usageIn = (body: JsonObject): StreamFact => {
  const usage = isJsonObject(body['response']) ? answerUsage(body['response']) : undefined;
  return usage === undefined ? {} : { usage };
};

function readEvent({ data }: SseEvent): StreamFact {
  const body = parseData(data);
  switch (body?.['type']) {
    case 'response.completed':
    case 'response.incomplete':
      return { ...usageIn(body), done: true };
    case 'response.failed': {
      const error = isJsonObject(body['response']) ? body['response']['error'] : undefined;
      return { ...usageIn(body), error: errorWords(error ?? true) ?? '' };
    }
    case 'error':
      return { error: errorWords(body['error'] ?? body['message'] ?? true) ?? '' };
    default:
      return {};
  }
}

export const openaiResponsesPassThrough: PassThrough = {
  requestMembers: ['model', 'stream', 'max_output_tokens', 'previous_response_id', 'conversation', 'store', 'background'],
  endUser: [['safety_identifier'], ['user']],
  responseMembers: ['id', 'status', 'usage', 'service_tier', 'tool_usage'],
  usageOfResponse: answerUsage,
  // The last event repeats all that was said; the types of the others never match.
  mayMatter: (bytes) => bytes.includes(COMPLETED) || bytes.includes(INCOMPLETE) || bytes.includes(FAILED) || saysError(bytes),
  readEvent,
};
