import type { Clock } from '../core/clock.ts';
import type { Peer } from '../ipc/peer.ts';
import type { Link } from '../ipc/link.ts';
import type { Logger } from '../telemetry/log.ts';
import type { AnswerCache } from './answer-cache.ts';
import type { GatewayMetrics } from './gateway-metrics.ts';
import type { Guard } from './guard.ts';
import type { KeyLookup } from './key-lookup.ts';
import type { LiveReservations } from './live-reservations.ts';
import type { Outbox } from './outbox.ts';
import type { ResponseState } from './response-state.ts';

/** What the stages need besides their input. */
export interface Deps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: GatewayMetrics;
  readonly keys: KeyLookup;
  readonly guards: readonly Guard[];
  readonly cache: AnswerCache;
  readonly outbox: Outbox;
  readonly reservations: LiveReservations;
  readonly responses: ResponseState;
  readonly ledger: Link;
  /** By shard. */
  readonly vaults: readonly Link[];
}

/** The live connection without a promise where there is one; waits for the other side's restart otherwise. */
export const connected = (link: Link): Peer | Promise<Peer> => link.peer ?? link.ready();
