import { EventStreamSplitter, parseFrame } from '../http/aws-eventstream.ts';
import { unwrapInvokeChunk } from '../http/aws-invoke.ts';
import { NdjsonSplitter } from '../http/ndjson.ts';
import { encodeSse, parseEvent, SseSplitter } from '../http/sse.ts';
import type { FramingId } from '../wire/framing.ts';
import type { SseEvent } from '../wire/protocol.ts';

export interface EventSplitter {
  /** Throws upstream_invalid for bytes that are beyond bounds or broken. */
  push(chunk: Buffer): void;
  /** Bytes after the last whole event. */
  rest(): Buffer;
}

/** How a provider's stream is read. */
export interface ProviderFraming {
  readonly id: FramingId;
  readonly contentType: string;
  splitter(onEvent: (raw: Buffer) => void, options: { readonly source: string }): EventSplitter;
  /** Undefined: these bytes say nothing. */
  parse(raw: Buffer): SseEvent | undefined;
}

/** How a client's stream is written. */
export interface ClientFraming {
  readonly id: Extract<FramingId, 'sse' | 'json-array'>;
  readonly contentType: string;
  /** `index` counts the events of the stream. */
  encode(event: SseEvent, index: number): Buffer;
  /** After the last event of a whole stream; `events`: how many there were. */
  close(events: number): Buffer;
}

const NOTHING = Buffer.alloc(0);

const ndjsonEvent = (raw: Buffer): SseEvent | undefined => {
  const data = raw.toString('utf8').trim();
  return data === '' ? undefined : { data };
};

const sse: ProviderFraming & ClientFraming = {
  id: 'sse',
  contentType: 'text/event-stream',
  splitter: (onEvent, options) => new SseSplitter(onEvent, options),
  parse: parseEvent,
  encode: encodeSse,
  close: () => NOTHING,
};

function awsFraming(id: 'aws-eventstream' | 'aws-invoke', parse: ProviderFraming['parse']): ProviderFraming {
  return {
    id,
    contentType: 'application/vnd.amazon.eventstream',
    splitter: (onEvent, options) => new EventStreamSplitter(onEvent, options),
    parse,
  };
}

const PROVIDER_FRAMINGS: Readonly<Record<Exclude<FramingId, 'json-array'>, ProviderFraming>> = {
  sse,
  ndjson: {
    id: 'ndjson',
    contentType: 'application/x-ndjson',
    splitter: (onEvent, options) => new NdjsonSplitter(onEvent, options),
    parse: ndjsonEvent,
  },
  'aws-eventstream': awsFraming('aws-eventstream', (raw) => parseFrame(raw)),
  'aws-invoke': awsFraming('aws-invoke', (raw) => unwrapInvokeChunk(parseFrame(raw))),
};

/** Google's framing of a stream without `alt=sse`: an array whose elements come one by one. */
const jsonArray: ClientFraming = {
  id: 'json-array',
  contentType: 'application/json',
  encode: ({ data }, index) => Buffer.from(`${index === 0 ? '[' : ',\r\n'}${data}`),
  close: (events) => Buffer.from(events === 0 ? '[]' : ']'),
};

export const providerFraming = (id: Exclude<FramingId, 'json-array'> = 'sse'): ProviderFraming => PROVIDER_FRAMINGS[id];
export const clientFraming = (id: ClientFraming['id']): ClientFraming => (id === 'sse' ? sse : jsonArray);
