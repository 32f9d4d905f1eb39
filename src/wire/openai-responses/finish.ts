import type { JsonObject } from '../../core/json.ts';
import type { Finish, FinishReason } from '../../canonical/response.ts';
import { PROTOCOL } from './names.ts';

function reasonOf(raw: string, hasToolCalls: boolean): FinishReason {
  switch (raw) {
    case 'completed':
      return hasToolCalls ? 'tool_calls' : 'stop';
    case 'max_output_tokens':
      return 'length';
    case 'content_filter':
      return 'content_filter';
    default:
      return 'other';
  }
}

/** A response ends `completed`, or `incomplete` for a reason, which is then the word that is kept. Any other status is no end. */
export function decodeFinish(status: string, incompleteReason: string | undefined, hasToolCalls: boolean): Finish | undefined {
  if (status !== 'completed' && status !== 'incomplete') return undefined;
  const raw = status === 'incomplete' ? (incompleteReason ?? status) : status;
  return { reason: reasonOf(raw, hasToolCalls), raw, protocol: PROTOCOL };
}

export interface Ending {
  readonly status: 'completed' | 'incomplete';
  readonly details: JsonObject | null;
}

const COMPLETED: Ending = { status: 'completed', details: null };
const incomplete = (reason: string): Ending => ({ status: 'incomplete', details: { reason } });

export function encodeFinish(finish: Finish | undefined): Ending {
  switch (finish?.reason) {
    case 'length':
    case 'context':
      return incomplete('max_output_tokens');
    case 'content_filter':
    case 'refusal':
      return incomplete('content_filter');
    case 'other':
      if (finish.protocol !== PROTOCOL) return COMPLETED;
      return finish.raw === 'incomplete' ? { status: 'incomplete', details: null } : incomplete(finish.raw);
    case undefined:
    case 'stop':
    case 'stop_sequence':
    case 'tool_calls':
    case 'pause':
      return COMPLETED;
  }
}
