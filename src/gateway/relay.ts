import { BulkheadError } from '../core/errors.ts';
import type { Outcome } from '../core/usage.ts';
import type { ResponseWriter } from '../http/response-writer.ts';
import type { StreamedAnswer } from './answer.ts';
import type { AttemptRecord, Exchange } from './exchange.ts';
import { outcomeOf, wireError } from './failure.ts';
import type { StreamEnd, StreamTransform } from './stream-transform.ts';
import type { UpstreamCall } from './upstream-call.ts';

export interface RelayInput {
  readonly exchange: Exchange;
  readonly record: AttemptRecord;
  readonly call: UpstreamCall;
  readonly transform: StreamTransform;
  readonly status: number;
  readonly headers: StreamedAnswer['headers'];
  /** Bytes taken from the call before it became clear that the answer is relayed. */
  readonly early?: readonly Buffer[];
}

/** How long a client may take to read that its stream failed. */
const LAST_WORD_MS = 5_000;

/**
 * Moves a body from the vault to the client: credit goes back to the vault only for bytes that the client's socket took, so a
 * slow client slows its provider and nobody else. Ends in exactly one way, which the attempt's record then tells.
 */
export function relayed(input: RelayInput): StreamedAnswer {
  const relay = new Relay(input);
  return {
    kind: 'streamed',
    status: input.status,
    headers: input.headers,
    relay: (writer) => relay.run(writer),
    resume: () => relay.resume(),
  };
}

class Relay {
  readonly #input: RelayInput;
  /** Body bytes that the client's socket has not taken. */
  #owed = 0;
  #finished = false;
  #timer: NodeJS.Timeout | undefined;
  #resolve: () => void = () => undefined;

  constructor(input: RelayInput) {
    this.#input = input;
  }

  run(writer: ResponseWriter): Promise<void> {
    const { exchange, call, early = [] } = this.#input;
    const done = new Promise<void>((resolve) => (this.#resolve = resolve));
    const { streamMs } = exchange.policy.snapshot.timeouts;
    this.#timer = setTimeout(() => {
      call.cancel();
      this.#fail(writer, new BulkheadError('upstream_timeout', { provider: this.#provider, seconds: streamMs / 1000 }));
    }, streamMs).unref();
    // Many clients leave as soon as they have read the protocol's end: they missed nothing.
    exchange.onGone(() => this.#finish(this.#input.transform.isComplete ? 'ok' : 'cancelled'));
    for (const chunk of early) this.#take(writer, chunk);
    if (!this.#finished) {
      call.consume({
        data: (chunk) => this.#data(writer, chunk),
        end: (trailers) => {
          if (trailers.bytesIn !== undefined) this.#input.record.bytesIn = trailers.bytesIn;
          this.#end(writer);
        },
        failed: (error) => (this.#input.transform.isComplete ? this.#end(writer) : this.#fail(writer, error)),
      });
    }
    return done;
  }

  resume(): void {
    if (this.#owed === 0) return;
    this.#input.call.consumed(this.#owed);
    this.#owed = 0;
  }

  get #provider(): string {
    return this.#input.record.target.provider.policy.id;
  }

  #data(writer: ResponseWriter, chunk: Buffer): void {
    if (this.#finished) return;
    if (this.#take(writer, chunk)) this.#input.call.consumed(chunk.length);
    else this.#owed += chunk.length;
  }

  /** False: the client is behind. */
  #take(writer: ResponseWriter, chunk: Buffer): boolean {
    const { record, transform } = this.#input;
    record.bytesIn += chunk.length;
    try {
      return this.#write(writer, transform.push(chunk));
    } catch (error) {
      this.#input.call.cancel();
      this.#fail(writer, error instanceof BulkheadError ? error : new BulkheadError('internal', {}, { cause: error }));
      return true;
    }
  }

  #write(writer: ResponseWriter, pieces: readonly Buffer[]): boolean {
    let flows = true;
    for (const piece of pieces) flows = writer.write(piece);
    if (pieces.length > 0) this.#input.exchange.markFirstByte();
    return flows;
  }

  #end(writer: ResponseWriter): void {
    if (this.#finished) return;
    const end = this.#lastOf(writer);
    if (end === undefined) return;
    if (end.after === undefined) return this.#close(writer, end);
    void end.after.then(() => this.#close(writer, end));
  }

  /** Undefined: what was left could not be read, and the client has been told. */
  #lastOf(writer: ResponseWriter): StreamEnd | undefined {
    try {
      return this.#input.transform.end();
    } catch (error) {
      this.#fail(writer, error instanceof BulkheadError ? error : new BulkheadError('internal', {}, { cause: error }));
      return undefined;
    }
  }

  #close(writer: ResponseWriter, { rest, whole }: StreamEnd): void {
    if (this.#finished) return;
    const { transform } = this.#input;
    this.#write(writer, rest);
    if (!whole && transform.reportedError === undefined)
      return this.#fail(writer, new BulkheadError('upstream_reset', { provider: this.#provider }));
    writer.end();
    this.#finish(transform.reportedError === undefined ? 'ok' : 'upstream_error');
  }

  /** Says that the stream failed in the client's protocol, then breaks the connection off: it must never look complete. */
  #fail(writer: ResponseWriter, error: BulkheadError): void {
    if (this.#finished) return;
    const { exchange, transform } = this.#input;
    const words = transform.failure(wireError(named(error, this.#provider)));
    if (words.length === 0) writer.abort();
    else {
      exchange.response.write(words, () => writer.abort());
      setTimeout(() => writer.abort(), LAST_WORD_MS).unref();
    }
    this.#finish(outcomeOf(error));
  }

  #finish(outcome: Outcome): void {
    if (this.#finished) return;
    this.#finished = true;
    clearTimeout(this.#timer);
    const { record, transform } = this.#input;
    record.outcome = outcome;
    record.usage = transform.usage;
    record.outputEstimate = transform.outputEstimate;
    this.#resolve();
  }
}

const named = (error: BulkheadError, provider: string): BulkheadError =>
  new BulkheadError(error.code, { provider, ...error.values }, { cause: error });
