import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { bedrockFrame, frameEnds } from './event-stream-frames.ts';

/** Recorded provider traffic (shared/wire, see its README), put back on the wire as it was. */

const WIRE = fileURLToPath(new URL('../../../shared/wire/', import.meta.url));

type Framing = 'json' | 'json-array' | 'sse' | 'ndjson' | 'aws-eventstream' | 'chunks' | 'binary' | 'text';

export interface CaseIndex {
  readonly case: string;
  readonly provider: string;
  readonly endpoint: string;
  readonly protocol: string;
  readonly model: string | null;
  readonly stream: boolean;
  readonly status: number;
  readonly framing: Framing;
  readonly form: string;
  readonly evidence: string;
  readonly request: boolean;
  readonly features: readonly string[];
}

export interface RecordedAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** How its events are told apart; `json` also where it has none. */
  readonly framing: Exclude<Framing, 'chunks'>;
}

interface CaseMeta {
  readonly status: number;
  readonly response_file: string;
  readonly framing: Framing;
  readonly headers?: Readonly<Record<string, string>>;
  readonly protocol: string;
  readonly endpoint: string;
}

const CONTENT_TYPES: Readonly<Record<RecordedAnswer['framing'], string>> = {
  json: 'application/json',
  'json-array': 'application/json; charset=UTF-8',
  sse: 'text/event-stream; charset=utf-8',
  ndjson: 'application/x-ndjson',
  'aws-eventstream': 'application/vnd.amazon.eventstream',
  binary: 'application/octet-stream',
  text: 'text/plain; charset=utf-8',
};

/** Of the transport, not of the answer: they were true of the recorded connection alone. */
const HOP_HEADERS: ReadonlySet<string> = new Set(['content-length', 'transfer-encoding', 'content-encoding', 'connection']);

const cached = new Map<string, RecordedAnswer>();
let index: readonly CaseIndex[] | undefined;

export function listCases(): readonly CaseIndex[] {
  if (!fs.existsSync(WIRE))
    throw new Error(`The recorded traffic is missing: expected the folder shared/wire beside the checkout (${WIRE}).`);
  index ??= JSON.parse(fs.readFileSync(path.join(WIRE, 'index.json'), 'utf8')) as CaseIndex[];
  return index;
}

export const readRequest = (name: string): unknown => JSON.parse(fs.readFileSync(path.join(WIRE, name, 'request.json'), 'utf8'));

/** Throws where there is no such case. */
export function readAnswer(name: string): RecordedAnswer {
  const hit = cached.get(name);
  if (hit !== undefined) return hit;
  const folder = path.join(WIRE, name);
  const meta = JSON.parse(fs.readFileSync(path.join(folder, 'meta.json'), 'utf8')) as CaseMeta;
  const recorded = fs.readFileSync(path.join(folder, meta.response_file));
  const framing = meta.framing === 'chunks' ? chunkFraming(meta) : meta.framing;
  const answer = {
    status: meta.status,
    headers: headersOf(meta, framing),
    body: meta.framing === 'chunks' ? frameChunks(recorded, meta) : recorded,
    framing,
  };
  cached.set(name, answer);
  return answer;
}

function headersOf(meta: CaseMeta, framing: RecordedAnswer['framing']): Readonly<Record<string, string>> {
  const recorded = Object.entries(meta.headers ?? {}).map(([name, value]) => [name.toLowerCase(), String(value)] as const);
  const kept = Object.fromEntries(recorded.filter(([name]) => !HOP_HEADERS.has(name)));
  // Where the framing says all, the recorder's own word is not needed; what a picture or a page is, only the recording knows.
  const ownType = framing === 'binary' || framing === 'text' ? kept['content-type'] : undefined;
  return { ...kept, 'content-type': ownType ?? CONTENT_TYPES[framing] };
}

const chunkFraming = ({ protocol }: CaseMeta): RecordedAnswer['framing'] => (protocol === 'bedrock' ? 'aws-eventstream' : 'sse');

/** Gives lines of JSON the framing that the recorder lost (shared/wire/README.md, "chunks"). */
function frameChunks(lines: Buffer, { protocol, endpoint }: CaseMeta): Buffer {
  const payloads = lines
    .toString('utf8')
    .split('\n')
    .filter((line) => line.trim() !== '');
  if (protocol === 'bedrock') return Buffer.concat(payloads.map(bedrockFrame));
  if (protocol === 'gemini') return Buffer.from(payloads.map((line) => `data: ${line}\r\n\r\n`).join(''));
  if (['messages', 'chat', 'responses'].includes(endpoint)) return Buffer.from(payloads.map(namedEvent).join(''));
  return Buffer.from(`${payloads.map((line) => `data: ${line}\n\n`).join('')}data: [DONE]\n\n`);
}

const namedEvent = (line: string): string => `event: ${String((JSON.parse(line) as { type?: unknown }).type)}\ndata: ${line}\n\n`;

/** The offsets after each event of an SSE body. */
export function eventEnds(body: Buffer): number[] {
  return matchEnds(body, /\r\n\r\n|\n\n|\r\r/g);
}

/** The offsets after each event of a recorded answer, however it is framed. */
export function answerEnds({ body, framing }: RecordedAnswer): number[] {
  if (framing === 'sse') return eventEnds(body);
  if (framing === 'ndjson') return matchEnds(body, /\n/g);
  if (framing === 'aws-eventstream') return frameEnds(body);
  // Google writes the comma between two events of its list behind a bracket that stands alone in its line.
  if (framing === 'json-array') return matchEnds(body, /(?<=\n\})\n?,|\]\s*$/g);
  return [body.length];
}

function matchEnds(body: Buffer, pattern: RegExp): number[] {
  return [...body.toString('latin1').matchAll(pattern)].map((match) => match.index + match[0].length);
}
