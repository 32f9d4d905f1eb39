import assert from 'node:assert/strict';
import type { JsonObject } from '../../src/core/json.ts';
import type { WireProtocolId } from '../../src/wire/protocol.ts';
import { changedPaths } from './changes.ts';
import type { Probe, ProbeSet } from './probes/probe.ts';
import { PROBES } from './probes/registry.ts';
import type { ConformingProtocol } from './protocols/protocol.ts';
import { CLIENT_PROTOCOLS, PROTOCOLS } from './protocols/registry.ts';
import { codecOf, CONTEXT } from './recorded.ts';
import { plain } from './same.ts';

/** What becomes of each field in each translation, found by translating: docs/reference/fidelity.md is made from it. */

export type Fate =
  /** The target says it, there. */
  | { readonly kind: 'kept'; readonly as: readonly string[] }
  /** Left out, and named so in `x-bulkhead-dropped`. */
  | { readonly kind: 'dropped'; readonly reported: readonly string[] }
  /** Some of it is said there, and the rest named as dropped. */
  | { readonly kind: 'partly'; readonly as: readonly string[]; readonly reported: readonly string[] }
  /** Left out without a word. */
  | { readonly kind: 'silent' };

export type Side = 'request' | 'answer';

export interface FidelityRow {
  readonly side: Side;
  readonly from: WireProtocolId;
  readonly field: string;
  readonly probe: Probe;
  readonly fates: readonly (readonly [WireProtocolId, Fate])[];
}

interface Said {
  readonly body: JsonObject;
  readonly dropped: readonly string[];
}

function translate(side: Side, from: WireProtocolId, to: WireProtocolId, body: JsonObject, model: string): Said {
  const [source, target] = [codecOf(from), codecOf(to)];
  if (side === 'request') {
    const decoded = source.decodeRequest(body);
    assert.ok(decoded.ok, JSON.stringify(decoded));
    return plain(target.encodeRequest(decoded.value, { model, defaultMaxTokens: 4096 }));
  }
  const decoded = source.decodeResponse(body);
  assert.ok(decoded.ok, JSON.stringify(decoded));
  return { body: plain(target.encodeResponse(decoded.value, CONTEXT)), dropped: [] };
}

function fateOf(side: Side, set: ProbeSet, field: string, probe: Probe, to: ConformingProtocol): Fate {
  const model = probe.models?.[to.id] ?? to.models[0] ?? 'm';
  const { base } = set[side];
  const got = translate(side, set.protocol, to.id, { ...base, ...probe.with }, model);
  const plainly = translate(side, set.protocol, to.id, { ...base, ...probe.without }, model);
  const as = changedPaths(plainly.body, got.body);
  // Where the plain one lost it too (a longer list of what is not taken at all), it is named all the same.
  const isNamed = (path: string): boolean => path === nameOf(field) || path === probe.reportedAs;
  const reported = got.dropped.filter((path) => !plainly.dropped.includes(path) || isNamed(path));
  if (as.length > 0) return reported.length > 0 ? { kind: 'partly', as, reported } : { kind: 'kept', as };
  // An answer has no header for what was left out of it: the page says it.
  return reported.length > 0 || side === 'answer' ? { kind: 'dropped', reported } : { kind: 'silent' };
}

/** The field without its condition. */
export const nameOf = (field: string): string => field.replace(/ \([^)]*\)$/, '');

const rowsOf = (side: Side, set: ProbeSet): readonly FidelityRow[] =>
  Object.entries(set[side].probes).map(([field, probe]) => ({
    side,
    from: set.protocol,
    field,
    probe,
    fates: targetsOf(side, set).map((to) => [to.id, fateOf(side, set, field, probe, to)] as const),
  }));

/** A request goes to every kind of provider, an answer to every kind of client. */
export const targetsOf = (side: Side, { protocol }: ProbeSet): readonly ConformingProtocol[] =>
  (side === 'request' ? PROTOCOLS : CLIENT_PROTOCOLS).filter(({ id }) => id !== protocol);

export const computeFidelity = (): readonly FidelityRow[] => PROBES.flatMap((set) => [...rowsOf('request', set), ...rowsOf('answer', set)]);
