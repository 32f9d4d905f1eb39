import type { IncomingMessage } from 'node:http';
import zlib from 'node:zlib';
import { promisify } from 'node:util';
import { systemClock } from '../core/clock.ts';
import { BulkheadError } from '../core/errors.ts';
import type { JsonScanner } from '../core/json-scan.ts';
import type { Head } from './head.ts';

export interface BodyRules {
  /** Of the decoded body, and of the encoded one. */
  readonly limitBytes: number;
  /** For the whole body, from the call on. */
  readonly timeoutMs: number;
  /** Average that is asked for after `paceGraceMs`; default 1,024. A slower sender holds memory for too little. */
  readonly minBytesPerSecond?: number;
  /** Default 10,000. */
  readonly paceGraceMs?: number;
  /** Gets the decoded bytes as they arrive, and `end()`. What it throws is what `readBody` throws. */
  readonly scanner?: JsonScanner;
  /** Tells the client to go on, called before reading where it waits for that: `() => response.writeContinue()`. */
  readonly sendContinue?: () => void;
}

const PACE_GRACE_MS = 10_000;
const MIN_BYTES_PER_SECOND = 1024;
/** JSON of requests shrinks to a tenth; only a bomb (gzip ≤1,030, zstd ≤32,000) goes beyond this. */
const MAX_RATIO = 200;
const RATIO_FLOOR_BYTES = 1024 * 1024;
const SCAN_SLICE_BYTES = 1024 * 1024;
/** RFC 8878 §3.1.1.1.2 asks decoders for 8 MiB of window; a frame that wants more is after our memory. */
const ZSTD_WINDOW_LOG = 23;

type Decoder = (encoded: Buffer, maxOutputLength: number) => Promise<Buffer>;

const gunzip = promisify<zlib.InputType, zlib.ZlibOptions, Buffer>(zlib.gunzip);
const inflate = promisify<zlib.InputType, zlib.ZlibOptions, Buffer>(zlib.inflate);
const zstd = promisify<zlib.InputType, zlib.ZstdOptions, Buffer>(zlib.zstdDecompress);

const DECODERS: ReadonlyMap<string, Decoder> = new Map<string, Decoder>([
  ['gzip', (encoded, maxOutputLength) => gunzip(encoded, { maxOutputLength })],
  ['x-gzip', (encoded, maxOutputLength) => gunzip(encoded, { maxOutputLength })],
  ['deflate', (encoded, maxOutputLength) => inflate(encoded, { maxOutputLength })],
  [
    'zstd',
    (encoded, maxOutputLength) => zstd(encoded, { maxOutputLength, params: { [zlib.constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG } }),
  ],
]);

/**
 * The whole decoded body. Throws body_too_large, unsupported_media_type, request_timeout, malformed_request, client_gone,
 * or what the scanner throws. What is left of the body after a throw is the listener's to drop.
 */
export function readBody(
  request: IncomingMessage,
  head: Pick<Head, 'contentEncoding' | 'contentLength' | 'expectsContinue'>,
  rules: BodyRules,
): Promise<Buffer> {
  const decode = head.contentEncoding === '' ? undefined : DECODERS.get(head.contentEncoding);
  if (head.contentEncoding !== '' && decode === undefined) {
    return Promise.reject(new BulkheadError('unsupported_media_type', { type: head.contentEncoding.slice(0, 100) }));
  }
  if ((head.contentLength ?? 0) > rules.limitBytes) return Promise.reject(tooLarge(rules));
  if (head.expectsContinue) rules.sendContinue?.();
  return decode === undefined ? collect(request, rules, rules.scanner) : collectEncoded(request, decode, rules);
}

async function collectEncoded(request: IncomingMessage, decode: Decoder, rules: BodyRules): Promise<Buffer> {
  const bytes = await collect(request, rules, undefined);
  const body = await decodeWithin(decode, bytes, rules);
  if (rules.scanner !== undefined) await scanInSlices(body, rules.scanner);
  return body;
}

function collect(request: IncomingMessage, rules: BodyRules, scanner: JsonScanner | undefined): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let received = 0;
    const stopWatch = watchPace(
      rules,
      () => received,
      (error) => settle(() => reject(error)),
    );
    const settle = (how: () => void): void => {
      stopWatch();
      request.off('data', onData).off('end', onEnd).off('close', onClose).off('error', onClose);
      how();
    };
    const onData = (chunk: Buffer): void => {
      received += chunk.length;
      try {
        if (received > rules.limitBytes) throw tooLarge(rules);
        scanner?.push(chunk);
        chunks.push(chunk);
      } catch (error) {
        settle(() => reject(error as Error));
      }
    };
    const onEnd = (): void => {
      try {
        scanner?.end();
        settle(() => resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, received)));
      } catch (error) {
        settle(() => reject(error as Error));
      }
    };
    const onClose = (): void => settle(() => reject(new BulkheadError('client_gone')));
    request.on('data', onData).on('end', onEnd).on('close', onClose).on('error', onClose);
    if (request.destroyed && !request.readableEnded) onClose();
  });
}

/**
 * Calls `late` once when the body takes longer than allowed or comes too slowly; `pausedMs` is time in which we ourselves did not read. Gives the
 * function that stops watching.
 */
export function watchPace(
  rules: Pick<BodyRules, 'timeoutMs' | 'minBytesPerSecond' | 'paceGraceMs'>,
  received: () => number,
  late: (error: BulkheadError) => void,
  pausedMs: () => number = () => 0,
): () => void {
  const started = systemClock.monotonic();
  const floor = rules.minBytesPerSecond ?? MIN_BYTES_PER_SECOND;
  const graceMs = rules.paceGraceMs ?? PACE_GRACE_MS;
  const check = (): void => {
    const elapsed = systemClock.monotonic() - started;
    const reading = elapsed - pausedMs();
    const isSlow = reading >= graceMs && received() < (floor * reading) / 1000;
    if (elapsed >= rules.timeoutMs || isSlow)
      return late(new BulkheadError('request_timeout', { seconds: Math.ceil(rules.timeoutMs / 1000) }));
    timer = setTimeout(check, Math.max(1, Math.min(graceMs, rules.timeoutMs - elapsed)));
  };
  let timer: NodeJS.Timeout | undefined;
  let isOver = false;
  // Most bodies come in the packet of their head and are whole before this turn ends: those need no timer.
  void Promise.resolve().then(() => {
    if (!isOver) timer = setTimeout(check, Math.min(graceMs, rules.timeoutMs));
  });
  return () => {
    isOver = true;
    clearTimeout(timer);
  };
}

async function decodeWithin(decode: Decoder, encoded: Buffer, rules: BodyRules): Promise<Buffer> {
  const allowed = Math.min(rules.limitBytes, Math.max(RATIO_FLOOR_BYTES, encoded.length * MAX_RATIO));
  try {
    return await decode(encoded, allowed);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? '';
    if (code === 'ERR_BUFFER_TOO_LARGE' || code === 'ZSTD_error_frameParameter_windowTooLarge') throw tooLarge(rules, cause);
    throw new BulkheadError('malformed_request', { reason: 'the body is not what its content-encoding says' }, { cause });
  }
}

/** Lets other requests run between slices: a decoded body is in hand at once. */
async function scanInSlices(body: Buffer, scanner: JsonScanner): Promise<void> {
  for (let at = 0; at < body.length; at += SCAN_SLICE_BYTES) {
    if (at > 0) await new Promise((resolve) => setImmediate(resolve));
    scanner.push(body.subarray(at, at + SCAN_SLICE_BYTES));
  }
  scanner.end();
}

const tooLarge = (rules: BodyRules, cause?: unknown): BulkheadError =>
  new BulkheadError('body_too_large', { limit: rules.limitBytes }, { cause });
