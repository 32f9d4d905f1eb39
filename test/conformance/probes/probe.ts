import type { JsonObject } from '../../../src/core/json.ts';
import type { WireProtocolId } from '../../../src/wire/protocol.ts';

/** A field of a protocol, shown by a request or answer with it and one without: what differs after translation is what becomes of the field. */
export interface Probe {
  /** Members laid over the plain request or answer. */
  readonly with: JsonObject;
  /** The same without the field; the plain one if absent. */
  readonly without?: JsonObject;
  /** Where the target must be another model than the one its descriptor names first. */
  readonly models?: ByProtocol;
  /** Its name in `x-bulkhead-dropped`, where that is coarser than the field. */
  readonly reportedAs?: string;
  /** Why it may be left out without a word in `x-bulkhead-dropped`, by target; under `all` for every target. */
  readonly silent?: Readonly<Partial<Record<WireProtocolId | 'all', string>>>;
}

type ByProtocol = Readonly<Partial<Record<WireProtocolId, string>>>;

/** By field and target: what a reader of the page should know beyond where the field goes. */
export type NotesByField = Readonly<Record<string, ByProtocol>>;

interface ProbedSide {
  readonly base: JsonObject;
  /** By path in the protocol, `[]` for any index; what follows in brackets is a condition. */
  readonly probes: Readonly<Record<string, Probe>>;
  readonly notes: NotesByField;
}

export interface ProbeSet {
  readonly protocol: WireProtocolId;
  readonly title: string;
  readonly request: ProbedSide;
  readonly answer: ProbedSide;
}
