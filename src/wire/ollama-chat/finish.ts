import type { Finish } from '../../canonical/response.ts';
import { PROTOCOL } from './names.ts';

/** `load` and `unload` are answers to requests without messages. An answer that calls tools says `stop`. */
export function decodeFinish(raw: string, hasToolCalls: boolean): Finish {
  const reason = raw === 'length' ? 'length' : raw !== 'stop' ? 'other' : hasToolCalls ? 'tool_calls' : 'stop';
  return { reason, raw, protocol: PROTOCOL };
}

export function encodeFinish(finish: Finish): string {
  if (finish.protocol === PROTOCOL) return finish.raw;
  return finish.reason === 'length' || finish.reason === 'context' ? 'length' : 'stop';
}
