import type { Finish, FinishReason } from '../../canonical/response.ts';
import { PROTOCOL } from './names.ts';

/** `finish_reason` by Mistral's API description; `model_length` is a full context window. */
const REASONS: ReadonlyMap<string, FinishReason> = new Map([
  ['stop', 'stop'],
  ['length', 'length'],
  ['model_length', 'context'],
  ['tool_calls', 'tool_calls'],
]);

/** An answer that calls tools ends by calling them, whatever it says. */
export const decodeFinish = (raw: string, hasToolCalls: boolean): Finish => {
  const reason = REASONS.get(raw) ?? 'other';
  return { reason: hasToolCalls && reason === 'stop' ? 'tool_calls' : reason, raw, protocol: PROTOCOL };
};

export function encodeFinish(finish: Finish): string {
  if (finish.protocol === PROTOCOL) return finish.raw;
  switch (finish.reason) {
    case 'length':
      return 'length';
    case 'context':
      return 'model_length';
    case 'tool_calls':
      return 'tool_calls';
    case 'stop':
    case 'stop_sequence':
    case 'refusal':
    case 'content_filter':
    case 'pause':
    case 'other':
      return 'stop';
  }
}
