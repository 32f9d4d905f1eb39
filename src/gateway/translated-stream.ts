import type { CanonicalEvent } from '../canonical/event.ts';
import type { TokenUsage } from '../core/usage.ts';
import type { NativeProtocol } from '../wire/native.ts';
import type { AnswerContext, Codec, SseEvent, WireError } from '../wire/protocol.ts';
import { OutputEstimate } from './estimate.ts';
import type { ClientFraming, EventSplitter, ProviderFraming } from './framing.ts';
import type { StreamEnd, StreamTransform } from './stream-transform.ts';
import { laterUsage } from './usage-merge.ts';

export interface TranslatedStreamOptions {
  /** The provider's protocol. */
  readonly from: Codec;
  /** The client's protocol. */
  readonly to: Codec;
  readonly native: NativeProtocol;
  readonly context: AnswerContext;
  readonly provider: string;
  /** How the provider frames its events. */
  readonly framing: ProviderFraming;
  /** How the client reads them. */
  readonly written: ClientFraming;
  /** Told of each event; a promise: this is the last, and it leaves when that has settled. */
  readonly onLast?: (event: SseEvent) => Promise<void> | undefined;
}

/** Another protocol on the provider's side: its events become canonical ones, and those the client's. */
export class TranslatedStream implements StreamTransform {
  readonly #options: TranslatedStreamOptions;
  readonly #splitter: EventSplitter;
  #written = 0;
  /** What waits until the answer is kept. */
  #after: Promise<void> | undefined;
  readonly #held: Buffer[] = [];
  readonly #estimate = new OutputEstimate();
  #decoding: unknown;
  #encoding: unknown;
  #out: Buffer[] = [];
  #usage: TokenUsage | undefined;
  #ended = false;
  #error: string | undefined;

  constructor(options: TranslatedStreamOptions) {
    this.#options = options;
    this.#decoding = options.from.streamDecoder.start();
    this.#encoding = options.to.streamEncoder.start(options.context);
    this.#splitter = options.framing.splitter((raw) => this.#onEvent(raw), { source: options.provider });
  }

  get isComplete(): boolean {
    return this.#ended;
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
    return joined(this.#out);
  }

  end(): StreamEnd {
    this.#out = [];
    const last = this.#splitter.rest();
    if (last.length > 0) this.#onEvent(last);
    if (!this.#ended && this.#error === undefined)
      for (const event of this.#options.from.streamDecoder.finish(this.#decoding)) this.#encode(event);
    // A failure that the provider told of is the last element, and the client can read it.
    if (this.#ended || this.#error !== undefined) this.#out.push(this.#options.written.close(this.#written));
    const rest = joined([...this.#out, ...this.#held].filter(({ length }) => length > 0));
    return { rest, whole: this.#ended, ...(this.#after === undefined ? {} : { after: this.#after }) };
  }

  failure(error: WireError): Buffer {
    const { native, context, written } = this.#options;
    return Buffer.concat(
      native.errors.encodeStreamError(error, context.requestId).map((event, index) => written.encode(event, this.#written + index)),
    );
  }

  #onEvent(raw: Buffer): void {
    const event = this.#options.framing.parse(raw);
    if (event === undefined || this.#ended || this.#error !== undefined) return;
    this.#estimate.add(raw.length);
    const [state, events] = this.#options.from.streamDecoder.step(this.#decoding, event);
    this.#decoding = state;
    for (const canonical of events) this.#encode(canonical);
  }

  #encode(event: CanonicalEvent): void {
    if (event.type === 'usage') this.#usage = laterUsage(this.#usage, event.usage);
    if (event.type === 'end') this.#ended = true;
    if (event.type === 'error') {
      // The relay says in its own words that the bytes ended early.
      if (event.cut) return;
      this.#error = event.message;
    }
    const [state, events] = this.#options.to.streamEncoder.step(this.#encoding, event);
    this.#encoding = state;
    for (const sse of events) this.#write(sse);
  }

  #write(event: SseEvent): void {
    const bytes = this.#options.written.encode(event, this.#written++);
    const kept = this.#options.onLast?.(event);
    if (kept !== undefined) this.#after = kept;
    (this.#after === undefined ? this.#out : this.#held).push(bytes);
  }
}

const joined = (parts: readonly Buffer[]): readonly Buffer[] => (parts.length > 1 ? [Buffer.concat(parts)] : parts);
