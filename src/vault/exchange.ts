import { asBulkheadError, BulkheadError } from '../core/error.ts';
import type { EgressHead, EgressTrailers } from '../ipc/messages/vault.ts';
import type { JournalRecord } from '../ipc/messages/ledger.ts';
import type { IncomingCall, IncomingEvents } from '../ipc/peer.ts';
import type { Auth, Injection } from './auth/auth.ts';
import type { Connection, ConnectionUser, Pool } from './pool.ts';
import { composeHead, JOINED_BYTES, wipeHead, writePart, type Request } from './request.ts';
import { ResponseParser, type ResponseEvents } from './response.ts';
import { Scrubber } from './scrub.ts';

export type Result = Pick<Extract<JournalRecord, { k: 'end' }>, 'status' | 'bytesIn' | 'bytesOut' | 'outcome'>;
type Settle = (result: Result, echoes: number) => void;

/** Where a request goes, and how it is authorized. */
export interface Upstream {
  readonly pool: Pool;
  readonly auth: Auth;
  readonly info: { uses: number; lastUsedAt: number | null };
}

/** Where the answer goes. */
export type ExchangeTarget = Pick<IncomingCall, 'sendHead' | 'send' | 'consumed' | 'end' | 'error'>;

/** Exchanges under way: their deadlines are looked at together, which costs a request no timer of its own. */
export const live = new Set<Exchange>();

/** One request and its answer over one connection, and once more over a fresh one where the first was stale. */
export class Exchange implements ConnectionUser, ResponseEvents, IncomingEvents {
  readonly #call: Request;
  readonly #body: Buffer;
  readonly #upstream: Upstream;
  readonly #target: ExchangeTarget;
  readonly #settle: Settle;
  readonly #parser: ResponseParser;
  #scrubber: Scrubber | undefined;
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
  constructor(call: Request, body: Buffer, upstream: Upstream, target: ExchangeTarget, settle: Settle) {
    this.#call = call;
    this.#body = body;
    this.#upstream = upstream;
    this.#target = target;
    this.#settle = settle;
    this.#sent = call.body === 'bounded';
    this.#parser = new ResponseParser(this, (head) => this.#scrubber?.whole(head), call.method);
    live.add(this);
  }

  /** Sends the request over an idle connection, or over a new one. */
  async begin(): Promise<void> {
    if (!live.has(this)) return;
    const { pool, auth } = this.#upstream;
    try {
      const injection = await auth.inject(this.#call, this.#body);
      // A streamed body cannot be sent twice, so never over a connection that may have gone stale.
      const idle = this.#call.body === 'bounded' && live.has(this) ? pool.take() : undefined;
      const connection = idle ?? (await pool.open(this.#call.timeouts.connectMs));
      if (live.has(this)) this.#send(connection, injection);
      else connection.socket.destroy();
    } catch (cause) {
      const error = asBulkheadError(cause);
      this.finish(error.code === 'upstream_timeout' ? 'timeout' : 'refused', error);
    }
  }

  onData(part: Buffer): void {
    if (part.length > 0) this.#write(part);
  }

  onEnd(): void {
    this.#write(Buffer.alloc(0));
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
    // The other side closed an idle connection while the request was on its way: no byte of an answer, so once more,
    // and over a fresh one, for the others are as old.
    if (stale) this.#upstream.pool.sweep(Infinity);
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
    const clean = this.#scrubber?.push(bytes) ?? bytes;
    if (clean.length === 0 || this.#target.send(clean)) return this.#wait(this.#call.timeouts.idleMs);
    // The reader of the answer is slow; that is not the provider's fault.
    this.#connection?.socket.pause();
    this.#deadline = Infinity;
  }

  onWhole(reusable: boolean): void {
    const rest = this.#scrubber?.held;
    if (rest !== undefined) this.#target.send(rest);
    const connection = this.#connection;
    if (reusable && this.#sent && connection !== undefined) {
      this.#connection = undefined;
      connection.socket.resume();
      this.#upstream.pool.give(connection, performance.now());
    }
    this.finish('complete');
  }

  /** Ends the exchange, once. `cause` is what the target is told unless the answer is complete. */
  finish(outcome: Result['outcome'], cause?: BulkheadError): void {
    if (!live.delete(this)) return;
    if (this.#connection !== undefined) {
      this.#connection.user = undefined;
      this.#connection.socket.destroy();
    }
    const { info } = this.#upstream;
    info.uses++;
    info.lastUsedAt = Date.now();
    const [bytesIn, bytesOut] = [this.#bytesIn, this.#bytesOut];
    this.#settle({ status: this.#status, bytesIn, bytesOut, outcome }, this.#scrubber?.echoes ?? 0);
    if (outcome === 'complete') return this.#target.end({ bytesIn, bytesOut } satisfies EgressTrailers);
    const { code, values } = cause ?? new BulkheadError('upstream_reset');
    this.#target.error(code, values);
  }

  #send(connection: Connection, { lines, echoes }: Injection): void {
    this.#connection = connection;
    this.#scrubber = new Scrubber(echoes);
    connection.user = this;
    const bytes = composeHead(this.#call, this.#body, this.#upstream.pool.host, lines);
    connection.socket.write(bytes, () => wipeHead(bytes));
    if (this.#body.length > JOINED_BYTES) connection.socket.write(this.#body);
    this.#bytesOut = this.#body.length;
    this.#wait(this.#call.timeouts.headMs);
    for (const part of this.#queued.splice(0)) this.#write(part);
  }

  /** A part of a streamed body. What follows its end would be another request to the provider. */
  #write(part: Buffer): void {
    if (this.#sent || !live.has(this)) return;
    if (this.#connection === undefined) return void this.#queued.push(part);
    this.#sent = part.length === 0;
    this.#bytesOut += part.length;
    const { bodyLength } = this.#call;
    if (bodyLength !== undefined && (this.#bytesOut > bodyLength || (this.#sent && this.#bytesOut < bodyLength)))
      return this.finish('refused', new BulkheadError('malformed_request', { reason: 'the body does not have the length announced' }));
    writePart(this.#call, this.#connection.socket, part, () => this.#target.consumed(part.length));
    this.#wait(this.#sent ? this.#call.timeouts.headMs : this.#call.timeouts.idleMs);
  }

  #wait(ms: number): void {
    this.#waitMs = ms;
    this.#deadline = performance.now() + ms;
  }
}
