import type { SignedText } from '../access/principal.ts';
import type { ControlGatewayCall, ControlGatewayNote } from '../ipc/messages/control.ts';
import type { IncomingCall } from '../ipc/peer.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { KeyLookup } from './key-lookup.ts';

export interface ControlCallDeps {
  readonly keys: KeyLookup;
  readonly metrics: Metrics;
  /** False: refused, and the policy before stays in force. */
  readonly applyPolicy: (signed: SignedText) => boolean;
}

/** What control may ask of a worker. A reply says that it is done: from then on a revoked key opens nothing here. */
export function answerControl(call: IncomingCall, { keys, metrics, applyPolicy }: ControlCallDeps): void {
  const asked = call.head as unknown as ControlGatewayCall;
  switch (asked.op) {
    case 'policy.apply':
      return applyPolicy(asked.snapshot) ? call.reply({}) : call.error('proof_invalid');
    case 'key.revoked':
      keys.revoke(asked.digest);
      return call.reply({});
    case 'key.changed':
      keys.forget(asked.digest);
      return call.reply({});
    case 'metrics':
      return call.reply({ metrics: metrics.snapshot() });
    default:
      // A control process one version ahead: better refused than half understood.
      return call.error('invalid_request', { reason: 'This worker does not know that call.' });
  }
}

/** What control lets a worker know without being asked. An op of a later version is of no use here, and harmless. */
export function hearControl({ op, digest, row }: ControlGatewayNote, keys: Pick<KeyLookup, 'offer'>): void {
  if (op === 'key.row') keys.offer(digest, row);
}
