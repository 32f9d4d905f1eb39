import type { IncomingMessage, ServerResponse } from 'node:http';
import { systemClock } from '../core/clock.ts';
import { BulkheadError } from '../core/errors.ts';
import { watchPace, type BodyRules } from './body.ts';
import type { FormField, FormScanner } from './form-scanner.ts';

/** How much of a form is read before it must be clear whether the rest can be sent on as it arrives. */
const HEAD_BYTES = 64 * 1024;

export interface UploadRules extends Pick<BodyRules, 'timeoutMs' | 'minBytesPerSecond' | 'paceGraceMs' | 'sendContinue'> {
  /** What a form may have that is held whole. */
  readonly heldBytes: number;
  /** Whether the fields before the first file say all that must be known of the form. */
  readonly isDecided: (fields: readonly FormField[]) => boolean;
  /** Throws for a field that must not come behind the point where `isDecided` said so. */
  readonly checkLate: (field: FormField) => void;
}

/** Who takes the rest of a form: send*, then one of end or failed. */
export interface UploadSink {
  /** False: no more before `more` is called. */
  send(chunk: Buffer): boolean;
  end(): void;
  failed(error: BulkheadError): void;
}

/**
 * A large form of a known length. Its head is read; where the fields before its first file decide, the rest waits on the client's socket until
 * someone takes it, no faster than it is taken: what is held is the head and what Node reads ahead. Otherwise it is held whole.
 */
export class FormUpload {
  readonly totalBytes: number;
  readonly #request: IncomingMessage;
  readonly #scanner: FormScanner;
  readonly #rules: UploadRules;
  readonly #opened = Promise.withResolvers<Buffer>();
  #stopWatch: () => void = () => undefined;
  #chunks: Buffer[] = [];
  #received = 0;
  /** `sent`: bytes of the whole were handed to the sink; `held`: the form cannot be sent on. */
  #mode: 'open' | 'held' | 'sent' | 'over' = 'open';
  #sink: UploadSink | undefined;
  #failure: BulkheadError | undefined;
  #checked = 0;
  #pausedAt: number | undefined;
  #pausedMs = 0;

  /** `totalBytes` is the request's content-length. */
  constructor(request: IncomingMessage, response: ServerResponse, totalBytes: number, scanner: FormScanner, rules: UploadRules) {
    this.totalBytes = totalBytes;
    this.#request = request;
    this.#scanner = scanner;
    this.#rules = rules;
    // Whatever is left when the client has its answer is read and dropped: else its connection would stand still.
    response.once('close', () => this.#stop());
  }

  /** The bytes up to the point where it was clear that the rest can be sent on, or all of them: `isWhole` tells. Call it once. */
  open(): Promise<Buffer> {
    const { sendContinue } = this.#rules;
    sendContinue?.();
    this.#stopWatch = watchPace(
      this.#rules,
      () => this.#received,
      (error) => this.#fail(error),
      () => this.#pausedMs + (this.#pausedAt === undefined ? 0 : systemClock.monotonic() - this.#pausedAt),
    );
    this.#request.on('data', this.#onData).on('end', this.#onEnd).on('close', this.#onClose).on('error', this.#onClose);
    if (this.#request.destroyed && !this.#request.readableEnded) this.#onClose();
    return this.#opened.promise;
  }

  /** The whole form was read, and it is well formed. */
  get isWhole(): boolean {
    return this.#received === this.totalBytes && this.#failure === undefined;
  }

  /** Those that came so far. */
  get fields(): readonly FormField[] {
    return this.#scanner.fields;
  }

  /** Why the form ended early. */
  get failure(): BulkheadError | undefined {
    return this.#failure;
  }

  /** Hands the rest over; `flows` false: not before `more` is called. */
  start(sink: UploadSink, flows: boolean): void {
    this.#sink = sink;
    if (this.#failure !== undefined) sink.failed(this.#failure);
    else if (flows) this.more();
  }

  more(): void {
    if (this.#mode !== 'sent' || this.#pausedAt === undefined) return;
    this.#pausedMs += systemClock.monotonic() - this.#pausedAt;
    this.#pausedAt = undefined;
    this.#request.resume();
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#received += chunk.length;
    try {
      this.#scanner.push(chunk);
      // Before the last byte leaves: a form that is not whole must not look like one to its provider.
      if (this.#received === this.totalBytes) this.#scanner.end();
      if (this.#mode === 'sent') this.#send(chunk);
      else this.#hold(chunk);
    } catch (error) {
      this.#fail(error as BulkheadError);
    }
  };

  #send(chunk: Buffer): void {
    const { fields } = this.#scanner;
    for (; this.#checked < fields.length; this.#checked++) this.#rules.checkLate(fields[this.#checked] as FormField);
    if (this.#sink?.send(chunk) === false) this.#pause();
  }

  #hold(chunk: Buffer): void {
    this.#chunks.push(chunk);
    if (this.#mode === 'held') return;
    const { fileAt, fields } = this.#scanner;
    if (fileAt === undefined && this.#received <= HEAD_BYTES) return;
    if (fileAt !== undefined && fileAt <= HEAD_BYTES && this.#rules.isDecided(fields)) return this.#decided(fields.length);
    this.#mode = 'held';
    if (this.totalBytes > this.#rules.heldBytes)
      throw new BulkheadError('form_not_streamed', { limit: this.#rules.heldBytes, reason: 'its model does not stand before its file' });
  }

  #decided(seen: number): void {
    this.#mode = 'sent';
    this.#checked = seen;
    this.#pause();
    this.#opened.resolve(this.#gathered());
  }

  #pause(): void {
    this.#request.pause();
    this.#pausedAt ??= systemClock.monotonic();
  }

  #gathered(): Buffer {
    return Buffer.concat(this.#chunks.splice(0));
  }

  readonly #onEnd = (): void => {
    const { mode, sink } = { mode: this.#mode, sink: this.#sink };
    this.#stop();
    if (mode === 'sent') sink?.end();
    else this.#opened.resolve(this.#gathered());
  };

  readonly #onClose = (): void => this.#fail(new BulkheadError('client_gone'));

  #fail(error: BulkheadError): void {
    if (this.#mode === 'over') return;
    this.#failure = error;
    this.#stop();
    this.#chunks = [];
    this.#opened.reject(error);
    this.#sink?.failed(error);
  }

  #stop(): void {
    if (this.#mode === 'over') return;
    this.#mode = 'over';
    this.#stopWatch();
    this.#request.off('data', this.#onData).off('end', this.#onEnd).off('close', this.#onClose).off('error', this.#onClose);
    // Without a listener that takes them, bytes are dropped.
    this.#request.resume();
  }
}
