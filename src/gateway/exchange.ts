import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../core/clock.ts';
import type { ErrorCode } from '../core/errors.ts';
import type { RequestId } from '../core/ids.ts';
import type { LimitState } from '../core/rules.ts';
import type { Outcome, TokenUsage } from '../core/usage.ts';
import type { ForwardEndpoint, RawPath } from '../endpoints/endpoint.ts';
import type { ProviderOperation } from '../providers/provider-kind.ts';
import type { Head } from '../http/head.ts';
import { clientFraming, type ClientFraming } from './framing.ts';
import type { Policy, Provider } from './policy-store.ts';

/** Google's way to ask for server-sent events. */
const ALT_SSE = /(?:^|&)alt=sse(?:&|$)/;

/** A target with its provider looked up. */
export interface RoutedTarget {
  readonly provider: Provider;
  /** The provider's own model name. */
  readonly model: string;
  /** What the codecs go by: another than `model` where the configuration says which model is behind that name. */
  readonly baseModel: string;
  /** How this provider is asked for what the client wants. */
  readonly operation: ProviderOperation;
}

/** One attempt at a provider, as far as it came. */
export interface AttemptRecord {
  readonly attempt: number;
  readonly target: RoutedTarget;
  /** A byte may have left for the provider, so that the attempt must be accounted for. */
  reached: boolean;
  outcome: Outcome;
  /** Status of the provider; 0: none came. */
  status: number;
  usage: TokenUsage | undefined;
  /** Tokens of what came, counted by us: used where the provider's own figures are missing or end early. */
  outputEstimate: number;
  /** Body bytes to and from the provider. */
  bytesOut: number;
  bytesIn: number;
}

/** One request on its way through the stages: who asks, what happened so far, and when. The stages' results are values of their own. */
export class Exchange {
  readonly id: RequestId;
  readonly endpoint: ForwardEndpoint;
  /** The model that the path names; undefined where the body does. */
  readonly pathModel: string | undefined;
  /** The provider's own path that the client asks for. */
  #raw: RawPath | undefined;
  /** The gateway answered by itself. */
  answeredHere = false;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly head: Head;
  /** In force for this request, whatever is applied meanwhile. */
  readonly policy: Policy;
  /** Unix milliseconds. */
  readonly startedAt: number;
  readonly attempts: AttemptRecord[] = [];
  /** Monotonic milliseconds of the first byte of the answer. */
  firstByte: number | undefined;
  /** What is left of the limits that the reservation touched; undefined: it touched none. */
  limits: readonly LimitState[] | undefined;
  /** Code of the refusal that the exchange ended with. */
  refusedWith: ErrorCode | undefined;
  /** What the log line says of who asked for what, once it is known. */
  facts: { readonly key?: string; readonly alias?: string; readonly stream?: boolean } = {};
  readonly #clock: Clock;
  readonly #arrived: number;
  #waitedMs = 0;
  #lapAt = 0;
  #gone = false;
  readonly #onGone: (() => void)[] = [];

  constructor(
    parts: Pick<Exchange, 'id' | 'endpoint' | 'pathModel' | 'raw' | 'request' | 'response' | 'head' | 'policy'> & {
      readonly arrived: number;
    },
    clock: Clock,
  ) {
    this.id = parts.id;
    this.endpoint = parts.endpoint;
    this.pathModel = parts.pathModel;
    this.#raw = parts.raw;
    this.request = parts.request;
    this.response = parts.response;
    this.head = parts.head;
    this.policy = parts.policy;
    this.#clock = clock;
    this.startedAt = clock.now();
    this.#arrived = parts.arrived;
    parts.response.on('close', () => {
      if (parts.response.writableFinished) return;
      this.#gone = true;
      for (const tell of this.#onGone.splice(0)) tell();
    });
  }

  get raw(): RawPath | undefined {
    return this.#raw;
  }

  /** The request turned out to be for a provider's own path. */
  passTo(raw: RawPath): void {
    this.#raw = raw;
  }

  /** How the client reads a stream. */
  get framing(): ClientFraming {
    const { framing = 'sse' } = this.endpoint;
    return clientFraming(framing === 'json-array' && ALT_SSE.test(this.head.query) ? 'sse' : framing);
  }

  /** The client left before its answer was whole. */
  get gone(): boolean {
    return this.#gone;
  }

  /** Called at once if the client is gone already. */
  onGone(tell: () => void): void {
    if (this.#gone) tell();
    else this.#onGone.push(tell);
  }

  get elapsedMs(): number {
    return this.#clock.monotonic() - this.#arrived;
  }

  /** Time of our own: without waiting for the client's body, the provider or its bytes. */
  get overheadMs(): number {
    return Math.max(0, this.elapsedMs - this.#waitedMs);
  }

  /** Own time since the last lap. */
  lapMs(): number {
    const now = this.overheadMs;
    const lap = now - this.#lapAt;
    this.#lapAt = now;
    return Math.max(0, lap);
  }

  get firstByteMs(): number | undefined {
    return this.firstByte === undefined ? undefined : this.firstByte - this.#arrived;
  }

  markFirstByte(): void {
    this.firstByte ??= this.#clock.monotonic();
  }

  /** Waits for someone else; the time does not count as overhead. */
  async waitFor<T>(other: Promise<T>): Promise<T> {
    const from = this.#clock.monotonic();
    try {
      return await other;
    } finally {
      this.#waitedMs += this.#clock.monotonic() - from;
    }
  }

  beginAttempt(target: RoutedTarget): AttemptRecord {
    const record: AttemptRecord = {
      attempt: this.attempts.length + 1,
      target,
      reached: false,
      outcome: 'internal',
      status: 0,
      usage: undefined,
      outputEstimate: 0,
      bytesOut: 0,
      bytesIn: 0,
    };
    this.attempts.push(record);
    return record;
  }
}
