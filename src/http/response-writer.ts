import type { ServerResponse } from 'node:http';
import { writeHead } from './respond.ts';

export interface WriterRules {
  /** Bytes buffered for a client before `write` says stop; default 128 KiB. With the chunk in hand and the frames in flight it stays below 256 KiB plus one chunk. */
  readonly highWaterBytes?: number;
  /** How long a client may take to read what is buffered; then it counts as gone. Default 60 s. */
  readonly stallMs?: number;
}

const HIGH_WATER_BYTES = 128 * 1024;
const STALL_MS = 60_000;

/**
 * Writes a streamed answer no faster than its client reads. `onDrain` comes after each `write` that gave false; `onGone`
 * comes once if the client leaves (or stops reading) before the answer was ended, and never after `end` was flushed.
 */
export class ResponseWriter {
  readonly #response: ServerResponse;
  readonly #highWater: number;
  readonly #stallMs: number;
  readonly #onDrain: () => void;
  #stall: NodeJS.Timeout | undefined;
  #waiting = false;

  constructor(response: ServerResponse, on: { readonly drain: () => void; readonly gone: () => void }, rules: WriterRules = {}) {
    this.#response = response;
    this.#highWater = rules.highWaterBytes ?? HIGH_WATER_BYTES;
    this.#stallMs = rules.stallMs ?? STALL_MS;
    this.#onDrain = on.drain;
    response.on('drain', () => this.#drained());
    response.once('close', () => {
      clearTimeout(this.#stall);
      if (!response.writableFinished) on.gone();
    });
  }

  /** Bytes accepted and not yet taken by the kernel. */
  get buffered(): number {
    return this.#response.writableLength;
  }

  get gone(): boolean {
    return this.#response.destroyed && !this.#response.writableFinished;
  }

  /** Sends the head. `headers` have lower-case names. */
  head(status: number, headers: readonly (readonly [string, string])[]): void {
    if (this.#response.headersSent || this.#response.destroyed) return;
    writeHead(this.#response, status, headers);
    this.#response.flushHeaders();
  }

  /** False: the bytes are taken, but send no more before `onDrain`. Bytes for a client that is gone are dropped. */
  write(chunk: Buffer): boolean {
    if (this.#response.destroyed) return true;
    const flows = this.#response.write(chunk);
    if (flows || this.#response.writableLength < this.#highWater) return true;
    this.#waiting = true;
    this.#stall ??= setTimeout(() => this.#response.destroy(), this.#stallMs).unref();
    return false;
  }

  end(): void {
    if (this.#response.destroyed || this.#response.writableEnded) return;
    this.#response.end();
    if (this.#response.writableLength > 0) this.#stall ??= setTimeout(() => this.#response.destroy(), this.#stallMs).unref();
  }

  /** Breaks the connection off: the client must see that the answer is not whole. */
  abort(): void {
    this.#response.destroy();
  }

  #drained(): void {
    if (!this.#response.writableEnded) {
      clearTimeout(this.#stall);
      this.#stall = undefined;
    }
    if (!this.#waiting) return;
    this.#waiting = false;
    this.#onDrain();
  }
}
