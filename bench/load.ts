import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * A load generator over raw keep-alive sockets, in a process of its own. The parent sends one `Job` at a time over IPC and
 * gets one `LoadResult`. Latencies of an open-loop job count from the moment the request was due, so queueing is seen.
 */
export interface Job {
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Closed loop: so many requests in flight. */
  readonly concurrency?: number;
  /** Open loop: requests per second. */
  readonly rate?: number;
  readonly durationMs: number;
}

export interface LoadResult {
  readonly requests: number;
  readonly errors: number;
  readonly seconds: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  /** To the first body byte, milliseconds. */
  readonly firstByteP50: number;
  readonly firstByteP99: number;
}

const CHUNKED_END = Buffer.from('0\r\n\r\n');

class Connection {
  readonly #socket: net.Socket;
  #finish: ((ok: boolean) => void) | undefined;
  #firstByte: (() => void) | undefined;
  #headSeen = false;
  #chunked = false;
  #left = 0;
  #head = '';
  #status = 0;
  #tail = Buffer.alloc(0);

  constructor(host: string, port: number) {
    this.#socket = net.connect(port, host);
    this.#socket.setNoDelay(true);
    this.#socket.on('data', (chunk: Buffer) => this.#onData(chunk));
    this.#socket.on('error', () => this.#done(false));
    this.#socket.on('close', () => this.#done(false));
  }

  get dead(): boolean {
    return this.#socket.destroyed;
  }

  send(request: Buffer, firstByte: () => void, finish: (ok: boolean) => void): void {
    this.#finish = finish;
    this.#firstByte = firstByte;
    this.#headSeen = false;
    this.#head = '';
    this.#tail = Buffer.alloc(0);
    this.#socket.write(request);
  }

  close(): void {
    this.#finish = undefined;
    this.#socket.destroy();
  }

  #onData(chunk: Buffer): void {
    let body = chunk;
    if (!this.#headSeen) {
      this.#head += chunk.toString('latin1');
      const end = this.#head.indexOf('\r\n\r\n');
      if (end < 0) return;
      body = Buffer.from(this.#head.slice(end + 4), 'latin1');
      this.#onHead(this.#head.slice(0, end));
    }
    if (body.length > 0) this.#onBody(body);
    else if (!this.#chunked && this.#left === 0) this.#done(this.#status === 200);
  }

  #onHead(head: string): void {
    this.#headSeen = true;
    this.#status = Number(head.slice(9, 12));
    this.#chunked = /transfer-encoding: chunked/i.test(head);
    this.#left = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
  }

  #onBody(body: Buffer): void {
    this.#firstByte?.();
    this.#firstByte = undefined;
    if (this.#chunked) {
      this.#tail = Buffer.concat([this.#tail.subarray(-8), body.subarray(-8)]);
      if (this.#tail.subarray(-5).equals(CHUNKED_END)) this.#done(this.#status === 200);
      return;
    }
    this.#left -= body.length;
    if (this.#left <= 0) this.#done(this.#status === 200);
  }

  #done(ok: boolean): void {
    const finish = this.#finish;
    this.#finish = undefined;
    finish?.(ok);
  }
}

const percentile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;

async function run(job: Job): Promise<LoadResult> {
  const head = Object.entries({
    host: `${job.host}:${job.port}`,
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(job.body)),
    ...job.headers,
  });
  const request = Buffer.from(
    `POST ${job.path} HTTP/1.1\r\n${head.map(([name, value]) => `${name}: ${value}`).join('\r\n')}\r\n\r\n${job.body}`,
  );
  const latencies: number[] = [];
  const firsts: number[] = [];
  const idle: Connection[] = [];
  const all = new Set<Connection>();
  let [errors, pending] = [0, 0];
  const started = performance.now();
  const stopAt = started + job.durationMs;
  const shoot = (due: number, next: () => void): void => {
    let connection = idle.pop();
    while (connection?.dead === true) connection = idle.pop();
    connection ??= new Connection(job.host, job.port);
    all.add(connection);
    pending++;
    const own = connection;
    own.send(
      request,
      () => firsts.push(performance.now() - due),
      (ok) => {
        pending--;
        if (ok) latencies.push(performance.now() - due);
        else errors++;
        if (ok) idle.push(own);
        else all.delete(own);
        next();
      },
    );
  };
  if (job.concurrency !== undefined) {
    const loop = (): void => {
      const now = performance.now();
      if (now < stopAt) shoot(now, loop);
    };
    for (let i = 0; i < job.concurrency; i++) loop();
  } else {
    const gap = 1000 / (job.rate ?? 1);
    let due = started;
    // It sleeps in between: one that watched the clock would take a whole core from those it measures. Its own delay is not theirs.
    while (performance.now() < stopAt) {
      while (due <= performance.now()) {
        shoot(performance.now(), () => undefined);
        due += gap;
      }
      await sleep(1);
    }
  }
  while (performance.now() < stopAt || (pending > 0 && performance.now() < stopAt + 10_000)) await sleep(1);
  const seconds = (performance.now() - started) / 1000;
  for (const connection of all) connection.close();
  latencies.sort((a, b) => a - b);
  firsts.sort((a, b) => a - b);
  return {
    requests: latencies.length,
    errors: errors + pending,
    seconds,
    p50: percentile(latencies, 0.5),
    p99: percentile(latencies, 0.99),
    max: latencies.at(-1) ?? 0,
    firstByteP50: percentile(firsts, 0.5),
    firstByteP99: percentile(firsts, 0.99),
  };
}

if (process.send !== undefined) {
  process.on('message', (job: Job) => void run(job).then((result) => process.send?.(result)));
  process.on('disconnect', () => process.exit(0));
}
