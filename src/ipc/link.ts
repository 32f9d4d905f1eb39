import net from 'node:net';
import { BulkheadError } from '../core/error.ts';
import type { ErrorCode } from '../core/error-table.ts';
import type { JsonObject } from '../core/json.ts';
import { Peer, type Hello, type PeerHandlers } from './peer.ts';

const FIRST_RETRY_MS = 10;
const LAST_RETRY_MS = 1000;

export interface LinkOptions {
  readonly path: string;
  readonly hello: Hello;
  readonly handlers?: PeerHandlers;
  /** Code of the error a caller gets when the other side stays away longer than `waitMs`. */
  readonly unavailable: ErrorCode;
  /** How long a call may wait for a connection, so that a restart of the other side drops nothing. */
  readonly waitMs: number;
  /** Called after every successful hello, the first included. */
  readonly onReady?: (peer: Peer) => void;
}

/** A connection to a listening process that comes back by itself when the process restarts. */
export class Link {
  readonly #options: LinkOptions;
  /** Each settles one `ready`: with a connection, or with none. */
  readonly #waiting = new Set<(peer: Peer | undefined) => void>();
  /** Ready for calls: hello received, no goaway. */
  #peer: Peer | undefined;
  /** The newest connection, ready or not: only its end leads to another one. */
  #newest: Peer | undefined;
  #retryMs = FIRST_RETRY_MS;
  #retryTimer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#connect();
  }

  /** The live connection, or undefined: the fast path that needs no promise. */
  get peer(): Peer | undefined {
    return this.#peer;
  }

  /** Resolves with a live connection; rejects with `unavailable` after `waitMs`. */
  ready(): Promise<Peer> {
    if (this.#peer !== undefined) return Promise.resolve(this.#peer);
    return new Promise((resolve, reject) => {
      const settle = (peer: Peer | undefined): void => {
        clearTimeout(timer);
        this.#waiting.delete(settle);
        if (peer === undefined) reject(new BulkheadError(this.#options.unavailable));
        else resolve(peer);
      };
      const timer = setTimeout(settle, this.#options.waitMs, undefined);
      this.#waiting.add(settle);
    });
  }

  async unary(head: JsonObject | string, body?: Uint8Array): Promise<{ head: JsonObject; body: Buffer }> {
    return (await this.ready()).unary(head, body);
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#retryTimer);
    this.#newest?.destroy();
    this.#peer = undefined;
    for (const settle of this.#waiting) settle(undefined);
  }

  #connect(): void {
    if (this.#stopped) return;
    const { path, hello, handlers = {}, onReady } = this.#options;
    const socket = net.connect(path);
    const peer: Peer = new Peer(socket, 'connecting', hello, {
      ...handlers,
      onHello: (theirs) => {
        this.#retryMs = FIRST_RETRY_MS;
        this.#peer = peer;
        handlers.onHello?.(theirs);
        onReady?.(peer);
        for (const settle of this.#waiting) settle(peer);
      },
      // A draining process finishes its calls on the old connection; new ones go to its successor.
      onGoaway: () => {
        handlers.onGoaway?.();
        this.#replace(peer);
      },
      onClose: () => {
        handlers.onClose?.();
        this.#replace(peer);
      },
    });
    this.#newest = peer;
  }

  #replace(peer: Peer): void {
    if (this.#newest !== peer || this.#stopped) return;
    this.#newest = undefined;
    this.#peer = undefined;
    this.#retryTimer = setTimeout(() => this.#connect(), this.#retryMs);
    this.#retryMs = Math.min(this.#retryMs * 2, LAST_RETRY_MS);
  }
}
