import { asBulkheadError, BulkheadError } from '../core/errors.ts';
import type { EgressCall, EgressHead, EgressTrailers, JournalRecord } from '../ipc/messages.ts';
import type { IncomingCall, IncomingEvents } from '../ipc/peer.ts';
import type { Credential } from './credential.ts';
import type { Connection, ConnectionUser } from './pool.ts';
import { composeHead, wipeHead } from './request.ts';
import { ResponseParser, type ResponseEvents } from './response.ts';
import { Scrubber } from './scrub.ts';

export type Result = Pick<Extract<JournalRecord, { k: 'end' }>, 'status' | 'bytesIn' | 'bytesOut' | 'outcome'>;
type Outcome = Result['outcome'];

/** Where the answer goes. */
export type ExchangeTarget = Pick<IncomingCall, 'sendHead' | 'send' | 'consumed' | 'end' | 'error'>;

const EMPTY = Buffer.alloc(0);

/** Exchanges under way: their deadlines are looked at together, which costs a request no timer of its own. */
export const live = new Set<Exchange>();

/** One request and its answer over one connection, and once more over a fresh one where the first was stale. */
export class Exchange implements ConnectionUser, ResponseEvents, IncomingEvents {
  readonly #call: EgressCall;
  readonly #body: Buffer;
  readonly #credential: Credential;
  readonly #target: ExchangeTarget;
  readonly #settle: (result: Result, echoes: number) => void;
  readonly #parser: ResponseParser;
  readonly #scrubber: Scrubber;
  #connection: Connection | undefined;
  #deadline = Infinity;
  #waitMs = 0;
  #answered = false;
  /** Parts of a streamed body that wait for the connection, and whether the whole request was written. */
  #queued: Buffer[] = [];
  #sent: boolean;
  #status = 0;
  #bytesOut = 0;
  #bytesIn = 0;

  /** `settle` is called once, before the target hears of the end. */
  constructor(
    call: EgressCall,
    body: Buffer,
    credential: Credential,
    target: ExchangeTarget,
    settle: (result: Result, echoes: number) => void,
  ) {
    this.#call = call;
    this.#body = body;
    this.#credential = credential;
    this.#target = target;
    this.#settle = settle;
    this.#sent = call.body === 'bounded';
    this.#scrubber = new Scrubber(credential.echoes);
    this.#parser = new ResponseParser(this, (head) => this.#scrubber.whole(head));
    live.add(this);
  }

  /** Sends the request over an idle connection, or over a new one. */
  async begin(): Promise<void> {
    if (!live.has(this)) return;
    const { pool } = this.#credential;
    try {
      const connection = pool.take() ?? (await pool.open(this.#call.timeouts.connectMs));
      if (live.has(this)) this.#send(connection);
      else connection.socket.destroy();
    } catch (cause) {
      const error = asBulkheadError(cause);
      this.finish(error.code === 'upstream_timeout' ? 'timeout' : 'refused', error);
    }
  }

  onData(part: Buffer): void {
    if (part.length > 0) this.#write(part);
  }

  /** The last chunk is the one without bytes (RFC 9112 §7.1). */
  onEnd(): void {
    this.#write(EMPTY);
  }

  onWritable(): void {
    this.#connection?.socket.resume();
    this.#wait(this.#call.timeouts.idleMs);
  }

  onCancel(): void {
    this.finish('cancelled');
  }

  expire(monotonic: number): void {
    if (monotonic >= this.#deadline) this.finish('timeout', new BulkheadError('upstream_timeout', { seconds: this.#waitMs / 1000 }));
  }

  onBytes(chunk: Buffer): void {
    this.#answered = true;
    try {
      this.#parser.push(chunk);
    } catch (error) {
      this.finish('cut', asBulkheadError(error));
    }
  }

  onClosed(): void {
    const stale = this.#connection?.idleSince !== undefined && !this.#answered && this.#call.body === 'bounded';
    this.#connection = undefined;
    // The other side closed an idle connection while the request was on its way: no byte of an answer, so once more.
    if (stale) void this.begin();
    else if (!this.#parser.close()) this.finish('cut');
  }

  onHead(status: number, headers: EgressHead['headers']): void {
    this.#status = status;
    this.#target.sendHead({ status, headers });
    this.#wait(this.#call.timeouts.idleMs);
  }

  onBody(bytes: Buffer): void {
    this.#bytesIn += bytes.length;
    const clean = this.#scrubber.push(bytes);
    if (clean.length === 0 || this.#target.send(clean)) return this.#wait(this.#call.timeouts.idleMs);
    // The reader of the answer is slow; that is not the provider's fault.
    this.#connection?.socket.pause();
    this.#deadline = Infinity;
  }

  onWhole(reusable: boolean): void {
    const rest = this.#scrubber.end();
    if (rest !== undefined) this.#target.send(rest);
    const connection = this.#connection;
    if (reusable && this.#sent && connection !== undefined) {
      this.#connection = undefined;
      connection.socket.resume();
      this.#credential.pool.give(connection, performance.now());
    }
    this.finish('complete');
  }

  /** Ends the exchange, once. `cause` is what the target is told unless the answer is complete. */
  finish(outcome: Outcome, cause?: BulkheadError): void {
    if (!live.delete(this)) return;
    if (this.#connection !== undefined) {
      this.#connection.user = undefined;
      this.#connection.socket.destroy();
    }
    const { info } = this.#credential;
    info.uses++;
    info.lastUsedAt = Date.now();
    const [bytesIn, bytesOut] = [this.#bytesIn, this.#bytesOut];
    this.#settle({ status: this.#status, bytesIn, bytesOut, outcome }, this.#scrubber.echoes);
    if (outcome === 'complete') return this.#target.end({ bytesIn, bytesOut } satisfies EgressTrailers);
    const { code, values } = cause ?? new BulkheadError('upstream_reset');
    this.#target.error(code, values);
  }

  #send(connection: Connection): void {
    this.#connection = connection;
    connection.user = this;
    const { bytes, rest } = composeHead(this.#call, this.#body, this.#credential);
    connection.socket.write(bytes, () => wipeHead(bytes));
    if (rest !== undefined) connection.socket.write(rest);
    this.#bytesOut = this.#body.length;
    this.#wait(this.#call.timeouts.headMs);
    for (const part of this.#queued.splice(0)) this.#write(part);
  }

  /** A part of a streamed body. What follows its end would be another request to the provider. */
  #write(part: Buffer): void {
    if (this.#sent || !live.has(this)) return;
    if (this.#connection === undefined) return void this.#queued.push(part);
    const { socket } = this.#connection;
    this.#sent = part.length === 0;
    this.#bytesOut += part.length;
    socket.write(`${part.length.toString(16)}\r\n`, 'latin1');
    socket.write(part);
    socket.write('\r\n', 'latin1', () => this.#target.consumed(part.length));
    this.#wait(this.#sent ? this.#call.timeouts.headMs : this.#call.timeouts.idleMs);
  }

  #wait(ms: number): void {
    this.#waitMs = ms;
    this.#deadline = performance.now() + ms;
  }
}
