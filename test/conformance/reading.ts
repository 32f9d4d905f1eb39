import type { SseEvent } from '../../src/wire/protocol.ts';
import { SseReader, encodeSse } from '../../src/http/sse.ts';

/** What an official client hands to its user from the bytes of an answer, in words that all protocols share. */
export interface Reading {
  /** All text of the first choice. A refusal is text too: Anthropic has no other place for it. */
  readonly text: string;
  readonly thinking: string;
  /** `id` is '' where the provider gave none. `input` is the parsed object, or the text where it is no JSON. */
  readonly tools: readonly ToolReading[];
  readonly stop: StopReading;
  /** Undefined: the client was given no figures. */
  readonly usage: UsageReading | undefined;
}

export interface ToolReading {
  readonly id: string;
  readonly name: string;
  readonly input: unknown;
}

export type StopReading = 'stop' | 'length' | 'tool_calls' | 'content_filter' | undefined;

interface UsageReading {
  /** With what was read from and written to a cache. */
  readonly input: number;
  /** With what was reasoned. */
  readonly output: number;
  readonly cached: number;
  /** Absent (or undefined) where the protocol or the provider counts it apart nowhere. */
  readonly reasoning?: number | undefined;
}

/** Reads one answer's bytes with an official client; rejects where the client refuses them. */
export type Read = (body: Buffer, stream: boolean) => Promise<Reading>;

/** A `fetch` that answers every request with these bytes. */
export const answering =
  (body: Buffer, stream: boolean): (() => Promise<Response>) =>
  async () =>
    new Response(new Uint8Array(body), { headers: { 'content-type': stream ? 'text/event-stream' : 'application/json' } });

/** Tool arguments as their caller uses them. */
export function parsed(text: string): unknown {
  if (text === '') return {};
  try {
    return JSON.parse(text);
  } catch {
    // Models write tool arguments that are not JSON; every protocol then hands on the text.
    return text;
  }
}

/** The bytes of a stream of server-sent events, cut into pieces, as events. */
export function sseEvents(pieces: readonly Buffer[]): readonly SseEvent[] {
  const events: SseEvent[] = [];
  const reader = new SseReader((event) => events.push(event));
  for (const piece of pieces) reader.push(piece);
  return events;
}

/** Events as server-sent events. */
export const framed = (events: readonly SseEvent[]): Buffer => Buffer.concat(events.map(encodeSse));
