import type net from 'node:net';
import type { Dialer } from './connect.ts';

const MAX_IDLE = 256;
const IDLE_MS = 30_000;

/** Who uses a connection at the moment. */
export interface ConnectionUser {
  onBytes(chunk: Buffer): void;
  /** The connection ended, properly or not. Nothing follows. */
  onClosed(): void;
}

/** One upstream connection; it has a user, or it is idle in its pool, or it is destroyed. */
export class Connection {
  readonly socket: net.Socket;
  user: ConnectionUser | undefined;
  /** True: it carried a request before, so the other side may have closed it meanwhile. */
  reused = false;
  idleSince = 0;
  #closed = false;

  constructor(socket: net.Socket) {
    this.socket = socket;
    const close = (): void => {
      if (this.#closed) return;
      this.#closed = true;
      socket.destroy();
      this.user?.onClosed();
    };
    // Bytes that nobody asked for mean that requests and answers are out of step.
    socket.on('data', (chunk: Buffer) => (this.user === undefined ? close() : this.user.onBytes(chunk)));
    for (const event of ['end', 'error', 'close']) socket.on(event, close);
  }

  get closed(): boolean {
    return this.#closed;
  }
}

/** Idle connections of one credential, the newest first: the old ones age out. */
export class Pool {
  readonly #dialer: Dialer;
  #idle: Connection[] = [];
  #retired = false;

  constructor(dialer: Dialer) {
    this.#dialer = dialer;
  }

  take(): Connection | undefined {
    for (let connection = this.#idle.pop(); connection !== undefined; connection = this.#idle.pop())
      if (!connection.closed) return connection;
    return undefined;
  }

  async open(timeoutMs: number): Promise<Connection> {
    return new Connection(await this.#dialer.connect(timeoutMs));
  }

  /** Takes a connection back after a whole answer. */
  give(connection: Connection, now: number): void {
    connection.user = undefined;
    if (this.#retired || connection.closed || this.#idle.length >= MAX_IDLE) return void connection.socket.destroy();
    connection.reused = true;
    connection.idleSince = now;
    this.#idle.push(connection);
  }

  /** Closes what was idle too long. */
  sweep(now: number): void {
    if (this.#idle.length === 0) return;
    this.#idle = this.#idle.filter((connection) => {
      const stays = !connection.closed && now - connection.idleSince < IDLE_MS;
      if (!stays) connection.socket.destroy();
      return stays;
    });
  }

  /** The credential is gone or changed: idle connections close now, those in use when their answer is whole. */
  retire(): void {
    this.#retired = true;
    for (const { socket } of this.#idle) socket.destroy();
    this.#idle = [];
  }
}
