import type { Finish, FinishReason } from '../../canonical/response.ts';
import { PROTOCOL } from './names.ts';

/**
 * A forced tool call ends with `stop` at OpenAI, and some providers that copied it leave the reason empty:
 * an answer that calls tools ends by calling them, whatever it says.
 */
const withTools = (reason: FinishReason, hasToolCalls: boolean): FinishReason => (hasToolCalls ? 'tool_calls' : reason);

function reasonOf(raw: string, hasToolCalls: boolean): FinishReason {
  switch (raw) {
    case 'stop':
    case 'eos':
    case '':
      return withTools('stop', hasToolCalls);
    case 'length':
      return 'length';
    case 'tool_calls':
    case 'function_call':
      return 'tool_calls';
    case 'content_filter':
      return 'content_filter';
    default:
      return 'other';
  }
}

export const decodeFinish = (raw: string, hasToolCalls: boolean): Finish => ({
  reason: reasonOf(raw, hasToolCalls),
  raw,
  protocol: PROTOCOL,
});

export function encodeFinish(finish: Finish): string {
  if (finish.protocol === PROTOCOL) return finish.raw;
  switch (finish.reason) {
    case 'length':
    case 'context':
      return 'length';
    case 'tool_calls':
      return 'tool_calls';
    case 'refusal':
    case 'content_filter':
      return 'content_filter';
    case 'stop':
    case 'stop_sequence':
    case 'pause':
    case 'other':
      return 'stop';
  }
}
