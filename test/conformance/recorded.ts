import { codecFor } from '../../src/wire/registry.ts';
import type { AnswerContext, Codec, SseEvent, WireProtocolId } from '../../src/wire/protocol.ts';
import type { CanonicalEvent } from '../../src/canonical/event.ts';
import type { JsonObject } from '../../src/core/json.ts';
import { listCases, readAnswer, readRequest, type CaseIndex } from '../replay/cases.ts';
import type { ConformingProtocol } from './protocols/protocol.ts';

/** Recorded cases as the codecs meet them. */

export const codecOf = (id: WireProtocolId): Codec => {
  const codec = codecFor(id);
  if (codec === undefined) throw new Error(`no codec for ${id}`);
  return codec;
};

const casesOf = (protocol: ConformingProtocol): readonly CaseIndex[] => listCases().filter((entry) => protocol.matches(entry));

export const streamsOf = (protocol: ConformingProtocol): readonly CaseIndex[] =>
  casesOf(protocol).filter((entry) => entry.status === 200 && entry.stream);
export const answersOf = (protocol: ConformingProtocol): readonly CaseIndex[] =>
  casesOf(protocol).filter((entry) => entry.status === 200 && !entry.stream && entry.framing === 'json');
export const requestsOf = (protocol: ConformingProtocol): readonly CaseIndex[] => casesOf(protocol).filter((entry) => entry.request);

export const bytesOf = (entry: CaseIndex): Buffer => readAnswer(entry.case).body;
export const requestOf = (entry: CaseIndex): JsonObject => readRequest(entry.case) as JsonObject;

/** A proxy's web page with status 200 is no answer of the protocol. */
export const isWebPage = (entry: CaseIndex): boolean => bytesOf(entry).subarray(0, 1).toString('latin1') === '<';

export const CONTEXT: AnswerContext = {
  model: 'asked-for',
  requestId: 'req_0000000000000000000000000A',
  created: 1_700_000_000,
  includeUsage: true,
};

/** The context that the gateway gives with an answer: with what was asked, where it was recorded. */
export function contextOf(protocol: ConformingProtocol, entry: CaseIndex): AnswerContext {
  if (!entry.request) return CONTEXT;
  const decoded = codecOf(protocol.id).decodeRequest(requestOf(entry));
  return decoded.ok ? { ...CONTEXT, request: decoded.value } : CONTEXT;
}

export function decodeEvents(codec: Codec, events: readonly SseEvent[]): readonly CanonicalEvent[] {
  const decoded: CanonicalEvent[] = [];
  let state = codec.streamDecoder.start();
  for (const event of events) {
    const [next, given] = codec.streamDecoder.step(state, event);
    state = next;
    decoded.push(...given);
  }
  return [...decoded, ...codec.streamDecoder.finish(state)];
}

export function encodeEvents(codec: Codec, events: readonly CanonicalEvent[], context: AnswerContext = CONTEXT): readonly SseEvent[] {
  const encoded: SseEvent[] = [];
  let state = codec.streamEncoder.start(context);
  for (const event of events) {
    const [next, given] = codec.streamEncoder.step(state, event);
    state = next;
    encoded.push(...given);
  }
  return encoded;
}
