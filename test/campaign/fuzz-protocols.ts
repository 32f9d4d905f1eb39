import assert from 'node:assert/strict';
import type { CallCodec, Codec, WireProtocolId } from '../../src/wire/protocol.ts';
import { WIRE_PROTOCOLS } from '../../src/wire/protocol.ts';
import { callCodecs } from '../../src/wire/registry.ts';
import { isJsonObject, type Json, type JsonObject } from '../../src/core/json.ts';
import { EventStreamSplitter, parseFrame } from '../../src/http/aws-eventstream.ts';
import { FormScanner } from '../../src/http/form-scanner.ts';
import { formBoundary } from '../../src/http/multipart.ts';
import { NdjsonSplitter } from '../../src/http/ndjson.ts';
import type { ConformingProtocol } from '../conformance/protocols/protocol.ts';
import { PROTOCOLS } from '../conformance/protocols/registry.ts';
import {
  answersOf,
  bytesOf,
  codecOf,
  CONTEXT,
  decodeEvents,
  encodeEvents,
  requestOf,
  requestsOf,
  streamsOf,
} from '../conformance/recorded.ts';
import { listCases, readAnswer, type CaseIndex } from '../replay/cases.ts';

/** Every codec and framing that reads foreign bytes, as targets of the fuzzer. */
export interface Target {
  readonly name: string;
  readonly seeds: readonly Buffer[];
  /** Reads the pieces; the result must not depend on how they were cut. */
  read(pieces: readonly Buffer[]): unknown;
  /** A wound inside the JSON, so that what comes out is still JSON in its framing. Absent: bytes alone are wounded. */
  wound?(seed: Buffer, random: () => number): Buffer;
}

const LARGEST = 20_000;
const bytes = (entries: readonly CaseIndex[]): Buffer[] => entries.map(bytesOf).filter(({ length }) => length < LARGEST);
const texts = (bodies: readonly JsonObject[]): Buffer[] =>
  bodies.map((body) => Buffer.from(JSON.stringify(body))).filter(({ length }) => length < LARGEST);

/** Undefined: the gateway would have refused the body before a codec sees it. */
function objectIn(pieces: readonly Buffer[]): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.concat(pieces).toString('utf8'));
    return isJsonObject(value) ? value : undefined;
  } catch {
    // Most mutations break the JSON; those are of no interest here.
    return undefined;
  }
}

/** Values that a decoder may not expect where another stood. */
const ODD_SCALARS: readonly Json[] = [null, true, 0, -1, 0.5, 1e308, 1e15, 2 ** 53, '', 'odd', '\ud800', '{', '\r\n\r\n', '__proto__'];
const ODD_TREES: readonly Json[] = [[], [null], [[]], {}, { type: 'text' }, { type: 'odd' }, { ['__proto__']: 1 }, { text: 1 }];
const ODD: readonly Json[] = [...ODD_SCALARS, ...ODD_TREES];

/** The value with one of its parts, at any depth, replaced, taken out or doubled. */
function wounded(value: Json, random: () => number): Json {
  const pick = (): Json => ODD[Math.floor(random() * ODD.length)] as Json;
  if (typeof value !== 'object' || value === null || random() < 0.05) return pick();
  if (Array.isArray(value)) {
    const list = value as readonly Json[];
    const at = Math.floor(random() * list.length);
    if (list.length === 0 || random() < 0.1) return [...list, pick()];
    if (random() < 0.1) return [...list.slice(0, at), ...list.slice(at + 1)];
    return list.map((item, index) => (index === at ? wounded(item, random) : item));
  }
  const names = Object.keys(value);
  const name = names[Math.floor(random() * names.length)];
  if (name === undefined) return pick();
  const rest = Object.entries(value).filter(([other]) => other !== name || random() < 0.9);
  return Object.fromEntries(rest.map(([other, member]) => [other, other === name ? wounded(member ?? null, random) : (member ?? null)]));
}

const woundJson = (seed: Buffer, random: () => number): Buffer =>
  Buffer.from(JSON.stringify(wounded(JSON.parse(seed.toString('utf8')) as Json, random)));

/** One to three events of a stream get odd values, in the framing that it has. */
const woundEvents =
  (protocol: ConformingProtocol) =>
  (seed: Buffer, random: () => number): Buffer => {
    const events = [...protocol.events([seed])];
    for (let wounds = 1 + Math.floor(random() * 3); wounds > 0; wounds--) {
      const at = Math.floor(random() * events.length);
      const event = events[at];
      if (event !== undefined && event.data.startsWith('{'))
        events[at] = { ...event, data: woundJson(Buffer.from(event.data), random).toString('utf8') };
    }
    return protocol.frame(events);
  };

/** What a decoder took is also written in every protocol that clients speak: no odd value may break an encoder. */
const OTHERS = (['openai-chat', 'openai-responses', 'anthropic-messages', 'gemini'] as const).map((id) => codecOf(id));

function readRequest(codec: Codec, pieces: readonly Buffer[]): unknown {
  const body = objectIn(pieces);
  const decoded = body === undefined ? undefined : codec.decodeRequest(body);
  if (decoded?.ok !== true) return decoded;
  return PROTOCOLS.map(({ id }) => codecOf(id).encodeRequest(decoded.value, { model: 'any', defaultMaxTokens: 4096 }).dropped);
}

function readAnswerOf(codec: Codec, pieces: readonly Buffer[]): unknown {
  const body = objectIn(pieces);
  const decoded = body === undefined ? undefined : codec.decodeResponse(body);
  if (decoded?.ok !== true) return decoded;
  return OTHERS.map((other) => JSON.stringify(other.encodeResponse(decoded.value, CONTEXT)));
}

function readStream(protocol: ConformingProtocol, pieces: readonly Buffer[]): unknown {
  const decoded = decodeEvents(codecOf(protocol.id), protocol.events(pieces));
  const ends = decoded.filter(({ type }) => type === 'end' || type === 'error');
  assert.equal(ends.length, 1, `${protocol.id}: a stream ends once`);
  assert.equal(decoded.at(-1), ends[0], `${protocol.id}: nothing comes behind the end`);
  return [decoded, ...OTHERS.map((other) => encodeEvents(other, decoded))];
}

const ofProtocol = (protocol: ConformingProtocol): readonly Target[] => {
  const codec = codecOf(protocol.id);
  return [
    {
      name: `${protocol.id} request`,
      seeds: texts(requestsOf(protocol).map(requestOf)),
      read: (pieces) => readRequest(codec, pieces),
      wound: woundJson,
    },
    { name: `${protocol.id} answer`, seeds: bytes(answersOf(protocol)), read: (pieces) => readAnswerOf(codec, pieces), wound: woundJson },
    ...[...Map.groupBy(streamsOf(protocol), ({ case: name }) => readAnswer(name).framing)].map(([framing, entries]): Target => ({
      name: `${protocol.id} stream (${framing})`,
      seeds: bytes(entries),
      read: (pieces) => readStream(protocol, pieces),
      wound: woundEvents(protocol),
    })),
  ];
};

const CALLS = /^(?:embed|embeddings|embed-content|batch-embed-contents|rerank|v1-rerank|count-tokens|predict)$/;
const callCases = listCases().filter(({ endpoint, status }) => status === 200 && CALLS.test(endpoint));
/** Answers are read for a request that is understood. */
const ASKED = [
  { input: ['any'], model: 'any' },
  { model: 'any', query: 'any', documents: ['any', 'other'] },
  { texts: ['any'], model: 'any', input_type: 'search_document', embedding_types: ['float'] },
  { content: { parts: [{ text: 'any' }] } },
  { contents: [{ parts: [{ text: 'any' }] }] },
  { model: 'any', messages: [{ role: 'user', content: 'any' }] },
  { instances: [{ content: 'any' }] },
  { inputText: 'any' },
];

function ofCall(id: WireProtocolId): readonly Target[] {
  const codec: CallCodec<unknown, unknown> | undefined = callCodecs(id, id)?.from;
  if (codec === undefined) return [];
  const asked = ASKED.map((body) => codec.decodeRequest(body)).find(({ ok }) => ok);
  const read = (pieces: readonly Buffer[]): unknown => {
    const body = objectIn(pieces);
    if (body === undefined) return undefined;
    const request = codec.decodeRequest(body);
    const answer = asked?.ok === true ? codec.decodeResponse(body, asked.value) : undefined;
    return [request.ok, answer?.ok];
  };
  return [
    { name: id, seeds: [...bytes(callCases), ...texts(callCases.filter(({ request }) => request).map(requestOf))], read, wound: woundJson },
  ];
}

function framesIn(pieces: readonly Buffer[]): unknown {
  const events: unknown[] = [];
  const splitter = new EventStreamSplitter((raw) => events.push(parseFrame(raw)), { source: 'fuzz' });
  for (const piece of pieces) splitter.push(piece);
  return [events, splitter.rest().toString('latin1')];
}

function linesIn(pieces: readonly Buffer[]): unknown {
  const lines: string[] = [];
  const splitter = new NdjsonSplitter((raw) => lines.push(raw.toString('latin1')), { source: 'fuzz' });
  for (const piece of pieces) splitter.push(piece);
  return [lines, splitter.rest().toString('latin1')];
}

const BOUNDARY = 'boundary-of-a-form';
const part = (head: string, value: string): string => `--${BOUNDARY}\r\nContent-Disposition: form-data; ${head}\r\n\r\n${value}\r\n`;
const FORMS = [
  part('name="model"', 'whisper-1') + part('name="file"; filename="a.wav"', '\0\r\n--b\r\n\xff'.repeat(40)),
  part('name="stream"', 'true') + part('name="model"', 'a') + part('name="x"\r\nContent-Type: text/plain', ''),
].map((parts) => Buffer.from(`${parts}--${BOUNDARY}--\r\n`, 'latin1'));

function formIn(pieces: readonly Buffer[]): unknown {
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  const scanner = new FormScanner(formBoundary(`multipart/form-data; boundary=${BOUNDARY}`), new Set(['model']));
  for (const piece of pieces) scanner.push(piece);
  scanner.end();
  for (const { start, end } of scanner.fields) assert.ok(start <= end && end <= length, 'a field lies within the body');
  return scanner.fields;
}

/** Frames as they were recorded, every one of which has two checksums: a mutation must be seen by them. */
const framed = (framing: string): Buffer[] =>
  listCases()
    .filter(({ case: name, stream, status }) => stream && status === 200 && readAnswer(name).framing === framing)
    .map(bytesOf)
    .filter(({ length }) => length < LARGEST);

export const protocolTargets = (): readonly Target[] => [
  { name: 'aws event stream', seeds: framed('aws-eventstream'), read: framesIn },
  { name: 'ndjson', seeds: framed('ndjson'), read: linesIn },
  { name: 'form', seeds: FORMS, read: formIn },
  ...PROTOCOLS.flatMap(ofProtocol),
  ...WIRE_PROTOCOLS.flatMap(ofCall),
];

/** A recorded stream that is cut before its provider's last word, at each of `cuts`, must not decode to an end. */
export function cutStreams(random: () => number, cuts: number): number {
  let seen = 0;
  const all = PROTOCOLS.flatMap((protocol) => streamsOf(protocol).map((entry) => ({ protocol, body: bytesOf(entry), name: entry.case })));
  for (let round = 0; round < cuts; round++) {
    const { protocol, body, name } = all[Math.floor(random() * all.length)] as (typeof all)[number];
    const at = Math.floor(random() * body.length);
    const events = protocol.events([body.subarray(0, at)]);
    if (protocol.sawEnd(events)) continue;
    seen++;
    assert.notEqual(decodeEvents(codecOf(protocol.id), events).at(-1)?.type, 'end', `${name} cut at ${at} reads as whole`);
  }
  return seen;
}
