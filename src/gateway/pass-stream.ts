import type { TokenUsage } from '../core/usage.ts';
import type { NativeProtocol } from '../wire/native.ts';
import type { SseEvent, StreamFact, WireError } from '../wire/protocol.ts';
import { MemberCapture } from './capture.ts';
import { estimateOutputTokens, OutputEstimate } from './estimate.ts';
import type { ClientFraming, EventSplitter, ProviderFraming } from './framing.ts';
import type { StreamTransform } from './stream-transform.ts';
import { laterUsage } from './usage-merge.ts';

export interface PassStreamOptions {
  readonly native: NativeProtocol;
  readonly requestId: string;
  readonly provider: string;
  /** Keeps the usage-only chunk from the client. */
  readonly hidesUsage: boolean;
  /** How the provider frames its events, and how the client reads them. */
  readonly from: ProviderFraming;
  readonly to: ClientFraming;
  /** Is shown the first event, whatever it says. */
  readonly onFirst?: (event: SseEvent) => void;
}

/**
 * Same protocol on both sides: whole events pass as the bytes they are, and only those that may matter are read. Where the two sides frame
 * them in different ways, each event's own text passes unchanged in the client's frame.
 */
export class PassStream implements StreamTransform {
  readonly #options: PassStreamOptions;
  readonly #splitter: EventSplitter;
  /** Events written in the client's framing. */
  #written = 0;
  #hasBegun = false;
  readonly #estimate = new OutputEstimate();
  #out: Buffer[] = [];
  #usage: TokenUsage | undefined;
  /** The protocol's own last event has passed. */
  #isDone = false;
  /** Nothing is missing if the bytes end cleanly now. */
  #isWhole = false;
  #error: string | undefined;

  constructor(options: PassStreamOptions) {
    this.#options = options;
    this.#splitter = options.from.splitter((raw) => this.#onEvent(raw), { source: options.provider });
  }

  /** The provider's bytes are the client's. */
  get isUnchanged(): boolean {
    return this.#options.from.id === this.#options.to.id;
  }

  get isComplete(): boolean {
    return this.#isDone;
  }

  get usage(): TokenUsage | undefined {
    return this.#usage;
  }

  get outputEstimate(): number {
    return this.#estimate.tokens;
  }

  get reportedError(): string | undefined {
    return this.#error;
  }

  push(chunk: Buffer): readonly Buffer[] {
    this.#out = [];
    this.#splitter.push(chunk);
    return this.#out;
  }

  /** A last event without its blank line counts if it is what ends the stream; half an event is kept back. */
  end(): { readonly rest: readonly Buffer[]; readonly whole: boolean } {
    const { from, to, native } = this.#options;
    const rest = this.#splitter.rest();
    if (!this.isUnchanged) {
      this.#out = [];
      if (rest.length > 0) this.#onEvent(rest);
      // A failure that the provider told of is the last element, and the client can read it.
      const isOver = this.#isWhole || this.#error !== undefined;
      return { rest: isOver ? [...this.#out, to.close(this.#written)] : [], whole: this.#isWhole };
    }
    if (rest.length > 0 && native.passThrough.mayMatter(rest)) this.#read(from.parse(rest));
    return { rest: this.#isWhole && rest.length > 0 ? [rest] : [], whole: this.#isWhole };
  }

  failure(error: WireError): Buffer {
    const { native, requestId, to } = this.#options;
    return Buffer.concat(native.errors.encodeStreamError(error, requestId).map((event, index) => to.encode(event, this.#written + index)));
  }

  #onEvent(raw: Buffer): void {
    const { native, hidesUsage, from } = this.#options;
    if (!this.#hasBegun) this.#begin(raw);
    if (!this.isUnchanged) return this.#reframe(raw);
    const fact = native.passThrough.mayMatter(raw) ? this.#read(from.parse(raw)) : undefined;
    if (fact?.usageOnly === true && hidesUsage) return;
    if (fact?.done !== true) this.#estimate.add(raw.length);
    this.#append(raw);
  }

  #begin(raw: Buffer): void {
    const { from, onFirst } = this.#options;
    const event = onFirst === undefined ? undefined : from.parse(raw);
    if (event !== undefined) onFirst?.(event);
    // A comment is no event: the first one is still to come.
    this.#hasBegun = onFirst === undefined || event !== undefined;
  }

  #reframe(raw: Buffer): void {
    const { from, to, hidesUsage } = this.#options;
    const event = from.parse(raw);
    if (event === undefined) return;
    const fact = this.#read(event);
    if (fact.usageOnly === true && hidesUsage) return;
    if (fact.done !== true) this.#estimate.add(raw.length);
    this.#out.push(to.encode(event, this.#written++));
  }

  #read(event: SseEvent | undefined): StreamFact {
    if (event === undefined) return {};
    const fact = this.#options.native.passThrough.readEvent(event);
    if (fact.usage !== undefined) this.#usage = laterUsage(this.#usage, fact.usage);
    if (fact.done === true) this.#isDone = true;
    if (fact.done === true || fact.finished === true) this.#isWhole = true;
    if (fact.error !== undefined) this.#error = fact.error;
    return fact;
  }

  /** Events that lie side by side in one chunk leave in one write. */
  #append(raw: Buffer): void {
    const last = this.#out.at(-1);
    if (last !== undefined && last.buffer === raw.buffer && last.byteOffset + last.length === raw.byteOffset) {
      this.#out[this.#out.length - 1] = Buffer.from(last.buffer, last.byteOffset, last.length + raw.length);
    } else this.#out.push(raw);
  }
}

/** A whole answer that is too large to hold: its bytes pass while its usage is captured. */
export class PassBytes implements StreamTransform {
  readonly #native: NativeProtocol;
  readonly #capture: MemberCapture;
  #bytes = 0;

  constructor(native: NativeProtocol) {
    this.#native = native;
    this.#capture = new MemberCapture(native.passThrough.responseMembers);
  }

  get usage(): TokenUsage | undefined {
    return this.#native.passThrough.usageOfResponse(this.#capture.members());
  }

  get outputEstimate(): number {
    return estimateOutputTokens(this.#bytes);
  }

  /** Only the end of the bytes says that they are all. */
  readonly isComplete = false;
  readonly reportedError = undefined;

  push(chunk: Buffer): readonly Buffer[] {
    this.#bytes += chunk.length;
    this.#capture.push(chunk);
    return [chunk];
  }

  end(): { readonly rest: readonly Buffer[]; readonly whole: boolean } {
    return { rest: [], whole: true };
  }

  /** Half a JSON text cannot be completed: the client sees the connection break. */
  failure(): Buffer {
    return Buffer.alloc(0);
  }
}
