import type { Duplex } from 'node:stream';
import { BriefMap } from '../core/brief-map.ts';
import { asBulkheadError, BulkheadError, isErrorCode } from '../core/error.ts';
import type { ErrorCode } from '../core/error-table.ts';
import type { JsonObject } from '../core/json.ts';
import { FRAME, FrameReader, FrameWriter, splitHead, type Frame } from './frame.ts';

/** Version of the frame protocol. A peer accepts its own version and the one before it. */
export const PROTOCOL = 1;
/** Body bytes in flight per call and direction before the sender must wait for credit. */
export const WINDOW_BYTES = 256 * 1024;

export interface Hello {
  readonly protocol: number;
  readonly role: string;
  readonly index: number;
  /** Changes with every start of the process. */
  readonly generation: string;
  /** Facts that the other side may rely on for this connection, such as the vault's public keys. */
  readonly facts: JsonObject;
}

/** What the caller of a streamed call hears, in this order: head, data*, then exactly one of end or error. */
export interface Receiver {
  onHead(head: JsonObject, body: Buffer): void;
  /** Every byte must be given back with `consumed` once it has left this process. */
  onData(chunk: Buffer): void;
  onEnd(trailers: JsonObject): void;
  onError(error: BulkheadError): void;
  /** Room for more outgoing body bytes. */
  onWritable?(): void;
}

/** A call this side opened. */
export interface OutgoingCall {
  /** Sends body bytes (bodies of kind `streamed`). False: wait for `onWritable`. */
  send(chunk: Buffer): boolean;
  /** Ends the outgoing body. */
  end(): void;
  consumed(bytes: number): void;
  cancel(): void;
}

/** A call the other side opened. Exactly one of `reply`, `end` or `error` closes it. */
export interface IncomingCall {
  readonly head: JsonObject;
  readonly body: Buffer;
  /** `head`: an object, or its JSON text. */
  reply(head: JsonObject | string, body?: Uint8Array): void;
  /** Starts a streamed reply. */
  sendHead(head: JsonObject, body?: Uint8Array): void;
  /** False: wait for `onWritable`. The chunk is queued in either case. */
  send(chunk: Buffer): boolean;
  end(trailers: JsonObject): void;
  error(code: ErrorCode, values?: Readonly<Record<string, string | number>>): void;
  /** `error` with what was thrown. Gives the code that was told. */
  fail(error: unknown): ErrorCode;
  consumed(bytes: number): void;
  /** Set by the handler before it returns. */
  events: IncomingEvents;
}

export interface IncomingEvents {
  onData?(chunk: Buffer): void;
  onEnd?(trailers: JsonObject): void;
  /** The caller cancelled or its connection is gone. Nothing more can be sent. */
  onCancel?(): void;
  onWritable?(): void;
}

export interface PeerHandlers {
  /** Called once, before any call. */
  onHello?(hello: Hello): void;
  onCall?(call: IncomingCall): void;
  onNote?(head: JsonObject, body: Buffer): void;
  onGoaway?(): void;
  onClose?(): void;
}

/** This side's end of one call, whoever opened it. It is open while the peer's `calls` hold it; what is sent later goes nowhere. */
class Call implements OutgoingCall, IncomingCall {
  readonly #id: number;
  readonly #calls: BriefMap<number, Call>;
  readonly #out: FrameWriter;
  /** Set: this side opened the call. */
  readonly #receiver: Receiver | undefined;
  readonly head: JsonObject;
  readonly body: Buffer;
  events: IncomingEvents;
  #credit = WINDOW_BYTES;
  /** Whether `send` answered false since the last credit. */
  #starved = false;
  #unacknowledged = 0;

  constructor(id: number, calls: BriefMap<number, Call>, out: FrameWriter, opened: Receiver | ReturnType<typeof parseHead>) {
    this.#id = id;
    this.#calls = calls;
    this.#out = out;
    this.#receiver = 'onHead' in opened ? opened : undefined;
    this.events = 'onHead' in opened ? opened : {};
    [this.head, this.body] = 'onHead' in opened ? [{}, EMPTY] : [opened.head, opened.body];
  }

  get #open(): boolean {
    return this.#calls.get(this.#id) === this;
  }

  send(chunk: Buffer): boolean {
    if (!this.#open) return true;
    this.#out.data(this.#id, chunk);
    this.#credit -= chunk.length;
    if (this.#credit <= 0) this.#starved = true;
    return this.#credit > 0;
  }

  consumed(bytes: number): void {
    this.#unacknowledged += bytes;
    if (this.#unacknowledged < WINDOW_BYTES / 4 || !this.#open) return;
    this.#out.credit(this.#id, this.#unacknowledged);
    this.#unacknowledged = 0;
  }

  cancel(): void {
    if (this.#calls.delete(this.#id)) this.#out.head(this.#id, FRAME.cancel, NOTHING);
  }

  sendHead(head: JsonObject, body?: Uint8Array): void {
    if (this.#open) this.#out.head(this.#id, FRAME.head, head, body);
  }

  reply(head: JsonObject | string, body?: Uint8Array): void {
    this.#close(FRAME.reply, head, body);
  }

  /** From the side that opened the call it ends only that side's body. */
  end(trailers: JsonObject = NOTHING): void {
    if (this.#receiver === undefined) this.#close(FRAME.end, trailers);
    else if (this.#open) this.#out.head(this.#id, FRAME.end, trailers);
  }

  error(code: ErrorCode, values: Readonly<Record<string, string | number>> = {}): void {
    this.#close(FRAME.error, { code, values });
  }

  fail(cause: unknown): ErrorCode {
    const { code, values } = asBulkheadError(cause);
    this.error(code, values);
    return code;
  }

  /** The connection is gone. */
  lose(): void {
    this.#calls.delete(this.#id);
    if (this.#receiver === undefined) this.events.onCancel?.();
    else this.#receiver.onError(connectionLost());
  }

  /** Takes a frame of this call. Throws on one that its sender may not send. */
  take(type: number, payload: Buffer): void {
    if (type === FRAME.data) return this.events.onData?.(payload);
    if (type === FRAME.credit) return this.#onCredit(payload.readUInt32BE(0));
    if (this.#receiver === undefined) this.#onCallerFrame(type, payload);
    else this.#onReplyFrame(this.#receiver, type, payload);
  }

  #onCredit(bytes: number): void {
    this.#credit += bytes;
    if (!this.#starved || this.#credit <= 0) return;
    this.#starved = false;
    this.events.onWritable?.();
  }

  #onCallerFrame(type: number, payload: Buffer): void {
    if (type === FRAME.end) return this.events.onEnd?.(parseHead(payload).head);
    if (type !== FRAME.cancel) throw new Error(`frame type ${type} for a call of the other side`);
    this.#calls.delete(this.#id);
    this.events.onCancel?.();
  }

  #onReplyFrame(receiver: Receiver, type: number, payload: Buffer): void {
    const { head, body } = parseHead(payload);
    if (type === FRAME.head) return receiver.onHead(head, body);
    this.#calls.delete(this.#id);
    if (type === FRAME.end) return receiver.onEnd(head);
    if (type === FRAME.error) return receiver.onError(errorFromHead(head));
    if (type !== FRAME.reply) throw new Error(`unknown frame type ${type}`);
    receiver.onHead(head, body);
    receiver.onEnd(NOTHING);
  }

  #close(type: typeof FRAME.reply | typeof FRAME.end | typeof FRAME.error, head: JsonObject | string, body?: Uint8Array): void {
    if (!this.#open) return;
    this.#calls.delete(this.#id);
    this.#out.head(this.#id, type, head, body);
  }
}

const EMPTY = Buffer.alloc(0);
const NOTHING: JsonObject = {};

/** One end of a frame connection: opens calls, answers calls, sends notes. */
export class Peer {
  readonly #stream: Duplex;
  readonly #handlers: PeerHandlers;
  readonly #out: FrameWriter;
  readonly #calls = new BriefMap<number, Call>();
  #nextId: number;
  #hello: Hello | undefined;
  #closed = false;

  constructor(stream: Duplex, side: 'connecting' | 'accepting', hello: Hello, handlers: PeerHandlers) {
    this.#stream = stream;
    this.#handlers = handlers;
    this.#out = new FrameWriter(stream);
    this.#nextId = side === 'connecting' ? 1 : 2;
    const reader = new FrameReader((frame) => this.#onFrame(frame));
    stream.on('data', (chunk: Buffer) => {
      try {
        reader.push(chunk);
      } catch (error) {
        stream.destroy(error instanceof Error ? error : new Error(String(error)));
      }
    });
    for (const event of ['error', 'close']) stream.on(event, () => this.#onClose());
    stream.on('end', () => stream.destroy());
    this.#out.head(0, FRAME.hello, { ...hello });
  }

  /** The other side's hello; undefined until it arrived. */
  get hello(): Hello | undefined {
    return this.#hello;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Calls under way in either direction. */
  get active(): number {
    return this.#calls.size;
  }

  /** `head` as text: JSON that is encoded already. */
  call(head: JsonObject | string, body: Uint8Array | undefined, receiver: Receiver): OutgoingCall {
    const id = this.#nextId;
    this.#nextId = id + 2 > 0xffff_fffe ? (id % 2 === 1 ? 1 : 2) : id + 2;
    const call = new Call(id, this.#calls, this.#out, receiver);
    if (this.#closed) queueMicrotask(() => call.lose());
    else {
      this.#calls.set(id, call);
      this.#out.head(id, FRAME.call, head, body);
    }
    return call;
  }

  /** A call with a whole reply. Rejects with the responder's error, or when the connection is lost. */
  unary(head: JsonObject | string, body?: Uint8Array): Promise<{ head: JsonObject; body: Buffer }> {
    return new Promise((resolve, reject) => {
      let reply: { head: JsonObject; body: Buffer } | undefined;
      this.call(head, body, {
        onHead: (replyHead, replyBody) => (reply = { head: replyHead, body: replyBody }),
        onData: () => undefined,
        onEnd: () => (reply === undefined ? reject(connectionLost()) : resolve(reply)),
        onError: reject,
      });
    });
  }

  note(head: JsonObject, body?: Uint8Array): void {
    if (!this.#closed) this.#out.head(0, FRAME.note, head, body);
  }

  goaway(): void {
    if (!this.#closed) this.#out.head(0, FRAME.goaway, NOTHING);
  }

  destroy(): void {
    this.#stream.destroy();
  }

  #onFrame({ id, type, payload }: Frame): void {
    if (this.#hello === undefined) return this.#onHello(type, payload);
    if (type === FRAME.call) return this.#onCall(id, payload);
    if (type === FRAME.goaway) return this.#handlers.onGoaway?.();
    // Frames of a call that this side has ended are late, not wrong.
    if (type !== FRAME.note) return this.#calls.get(id)?.take(type, payload);
    const { head, body } = parseHead(payload);
    this.#handlers.onNote?.(head, body);
  }

  #onHello(type: number, payload: Buffer): void {
    if (type !== FRAME.hello) throw new Error('the first frame is not a hello');
    const hello = parseHead(payload).head as unknown as Hello;
    if (typeof hello.protocol !== 'number' || Math.abs(hello.protocol - PROTOCOL) > 1) {
      throw new Error(`frame protocol ${hello.protocol} is not adjacent to ${PROTOCOL}`);
    }
    this.#hello = hello;
    this.#handlers.onHello?.(hello);
  }

  #onCall(id: number, payload: Buffer): void {
    if (this.#calls.get(id) !== undefined || id % 2 === this.#nextId % 2) throw new Error(`call id ${id} is taken`);
    const call = new Call(id, this.#calls, this.#out, parseHead(payload));
    this.#calls.set(id, call);
    if (this.#handlers.onCall === undefined) call.error('internal');
    else this.#handlers.onCall(call);
  }

  #onClose(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const call of this.#calls.values()) call.lose();
    this.#handlers.onClose?.();
  }
}

/** The cause that tells a lost connection from an error the other side decided. */
class ConnectionLost extends Error {
  override readonly name = 'ConnectionLost';
}

const connectionLost = (): BulkheadError =>
  new BulkheadError('internal', {}, { cause: new ConnectionLost('the local connection is closed') });

export const isConnectionLost = (error: unknown): boolean => error instanceof BulkheadError && error.cause instanceof ConnectionLost;

function parseHead(payload: Buffer): { head: JsonObject; body: Buffer } {
  const { head, body } = splitHead(payload);
  return { head: JSON.parse(head) as JsonObject, body: body.length === 0 ? EMPTY : body };
}

function errorFromHead(head: JsonObject): BulkheadError {
  const code = typeof head['code'] === 'string' && isErrorCode(head['code']) ? head['code'] : 'internal';
  return new BulkheadError(code, (head['values'] ?? {}) as Record<string, string | number>);
}
