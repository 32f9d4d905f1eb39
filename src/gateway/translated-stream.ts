import type { CanonicalEvent } from '../canonical/event.ts';
import type { TokenUsage } from '../core/usage.ts';
import { encodeSse, parseEvent, SseSplitter } from '../http/sse.ts';
import type { NativeProtocol } from '../wire/native.ts';
import type { AnswerContext, Codec, WireError } from '../wire/protocol.ts';
import { OutputEstimate } from './estimate.ts';
import type { StreamTransform } from './stream-transform.ts';
import { laterUsage } from './usage-merge.ts';

export interface TranslatedStreamOptions {
  /** The provider's protocol. */
  readonly from: Codec;
  /** The client's protocol. */
  readonly to: Codec;
  readonly native: NativeProtocol;
  readonly context: AnswerContext;
  readonly provider: string;
}

/** Another protocol on the provider's side: its events become canonical ones, and those the client's. */
export class TranslatedStream implements StreamTransform {
  readonly #options: TranslatedStreamOptions;
  readonly #splitter: SseSplitter;
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
    this.#splitter = new SseSplitter((raw) => this.#onEvent(raw), { source: options.provider });
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

  end(): { readonly rest: readonly Buffer[]; readonly whole: boolean } {
    this.#out = [];
    const rest = this.#splitter.rest();
    if (rest.length > 0) this.#onEvent(rest);
    if (!this.#ended && this.#error === undefined)
      for (const event of this.#options.from.streamDecoder.finish(this.#decoding)) this.#encode(event);
    return { rest: joined(this.#out), whole: this.#ended };
  }

  failure(error: WireError): Buffer {
    return Buffer.concat(this.#options.native.errors.encodeStreamError(error, this.#options.context.requestId).map(encodeSse));
  }

  #onEvent(raw: Buffer): void {
    const event = parseEvent(raw);
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
    for (const sse of events) this.#out.push(encodeSse(sse));
  }
}

const joined = (parts: readonly Buffer[]): readonly Buffer[] => (parts.length > 1 ? [Buffer.concat(parts)] : parts);
