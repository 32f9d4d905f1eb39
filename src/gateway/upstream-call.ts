import type { BulkheadError } from '../core/errors.ts';
import type { JsonObject } from '../core/json.ts';
import type { EgressHead, EgressTrailers } from '../ipc/messages/vault.ts';
import type { OutgoingCall, Peer, Receiver } from '../ipc/peer.ts';

/** Who takes the body: data*, then exactly one of end or failed. */
export interface BodySink {
  /** Every byte must be given back with `consumed`. */
  data(chunk: Buffer): void;
  end(trailers: EgressTrailers): void;
  failed(error: BulkheadError): void;
}

/** The rest of a body that is sent as it arrives. */
export interface BodySource {
  start(sink: { send(chunk: Buffer): boolean; end(): void; failed(error: BulkheadError): void }, flows: boolean): void;
  /** There is room again. */
  more(): void;
}

/** One call to a provider through the vault. Holds body frames that come before someone takes them: at most one window. */
export class UpstreamCall implements Receiver {
  readonly head: Promise<EgressHead>;
  readonly #call: OutgoingCall;
  #resolve: (head: EgressHead) => void = () => undefined;
  #reject: (error: BulkheadError) => void = () => undefined;
  #hasHead = false;
  #sink: BodySink | undefined;
  #source: BodySource | undefined;
  #early: Buffer[] = [];
  /** Bytes that rode with the head: they took no credit, so none is given back for them. */
  #uncredited = 0;
  #ending: { readonly trailers: EgressTrailers } | { readonly error: BulkheadError } | undefined;

  /** `call`: an EgressCall as JSON. */
  constructor(peer: Peer, call: string, body: Buffer) {
    this.head = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#call = peer.call(call, body, this);
  }

  /** Sends a body of kind `streamed`, whose beginning is at hand, no faster than the provider takes it. `sent` hears of every byte. */
  feed(beginning: Buffer, source: BodySource, sent: (bytes: number) => void): void {
    this.#source = source;
    const send = (chunk: Buffer): boolean => {
      sent(chunk.length);
      return this.#call.send(chunk);
    };
    const flows = send(beginning);
    source.start({ send, end: () => this.#call.end(), failed: (error) => this.#breakOff(error) }, flows);
  }

  onWritable(): void {
    this.#source?.more();
  }

  /** Takes the body; what came already is given at once. */
  consume(sink: BodySink): void {
    this.#sink = sink;
    // A sink may pause while it is given what came early.
    while (this.#sink === sink && this.#early.length > 0) sink.data(this.#early.shift() as Buffer);
    if (this.#sink === sink && this.#ending !== undefined) this.#finish(sink, this.#ending);
  }

  /** The body waits for another sink. */
  pause(): void {
    this.#sink = undefined;
  }

  consumed(bytes: number): void {
    const free = Math.min(bytes, this.#uncredited);
    this.#uncredited -= free;
    if (bytes > free) this.#call.consumed(bytes - free);
  }

  /** The vault drops the connection to the provider at once. Nothing more is heard. */
  cancel(): void {
    this.#sink = IGNORE;
    this.#early = [];
    this.#call.cancel();
  }

  /** Cancels, and tells those who wait for the head why there will be none. */
  abandon(error: BulkheadError): void {
    this.cancel();
    this.#reject(error);
  }

  onHead(head: JsonObject, body: Buffer): void {
    this.#hasHead = true;
    this.#resolve(head as unknown as EgressHead);
    if (body.length === 0) return;
    this.#uncredited = body.length;
    this.#early.push(body);
  }

  onData(chunk: Buffer): void {
    if (this.#sink === undefined) this.#early.push(chunk);
    else this.#sink.data(chunk);
  }

  onEnd(trailers: JsonObject): void {
    this.#end({ trailers: trailers as unknown as EgressTrailers });
  }

  onError(error: BulkheadError): void {
    if (this.#hasHead) this.#end({ error });
    else this.#reject(error);
  }

  /** The request will never be whole, so that whatever its answer says is not about it. */
  #breakOff(error: BulkheadError): void {
    this.#call.cancel();
    if (this.#ending === undefined) this.onError(error);
  }

  #end(ending: { readonly trailers: EgressTrailers } | { readonly error: BulkheadError }): void {
    this.#ending = ending;
    if (this.#sink !== undefined) this.#finish(this.#sink, ending);
  }

  #finish(sink: BodySink, ending: { readonly trailers: EgressTrailers } | { readonly error: BulkheadError }): void {
    if ('error' in ending) sink.failed(ending.error);
    else sink.end(ending.trailers);
  }
}

const IGNORE: BodySink = { data: () => undefined, end: () => undefined, failed: () => undefined };
