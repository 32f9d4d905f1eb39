import type { Finish, FinishReason } from '../../canonical/response.ts';
import { PROTOCOL } from './names.ts';

/** Cohere's `finish_reason` (ChatFinishReason); `ERROR_TOXIC` and `ERROR_LIMIT` are older words of the same list. */
const REASONS: ReadonlyMap<string, FinishReason> = new Map([
  ['COMPLETE', 'stop'],
  ['STOP_SEQUENCE', 'stop_sequence'],
  ['MAX_TOKENS', 'length'],
  ['TOOL_CALL', 'tool_calls'],
  ['ERROR_TOXIC', 'content_filter'],
  ['ERROR_LIMIT', 'context'],
]);

export const decodeFinish = (raw: string): Finish => ({ reason: REASONS.get(raw) ?? 'other', raw, protocol: PROTOCOL });

export function encodeFinish(finish: Finish): string {
  if (finish.protocol === PROTOCOL) return finish.raw;
  switch (finish.reason) {
    case 'stop_sequence':
      return 'STOP_SEQUENCE';
    case 'length':
    case 'context':
      return 'MAX_TOKENS';
    case 'tool_calls':
      return 'TOOL_CALL';
    case 'refusal':
    case 'content_filter':
      return 'ERROR_TOXIC';
    case 'stop':
    case 'pause':
    case 'other':
      return 'COMPLETE';
  }
}
