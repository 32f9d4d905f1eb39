import type { JsonObject } from '../../../src/core/json.ts';
import type { SseEvent, WireProtocolId } from '../../../src/wire/protocol.ts';
import type { CaseIndex } from '../../replay/cases.ts';
import type { Reading } from '../reading.ts';

/** What the conformance suite has to know of a protocol to hold its codec to recorded traffic. One file here for each; nothing in it may ask our own codec. */
export interface ConformingProtocol {
  readonly id: WireProtocolId;
  /** Recorded exchanges in this protocol. */
  matches(entry: CaseIndex): boolean;
  /** The bytes of a recorded stream as events, framing removed, however they are cut. */
  events(pieces: readonly Buffer[]): readonly SseEvent[];
  /** Events as the protocol's clients read them. */
  frame(events: readonly SseEvent[]): Buffer;
  /** What the protocol's official client hands out from an answer's bytes. Rejects where the client refuses them. */
  read(body: Buffer, stream: boolean): Promise<Reading>;
  /** Whether the provider had said its last word, read from the recorded text alone. */
  sawEnd(events: readonly SseEvent[]): boolean;
  /** Spellings that mean the same in a request, made one. */
  sameRequest(body: JsonObject): JsonObject;
  /** Faults by the provider's own API description in shared/specs; [] = valid. */
  requestFaults(body: JsonObject): readonly string[];
  /** Model names to translate requests for. */
  readonly models: readonly string[];
  /** Recordings that the protocol's own client cannot read, with the reason. */
  readonly unreadable: ReadonlyMap<string, string>;
}
