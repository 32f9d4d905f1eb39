import type { Clock } from '../core/clock.ts';
import { BulkheadError, type ErrorCode } from '../core/errors.ts';
import type { EgressCall, EgressHead, JournalRecord } from '../ipc/messages.ts';
import type { Credential } from './credential.ts';
import type { Connection, ConnectionUser } from './pool.ts';
import { composeHead, wipeHead } from './request.ts';
import { ResponseParser, type ResponseEvents } from './response.ts';
import { Scrubber } from './scrub.ts';

export type ExchangeOutcome = Extract<JournalRecord, { k: 'end' }>['outcome'];

/** Where the answer goes. */
export interface ExchangeTarget {
  onHead(head: EgressHead): void;
  /** False: wait for `resume`. */
  onBody(chunk: Buffer): boolean;
  /** Bytes of a streamed body have left. */
  onSent(bytes: number): void;
  /** Once, last. `error` is undefined exactly for `complete`. */
  onDone(outcome: ExchangeOutcome, error: BulkheadError | undefined): void;
}

const CODES: Readonly<Record<Exclude<ExchangeOutcome, 'complete'>, ErrorCode>> = {
  cut: 'upstream_reset',
  cancelled: 'upstream_reset',
  refused: 'upstream_unreachable',
  timeout: 'upstream_timeout',
};

/** Exchanges under way: their deadlines are looked at together, which costs a request no timer of its own. */
const live = new Set<Exchange>();

export const liveExchanges = (): number => live.size;

export function expireExchanges(monotonic: number): void {
  for (const exchange of live) exchange.expire(monotonic);
}

/** One request and its answer over one connection, and once more over a fresh one where the first was stale. */
export class Exchange implements ConnectionUser, ResponseEvents {
  readonly #call: EgressCall;
  readonly #body: Buffer;
  readonly #credential: Credential;
  readonly #target: ExchangeTarget;
  readonly #clock: Clock;
  readonly #parser: ResponseParser;
  readonly #scrubber: Scrubber;
  #connection: Connection | undefined;
  #deadline = Infinity;
  #waitMs = 0;
  #answered = false;
  #done = false;
  /** Parts of a streamed body that wait for the connection, and whether its end was written. */
  #queued: (Buffer | null)[] = [];
  #sent: boolean;
  status = 0;
  bytesOut = 0;
  bytesIn = 0;

  constructor(call: EgressCall, body: Buffer, credential: Credential, target: ExchangeTarget, clock: Clock) {
    this.#call = call;
    this.#body = body;
    this.#credential = credential;
    this.#target = target;
    this.#clock = clock;
    this.#sent = call.body === 'bounded';
    this.#scrubber = new Scrubber(credential.echoes);
    this.#parser = new ResponseParser(this, (head) => this.#scrubber.whole(head));
    live.add(this);
  }

  get echoes(): number {
    return this.#scrubber.echoes;
  }

  /** Sends the request over an idle connection, or over a new one. */
  async begin(): Promise<void> {
    if (this.#done) return;
    const { pool } = this.#credential;
    const idle = pool.take();
    if (idle !== undefined) return this.#send(idle);
    try {
      const fresh = await pool.open(this.#call.timeouts.connectMs);
      if (this.#done) fresh.socket.destroy();
      else this.#send(fresh);
    } catch (error) {
      const known = error instanceof BulkheadError ? error : new BulkheadError('internal', {}, { cause: error });
      this.#finish(known.code === 'upstream_timeout' ? 'timeout' : 'refused', known);
    }
  }

  /** A part of a streamed body; null: its end. */
  write(part: Buffer | null): void {
    if (this.#done) return;
    if (this.#connection === undefined) return void this.#queued.push(part);
    const { socket } = this.#connection;
    if (part === null) {
      this.#sent = true;
      socket.write('0\r\n\r\n');
      return this.#wait(this.#call.timeouts.headMs);
    }
    this.bytesOut += part.length;
    socket.write(`${part.length.toString(16)}\r\n`, 'latin1');
    socket.write(part);
    socket.write('\r\n', 'latin1', () => this.#target.onSent(part.length));
    this.#wait(this.#call.timeouts.idleMs);
  }

  resume(): void {
    this.#connection?.socket.resume();
    this.#wait(this.#call.timeouts.idleMs);
  }

  cancel(): void {
    this.#finish('cancelled');
  }

  /** Nothing may leave. */
  fail(error: BulkheadError): void {
    this.#finish('refused', error);
  }

  expire(monotonic: number): void {
    if (monotonic >= this.#deadline) this.#finish('timeout', new BulkheadError('upstream_timeout', { seconds: this.#waitMs / 1000 }));
  }

  onBytes(chunk: Buffer): void {
    this.#answered = true;
    try {
      this.#parser.push(chunk);
    } catch (error) {
      this.#finish('cut', error instanceof BulkheadError ? error : new BulkheadError('internal', {}, { cause: error }));
    }
  }

  onClosed(): void {
    if (this.#done) return;
    const stale = this.#connection?.reused === true && !this.#answered && this.#call.body === 'bounded';
    this.#connection = undefined;
    // The other side closed an idle connection while the request was on its way: no byte of an answer, so once more.
    if (stale) void this.begin();
    else if (this.#parser.close()) this.onEnd(false);
    else this.#finish('cut');
  }

  onHead(status: number, headers: EgressHead['headers']): void {
    this.status = status;
    this.#target.onHead({ status, headers });
    this.#wait(this.#call.timeouts.idleMs);
  }

  onBody(bytes: Buffer): void {
    this.bytesIn += bytes.length;
    const clean = this.#scrubber.push(bytes);
    if (clean.length === 0 || this.#target.onBody(clean)) return this.#wait(this.#call.timeouts.idleMs);
    // The reader of the answer is slow; that is not the provider's fault.
    this.#connection?.socket.pause();
    this.#deadline = Infinity;
  }

  onEnd(reusable: boolean): void {
    if (this.#done) return;
    const rest = this.#scrubber.end();
    if (rest !== undefined) this.#target.onBody(rest);
    const connection = this.#connection;
    if (reusable && this.#sent && connection !== undefined) {
      this.#connection = undefined;
      connection.socket.resume();
      this.#credential.pool.give(connection, this.#clock.monotonic());
    }
    this.#finish('complete');
  }

  #send(connection: Connection): void {
    this.#connection = connection;
    connection.user = this;
    const { method, path, headers, timeouts, body } = this.#call;
    const { host, before, secret } = this.#credential;
    const head = { method, path, host, headers, length: body === 'bounded' ? this.#body.length : null };
    const { bytes, rest } = composeHead(head, before, secret, this.#body);
    connection.socket.write(bytes, () => wipeHead(bytes));
    if (rest !== undefined) connection.socket.write(rest);
    this.bytesOut = this.#body.length;
    this.#wait(timeouts.headMs);
    for (const part of this.#queued.splice(0)) this.write(part);
  }

  #wait(ms: number): void {
    this.#waitMs = ms;
    this.#deadline = this.#clock.monotonic() + ms;
  }

  #finish(outcome: ExchangeOutcome, error?: BulkheadError): void {
    if (this.#done) return;
    this.#done = true;
    live.delete(this);
    if (this.#connection !== undefined) {
      this.#connection.user = undefined;
      this.#connection.socket.destroy();
    }
    this.#target.onDone(outcome, outcome === 'complete' ? undefined : (error ?? new BulkheadError(CODES[outcome])));
  }
}
