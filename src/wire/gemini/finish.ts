import type { Json } from '../../core/json.ts';
import type { Finish, FinishReason } from '../../canonical/response.ts';
import { PROTOCOL } from './names.ts';

/** In the order of Google's protocol buffers, since some send the number. */
const WORDS = [
  'FINISH_REASON_UNSPECIFIED',
  'STOP',
  'MAX_TOKENS',
  'SAFETY',
  'RECITATION',
  'OTHER',
  'BLOCKLIST',
  'PROHIBITED_CONTENT',
] as const;

/** The provider blocked the question itself: the answer has no candidates, and the reason stands behind this mark in `Finish.raw`. */
const BLOCKED = 'promptFeedback.';

/** An answer that calls functions ends by calling them, though Gemini says `STOP`. */
function reasonOf(raw: string, hasToolCalls: boolean): FinishReason {
  switch (raw) {
    case 'STOP':
      return hasToolCalls ? 'tool_calls' : 'stop';
    // A function that nobody declared: the call stands in the answer, and is the client's to refuse.
    case 'UNEXPECTED_TOOL_CALL':
      return hasToolCalls ? 'tool_calls' : 'other';
    case 'MAX_TOKENS':
      return 'length';
    case 'SAFETY':
    case 'RECITATION':
    case 'BLOCKLIST':
    case 'PROHIBITED_CONTENT':
    case 'SPII':
    case 'IMAGE_SAFETY':
    case 'IMAGE_PROHIBITED_CONTENT':
    case 'IMAGE_RECITATION':
    case 'MODEL_ARMOR':
      return 'content_filter';
    case 'TOO_MANY_TOOL_CALLS':
      return 'pause';
    // LANGUAGE, OTHER, MALFORMED_FUNCTION_CALL, NO_IMAGE, MALFORMED_RESPONSE, … and whatever comes next.
    default:
      return 'other';
  }
}

/** The word for a reason; undefined: none was given. */
export function finishWord(value: Json | undefined): string | undefined {
  if (typeof value === 'number') return WORDS[value] ?? 'OTHER';
  return typeof value === 'string' && value !== '' && value !== 'FINISH_REASON_UNSPECIFIED' ? value : undefined;
}

export const decodeFinish = (raw: string, hasToolCalls: boolean): Finish => ({
  reason: reasonOf(raw, hasToolCalls),
  raw,
  protocol: PROTOCOL,
});

export const decodeBlock = (blockReason: string): Finish => ({
  reason: 'content_filter',
  raw: `${BLOCKED}${blockReason}`,
  protocol: PROTOCOL,
});

/** Why the question was blocked, if it was. */
export const blockReasonOf = (finish: Finish | undefined): string | undefined =>
  finish?.protocol === PROTOCOL && finish.raw.startsWith(BLOCKED) ? finish.raw.slice(BLOCKED.length) : undefined;

/** OpenAI says a refusal in the message and ends with `stop`; here the reason must say it. */
export function encodeFinish(finish: Finish, hasRefusal: boolean): string {
  if (finish.protocol === PROTOCOL) return finish.raw;
  switch (finish.reason) {
    case 'length':
    case 'context':
      return 'MAX_TOKENS';
    case 'refusal':
    case 'content_filter':
      return 'SAFETY';
    case 'stop':
    case 'stop_sequence':
    case 'tool_calls':
    case 'pause':
    case 'other':
      return hasRefusal ? 'SAFETY' : 'STOP';
  }
}
