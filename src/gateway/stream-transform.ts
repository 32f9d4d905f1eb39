import type { TokenUsage } from '../core/usage.ts';
import type { WireError } from '../wire/protocol.ts';

export interface StreamEnd {
  readonly rest: readonly Buffer[];
  readonly whole: boolean;
  /** `rest` leaves when this has settled. Never rejects. */
  readonly after?: Promise<void>;
}

/** Turns a provider's stream into the client's, chunk by chunk. Owned by one relay. */
export interface StreamTransform {
  /** Bytes for the client. Throws upstream_invalid where the provider's bytes are beyond bounds. */
  push(chunk: Buffer): readonly Buffer[];
  /** The bytes ended cleanly. `whole`: with the protocol's own end, so that the client may be told so too. */
  end(): StreamEnd;
  /** The protocol's own end has passed: what breaks afterwards takes nothing from the client. */
  readonly isComplete: boolean;
  /** What tells the client that the stream failed; empty: only the broken connection does. */
  failure(error: WireError): Buffer;
  readonly usage: TokenUsage | undefined;
  /** Tokens written so far, by our own count. */
  readonly outputEstimate: number;
  /** The provider reported a failure inside its stream, and the client has been told. */
  readonly reportedError: string | undefined;
}
