import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** Recorded provider traffic (shared/wire, see its README), put back on the wire as it was. */

const WIRE = fileURLToPath(new URL('../../../shared/wire/', import.meta.url));

export interface CaseIndex {
  readonly case: string;
  readonly provider: string;
  readonly endpoint: string;
  readonly protocol: string;
  readonly model: string | null;
  readonly stream: boolean;
  readonly status: number;
  readonly framing: 'json' | 'json-array' | 'sse' | 'ndjson' | 'aws-eventstream' | 'chunks';
  readonly form: string;
  readonly evidence: string;
  readonly request: boolean;
  readonly features: readonly string[];
}

export interface RecordedAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

interface CaseMeta {
  readonly status: number;
  readonly response_file: string;
  readonly framing: CaseIndex['framing'];
  readonly headers?: Readonly<Record<string, string>>;
  readonly endpoint: string;
  readonly stream: boolean;
}

const cached = new Map<string, RecordedAnswer>();

export function listCases(): readonly CaseIndex[] {
  if (!fs.existsSync(WIRE))
    throw new Error(`The recorded traffic is missing: expected the folder shared/wire beside the checkout (${WIRE}).`);
  return JSON.parse(fs.readFileSync(path.join(WIRE, 'index.json'), 'utf8')) as CaseIndex[];
}

export const readRequest = (name: string): unknown => JSON.parse(fs.readFileSync(path.join(WIRE, name, 'request.json'), 'utf8'));

export function readAnswer(name: string): RecordedAnswer {
  const hit = cached.get(name);
  if (hit !== undefined) return hit;
  const folder = path.join(WIRE, name);
  const meta = JSON.parse(fs.readFileSync(path.join(folder, 'meta.json'), 'utf8')) as CaseMeta;
  const recorded = fs.readFileSync(path.join(folder, meta.response_file));
  const isStream = meta.framing === 'sse' || meta.framing === 'chunks';
  const headers: Record<string, string> = { 'content-type': isStream ? 'text/event-stream; charset=utf-8' : 'application/json' };
  for (const [header, value] of Object.entries(meta.headers ?? {})) {
    if (!['content-type', 'content-length', 'transfer-encoding', 'content-encoding', 'connection'].includes(header.toLowerCase()))
      headers[header.toLowerCase()] = String(value);
  }
  const answer = { status: meta.status, headers, body: meta.framing === 'chunks' ? frameChunks(recorded, meta.endpoint) : recorded };
  cached.set(name, answer);
  return answer;
}

/** Gives lines of JSON the framing that the recorder lost (shared/wire/README.md, "chunks"). */
function frameChunks(lines: Buffer, endpoint: string): Buffer {
  const payloads = lines
    .toString('utf8')
    .split('\n')
    .filter((line) => line.trim() !== '');
  const named = ['messages', 'chat', 'responses'].includes(endpoint);
  const events = payloads.map((line) =>
    named ? `event: ${String((JSON.parse(line) as { type?: unknown }).type)}\ndata: ${line}\n\n` : `data: ${line}\n\n`,
  );
  return Buffer.from(events.join('') + (named ? '' : 'data: [DONE]\n\n'));
}

/** The offsets after each event of an SSE body. */
export function eventEnds(body: Buffer): number[] {
  const ends: number[] = [];
  const text = body.toString('latin1');
  for (const match of text.matchAll(/\r\n\r\n|\n\n|\r\r/g)) ends.push(match.index + match[0].length);
  return ends;
}
