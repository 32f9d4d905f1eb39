import type { Operation } from '../routing/operation.ts';
import type { WireProtocolId } from '../wire/protocol.ts';

/** A path that clients call. `forward` ones go through the pipeline to a provider. */
export interface ForwardEndpoint {
  readonly kind: 'forward';
  /** Name in usage rows, logs and metrics. */
  readonly id: string;
  readonly method: 'POST';
  readonly path: string;
  readonly protocol: WireProtocolId;
  readonly operation: Operation;
}

/** A path that the gateway answers by itself. */
export interface LocalEndpoint {
  readonly kind: 'models' | 'model' | 'live' | 'ready';
  readonly id: string;
  readonly method: 'GET';
  /** A trailing slash: everything below it. */
  readonly path: string;
  readonly protocol: WireProtocolId;
}

export type Endpoint = ForwardEndpoint | LocalEndpoint;
