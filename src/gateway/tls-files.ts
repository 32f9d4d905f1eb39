import type { TlsPair } from '../http/listener.ts';
import type { Child } from '../ipc/child.ts';

/** Certificate and key as the supervisor passes them on: known once both are, changed whenever one is. */
export class TlsFiles {
  readonly pair: Promise<TlsPair>;
  readonly #onRefused: (reason: string) => void;
  #cert: Buffer | undefined;
  #key: Buffer | undefined;
  #resolve: (pair: TlsPair) => void = () => undefined;
  #changed: ((pair: TlsPair) => void) | undefined;

  constructor(child: Pick<Child, 'onFile'>, onRefused: (reason: string) => void) {
    this.#onRefused = onRefused;
    this.pair = new Promise((resolve) => (this.#resolve = resolve));
    child.onFile('tls.cert', (bytes) => {
      this.#cert = bytes;
      this.#update();
    });
    child.onFile('tls.key', (bytes) => {
      this.#key = bytes;
      this.#update();
    });
  }

  onChange(changed: (pair: TlsPair) => void): void {
    this.#changed = changed;
  }

  #update(): void {
    if (this.#cert === undefined || this.#key === undefined) return;
    const pair = { cert: this.#cert, key: this.#key };
    this.#resolve(pair);
    try {
      this.#changed?.(pair);
    } catch (error) {
      // One of the two came first: the pair before stays in force until they fit.
      this.#onRefused(error instanceof Error ? error.message : String(error));
    }
  }
}
