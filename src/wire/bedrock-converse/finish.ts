import type { Finish, FinishReason } from '../../canonical/response.ts';
import { PROTOCOL } from './names.ts';

function reasonOf(raw: string): FinishReason {
  switch (raw) {
    case 'end_turn':
      return 'stop';
    case 'stop_sequence':
      return 'stop_sequence';
    case 'max_tokens':
      return 'length';
    case 'model_context_window_exceeded':
      return 'context';
    case 'tool_use':
      return 'tool_calls';
    case 'guardrail_intervened':
    case 'content_filtered':
      return 'content_filter';
    default:
      // malformed_model_output, malformed_tool_use and what is yet to come.
      return 'other';
  }
}

export const decodeFinish = (raw: string, stopSequence: string | undefined): Finish => ({
  reason: reasonOf(raw),
  raw,
  protocol: PROTOCOL,
  stopSequence,
});

export function encodeFinish(finish: Finish, hasRefusal: boolean): string {
  if (finish.protocol === PROTOCOL) return finish.raw;
  switch (finish.reason) {
    case 'length':
      return 'max_tokens';
    case 'context':
      return 'model_context_window_exceeded';
    case 'tool_calls':
      return 'tool_use';
    case 'refusal':
    case 'content_filter':
      return 'content_filtered';
    case 'stop_sequence':
      return 'stop_sequence';
    case 'stop':
    case 'pause':
    case 'other':
      return hasRefusal ? 'content_filtered' : 'end_turn';
  }
}
