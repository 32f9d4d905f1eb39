import assert from 'node:assert/strict';
import { BulkheadError } from '../../src/core/errors.ts';
import { JsonScanner } from '../../src/core/json-scan.ts';
import { parseEvent, SseSplitter } from '../../src/http/sse.ts';
import { encodeWithHead, FRAME, FrameReader } from '../../src/ipc/frame.ts';
import { ResponseParser } from '../../src/vault/response.ts';
import { listCases, readAnswer } from '../replay/cases.ts';
import { seeded } from '../replay/random.ts';
import { cutStreams, protocolTargets, type Target } from './fuzz-protocols.ts';

/**
 * Seeded mutations of recorded traffic against every decoder that reads foreign bytes. A decoder may refuse with an error of the table;
 * it may not crash otherwise, hang, or read the same bytes differently when they come in other pieces.
 */

const LIMITS = { depth: 64, keys: 20_000 };
const HANG_MS = 10_000;

const bodies = (framing: string): Buffer[] =>
  listCases()
    .filter((found) => found.framing === framing && ['openai', 'anthropic'].includes(found.protocol))
    .map((found) => readAnswer(found.case).body)
    .filter((body) => body.length < 20_000);

function events(pieces: readonly Buffer[]): (ReturnType<typeof parseEvent> | undefined)[] {
  const found: ReturnType<typeof parseEvent>[] = [];
  const splitter = new SseSplitter((raw) => found.push(parseEvent(raw)));
  for (const piece of pieces) splitter.push(piece);
  return found;
}

const http = (head: string, body: Buffer): Buffer => Buffer.concat([Buffer.from(head, 'latin1'), body]);

function responses(): Buffer[] {
  return bodies('json').flatMap((body) => [
    http(`HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-request-id: abc def\r\ncontent-length: ${body.length}\r\n\r\n`, body),
    Buffer.concat([
      Buffer.from(`HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n`),
      body,
      Buffer.from('\r\n0\r\n\r\n'),
    ]),
  ]);
}

function readResponse(pieces: readonly Buffer[]): unknown {
  const out: { heads: unknown[]; body: string; ended: boolean } = { heads: [], body: '', ended: false };
  const parser = new ResponseParser(
    {
      onHead: (status, headers) => void out.heads.push([status, headers]),
      onBody: (bytes) => void (out.body += bytes.toString('latin1')),
      onWhole: () => void (out.ended = true),
    },
    () => undefined,
  );
  for (const piece of pieces) parser.push(piece);
  return out;
}

function readFrames(pieces: readonly Buffer[]): unknown {
  const frames: unknown[] = [];
  const reader = new FrameReader(({ id, type, payload }) => frames.push([id, type, payload.toString('latin1')]), 1 << 20);
  for (const piece of pieces) reader.push(piece);
  return frames;
}

function readJson(pieces: readonly Buffer[]): unknown {
  const scanner = new JsonScanner(LIMITS, 'all');
  for (const piece of pieces) scanner.push(piece);
  scanner.end();
  return [...scanner.members.values()];
}

function targets(): Target[] {
  const json = bodies('json');
  return [
    { name: 'json', seeds: json, read: readJson },
    { name: 'sse', seeds: bodies('sse'), read: events },
    {
      name: 'frames',
      seeds: json
        .slice(0, 40)
        .map((body, at) =>
          Buffer.concat([encodeWithHead(at, FRAME.call, '{"op":"egress"}', body), encodeWithHead(at, FRAME.end, '{}', undefined)]),
        ),
      read: readFrames,
    },
    { name: 'http response', seeds: responses(), read: readResponse },
    ...protocolTargets(),
  ];
}

/** One to four small wounds: flipped, dropped, doubled, swapped, or interesting bytes. */
function mutate(source: Buffer, random: () => number): Buffer {
  let bytes = Buffer.from(source);
  const at = (): number => Math.floor(random() * Math.max(1, bytes.length));
  const INTERESTING = [
    '\0',
    '\r',
    '\n',
    '\r\n\r\n',
    '\n\n',
    '"',
    '\\u',
    '\\ud800',
    '{',
    '[',
    '}',
    ']',
    ',',
    ':',
    '\xff',
    '\xef\xbb\xbf',
    'data:',
    'event: x\n',
    '1e999',
    '-',
    '\t',
    ' '.repeat(64),
    'a'.repeat(300),
  ];
  for (let wounds = 1 + Math.floor(random() * 4); wounds > 0; wounds--) {
    const [from, to] = [at(), at()].sort((a, b) => a - b) as [number, number];
    const kind = Math.floor(random() * 6);
    if (kind === 0) bytes[from] = Math.floor(random() * 256);
    else if (kind === 1) bytes = Buffer.concat([bytes.subarray(0, from), bytes.subarray(Math.min(to, from + 64))]);
    else if (kind === 2) bytes = Buffer.concat([bytes.subarray(0, to), bytes.subarray(from, Math.min(to, from + 256)), bytes.subarray(to)]);
    else if (kind === 3) bytes = bytes.subarray(0, to);
    else
      bytes = Buffer.concat([
        bytes.subarray(0, from),
        Buffer.from(INTERESTING[Math.floor(random() * INTERESTING.length)] as string, 'latin1'),
        bytes.subarray(from),
      ]);
  }
  return bytes;
}

function cut(bytes: Buffer, random: () => number): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const size = random() < 0.3 ? 1 : 1 + Math.floor(random() * 400);
    pieces.push(bytes.subarray(at, at + size));
    at += size;
  }
  return pieces;
}

/** The result, or the code of the error that the decoder refused with. Anything else that is thrown is a finding. */
function attempt(target: Target, pieces: readonly Buffer[]): unknown {
  try {
    return target.read(pieces);
  } catch (error) {
    if (error instanceof BulkheadError) return { refused: error.code };
    throw error;
  }
}

export async function runFuzz(count: number, seed: number): Promise<void> {
  const random = seeded(seed);
  const all = targets();
  console.log(`fuzz cut streams: ${cutStreams(random, Math.min(count, 20_000) / 10)} cut, none read as whole`);
  for (const target of all) {
    const [started, rounds] = [performance.now(), Math.floor(count / all.length)];
    let [refused, slowest] = [0, 0];
    for (let round = 0; round < rounds; round++) {
      const seed = target.seeds[Math.floor(random() * target.seeds.length)] as Buffer;
      const bytes = target.wound !== undefined && random() < 0.7 ? target.wound(seed, random) : mutate(seed, random);
      const before = performance.now();
      const whole = attempt(target, [bytes]);
      const inPieces = attempt(target, cut(bytes, random));
      slowest = Math.max(slowest, performance.now() - before);
      assert.ok(slowest < HANG_MS, `${target.name}: an input took ${slowest} ms: ${bytes.toString('base64')}`);
      assert.deepEqual(inPieces, whole, `${target.name}: pieces read differently: ${bytes.toString('base64')}`);
      if (typeof whole === 'object' && whole !== null && 'refused' in whole) refused++;
      if (round % 500 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    console.log(
      `fuzz ${target.name}: ${rounds} inputs, ${refused} refused, slowest ${slowest.toFixed(1)} ms, ${Math.round((performance.now() - started) / 1000)} s`,
    );
  }
}
