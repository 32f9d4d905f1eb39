import type { Duplex } from 'node:stream';
import { BulkheadError, isErrorCode, type ErrorCode } from '../core/errors.ts';
import type { JsonObject } from '../core/json.ts';
import { encodeWithHead, FRAME, FrameReader, PREFIX_BYTES, splitHead, writePrefix, type Frame, type FrameType } from './frame.ts';

/** Version of the frame protocol. A peer accepts its own version and the one before it. */
export const PROTOCOL = 1;
/** Body bytes in flight per call and direction before the sender must wait for credit. */
export const WINDOW_BYTES = 256 * 1024;
/** Bodies up to this size are copied into the frame of their head; larger ones are written beside it. */
const COPY_BYTES = 16 * 1024;

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
  reply(head: JsonObject, body?: Uint8Array): void;
  /** Starts a streamed reply. */
  sendHead(head: JsonObject, body?: Uint8Array): void;
  /** False: wait for `onWritable`. The chunk is queued in either case. */
  send(chunk: Buffer): boolean;
  end(trailers: JsonObject): void;
  error(code: ErrorCode, values?: Readonly<Record<string, string | number>>): void;
  consumed(bytes: number): void;
  /** Set by the handler before it returns. */
  events: IncomingEvents;
}

export interface IncomingEvents {
  onData?(chunk: Buffer): void;
  onEnd?(): void;
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

interface Call {
  credit: number;
  /** Whether `send` answered false since the last credit. */
  starved: boolean;
  unacknowledged: number;
  receiver: Receiver | undefined;
  incoming: Incoming | undefined;
}

const EMPTY = Buffer.alloc(0);

/** One end of a frame connection: opens calls, answers calls, sends notes. */
export class Peer {
  readonly #stream: Duplex;
  readonly #handlers: PeerHandlers;
  readonly #calls = new Map<number, Call>();
  #nextId: number;
  #queue: Buffer[] = [];
  #queuedBytes = 0;
  #flushing = false;
  readonly #flushSoon = (): void => this.#flush();
  #hello: Hello | undefined;
  #closed = false;

  constructor(stream: Duplex, side: 'connecting' | 'accepting', hello: Hello, handlers: PeerHandlers) {
    this.#stream = stream;
    this.#handlers = handlers;
    this.#nextId = side === 'connecting' ? 1 : 2;
    const reader = new FrameReader((frame) => this.#onFrame(frame));
    stream.on('data', (chunk: Buffer) => {
      try {
        reader.push(chunk);
      } catch (error) {
        stream.destroy(error instanceof Error ? error : new Error(String(error)));
      }
    });
    stream.on('error', () => this.#onClose());
    stream.on('close', () => this.#onClose());
    stream.on('end', () => stream.destroy());
    this.#write(encodeWithHead(0, FRAME.hello, JSON.stringify(hello), undefined));
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

  call(head: JsonObject, body: Uint8Array | undefined, receiver: Receiver): OutgoingCall {
    const id = this.#nextId;
    this.#nextId = id + 2 > 0xffff_fffe ? (id % 2 === 1 ? 1 : 2) : id + 2;
    if (this.#closed) {
      queueMicrotask(() => receiver.onError(connectionLost()));
      return DEAD_CALL;
    }
    const call: Call = { credit: WINDOW_BYTES, starved: false, unacknowledged: 0, receiver, incoming: undefined };
    this.#calls.set(id, call);
    this.#writeHead(id, FRAME.call, head, body);
    return {
      send: (chunk) => this.#sendData(id, call, chunk),
      end: () => this.#write(encodeWithHead(id, FRAME.end, '{}', undefined)),
      consumed: (bytes) => this.#consumed(id, call, bytes),
      cancel: () => {
        if (this.#calls.delete(id)) this.#writeEmpty(id, FRAME.cancel);
      },
    };
  }

  /** A call with a whole reply. Rejects with the responder's error, or when the connection is lost. */
  unary(head: JsonObject, body?: Uint8Array): Promise<{ head: JsonObject; body: Buffer }> {
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
    if (!this.#closed) this.#writeHead(0, FRAME.note, head, body);
  }

  goaway(): void {
    if (!this.#closed) this.#writeEmpty(0, FRAME.goaway);
  }

  destroy(): void {
    this.#stream.destroy();
  }

  #onFrame(frame: Frame): void {
    if (this.#hello === undefined) return this.#onHello(frame);
    switch (frame.type) {
      case FRAME.call:
        return this.#onCall(frame);
      case FRAME.note: {
        const { head, body } = parseHead(frame.payload);
        return this.#handlers.onNote?.(head, body);
      }
      case FRAME.goaway:
        return this.#handlers.onGoaway?.();
      default: {
        // Frames of a call that this side has ended are late, not wrong.
        const call = this.#calls.get(frame.id);
        if (call !== undefined) this.#onCallFrame(call, frame);
      }
    }
  }

  #onHello(frame: Frame): void {
    if (frame.type !== FRAME.hello) throw new Error('the first frame is not a hello');
    const hello = parseHead(frame.payload).head as unknown as Hello;
    if (typeof hello.protocol !== 'number' || Math.abs(hello.protocol - PROTOCOL) > 1) {
      throw new Error(`frame protocol ${hello.protocol} is not adjacent to ${PROTOCOL}`);
    }
    this.#hello = hello;
    this.#handlers.onHello?.(hello);
  }

  #onCall(frame: Frame): void {
    if (this.#calls.has(frame.id) || frame.id % 2 === this.#nextId % 2) throw new Error(`call id ${frame.id} is taken`);
    const { head, body } = parseHead(frame.payload);
    const call: Call = { credit: WINDOW_BYTES, starved: false, unacknowledged: 0, receiver: undefined, incoming: undefined };
    const incoming = new Incoming(head, body, {
      headFrame: (type, replyHead, replyBody, last) => {
        if (this.#calls.get(frame.id) !== call) return;
        if (last) this.#calls.delete(frame.id);
        this.#writeHead(frame.id, type, replyHead, replyBody);
      },
      data: (chunk) => this.#sendData(frame.id, call, chunk),
      consumed: (bytes) => this.#consumed(frame.id, call, bytes),
    });
    call.incoming = incoming;
    this.#calls.set(frame.id, call);
    if (this.#handlers.onCall === undefined) incoming.error('internal');
    else this.#handlers.onCall(incoming);
  }

  #onCallFrame(call: Call, { id, type, payload }: Frame): void {
    switch (type) {
      case FRAME.data:
        call.receiver?.onData(payload);
        call.incoming?.events.onData?.(payload);
        return;
      case FRAME.credit:
        call.credit += payload.readUInt32BE(0);
        if (!call.starved || call.credit <= 0) return;
        call.starved = false;
        call.receiver?.onWritable?.();
        call.incoming?.events.onWritable?.();
        return;
      case FRAME.cancel:
        this.#calls.delete(id);
        call.incoming?.events.onCancel?.();
        return;
      case FRAME.end:
        if (call.incoming !== undefined) return call.incoming.events.onEnd?.();
        this.#calls.delete(id);
        return call.receiver?.onEnd(parseHead(payload).head);
      default:
        return this.#onReplyFrame(call, id, type, payload);
    }
  }

  #onReplyFrame(call: Call, id: number, type: number, payload: Buffer): void {
    const receiver = call.receiver;
    if (receiver === undefined) throw new Error(`frame type ${type} for a call of the other side`);
    const { head, body } = parseHead(payload);
    if (type === FRAME.head) return receiver.onHead(head, body);
    this.#calls.delete(id);
    if (type === FRAME.reply) {
      receiver.onHead(head, body);
      return receiver.onEnd({});
    }
    if (type !== FRAME.error) throw new Error(`unknown frame type ${type}`);
    receiver.onError(errorFromHead(head));
  }

  #sendData(id: number, call: Call, chunk: Buffer): boolean {
    if (this.#calls.get(id) !== call) return true;
    const prefix = Buffer.allocUnsafe(chunk.length <= COPY_BYTES ? PREFIX_BYTES + chunk.length : PREFIX_BYTES);
    writePrefix(prefix, 0, id, FRAME.data, chunk.length);
    if (chunk.length <= COPY_BYTES) prefix.set(chunk, PREFIX_BYTES);
    this.#write(prefix);
    if (chunk.length > COPY_BYTES) this.#write(chunk);
    call.credit -= chunk.length;
    if (call.credit <= 0) call.starved = true;
    return call.credit > 0;
  }

  #consumed(id: number, call: Call, bytes: number): void {
    call.unacknowledged += bytes;
    if (call.unacknowledged < WINDOW_BYTES / 4 || this.#calls.get(id) !== call) return;
    const frame = Buffer.allocUnsafe(PREFIX_BYTES + 4);
    writePrefix(frame, 0, id, FRAME.credit, 4);
    frame.writeUInt32BE(call.unacknowledged, PREFIX_BYTES);
    call.unacknowledged = 0;
    this.#write(frame);
  }

  #writeHead(id: number, type: FrameType, head: JsonObject, body: Uint8Array | undefined): void {
    const text = JSON.stringify(head);
    if (body === undefined || body.length <= COPY_BYTES) return this.#write(encodeWithHead(id, type, text, body));
    const frame = encodeWithHead(id, type, text, undefined);
    writePrefix(frame, 0, id, type, frame.length - PREFIX_BYTES + body.length);
    this.#write(frame);
    this.#write(Buffer.from(body.buffer, body.byteOffset, body.length));
  }

  #writeEmpty(id: number, type: FrameType): void {
    this.#write(encodeWithHead(id, type, '{}', undefined));
  }

  /** Frames of one turn of the event loop leave in one write. */
  #write(bytes: Buffer): void {
    if (this.#closed) return;
    this.#queue.push(bytes);
    this.#queuedBytes += bytes.length;
    if (this.#flushing) return;
    this.#flushing = true;
    setImmediate(this.#flushSoon);
  }

  #flush(): void {
    this.#flushing = false;
    if (this.#closed || this.#queue.length === 0) return;
    const queue = this.#queue;
    const bytes = this.#queuedBytes;
    this.#queue = [];
    this.#queuedBytes = 0;
    if (queue.length === 1) {
      this.#stream.write(queue[0]);
    } else if (bytes <= COPY_BYTES) {
      this.#stream.write(Buffer.concat(queue, bytes));
    } else {
      this.#stream.cork();
      for (const part of queue) this.#stream.write(part);
      this.#stream.uncork();
    }
  }

  #onClose(): void {
    if (this.#closed) return;
    this.#closed = true;
    const calls = [...this.#calls.values()];
    this.#calls.clear();
    for (const call of calls) {
      call.receiver?.onError(connectionLost());
      call.incoming?.events.onCancel?.();
    }
    this.#handlers.onClose?.();
  }
}

interface IncomingWires {
  headFrame(type: FrameType, head: JsonObject, body: Uint8Array | undefined, last: boolean): void;
  data(chunk: Buffer): boolean;
  consumed(bytes: number): void;
}

class Incoming implements IncomingCall {
  readonly head: JsonObject;
  readonly body: Buffer;
  readonly #wires: IncomingWires;
  events: IncomingEvents = {};

  constructor(head: JsonObject, body: Buffer, wires: IncomingWires) {
    this.head = head;
    this.body = body;
    this.#wires = wires;
  }

  reply(head: JsonObject, body?: Uint8Array): void {
    this.#wires.headFrame(FRAME.reply, head, body, true);
  }

  sendHead(head: JsonObject, body?: Uint8Array): void {
    this.#wires.headFrame(FRAME.head, head, body, false);
  }

  send(chunk: Buffer): boolean {
    return this.#wires.data(chunk);
  }

  end(trailers: JsonObject): void {
    this.#wires.headFrame(FRAME.end, trailers, undefined, true);
  }

  error(code: ErrorCode, values: Readonly<Record<string, string | number>> = {}): void {
    this.#wires.headFrame(FRAME.error, { code, values }, undefined, true);
  }

  consumed(bytes: number): void {
    this.#wires.consumed(bytes);
  }
}

const DEAD_CALL: OutgoingCall = { send: () => true, end: () => undefined, consumed: () => undefined, cancel: () => undefined };

/** The cause that tells a lost connection from an error the other side decided. */
export class ConnectionLost extends Error {
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
