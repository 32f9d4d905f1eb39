import type { JsonObject } from '../core/json.ts';

type Series = Map<string, number>;

export const count = (series: Series, label: string, by = 1): void => void series.set(label, (series.get(label) ?? 0) + by);

/** Session tokens that were asked for, by the answer's status or the error. */
export const tokenFetches: Series = new Map();

/** The vault's own numbers, in the shape of telemetry's snapshots (it loads nothing of telemetry). */
export class Counts {
  readonly calls: Series = new Map();
  readonly refusals: Series = new Map();
  readonly bytes: Series = new Map();

  snapshot(state: Readonly<Record<string, number>>): JsonObject {
    const of = 'Live exchanges, credentials, refused records, revoked keys, journal records the ledger lacks.';
    return {
      families: [
        family('calls_total', 'counter', 'Calls that were journalled, by how they ended.', 'outcome', this.calls),
        family('refusals_total', 'counter', 'Calls that failed or were refused, by code.', 'code', this.refusals),
        family('bytes_total', 'counter', 'Body bytes to and from providers.', 'direction', this.bytes),
        family('token_fetches_total', 'counter', 'Session tokens asked for, by status or error.', 'result', tokenFetches),
        family('state', 'gauge', of, 'of', new Map(Object.entries(state))),
      ],
    };
  }
}

function family(name: string, kind: string, help: string, label: string, values: Series): JsonObject {
  const series = Array.from(values, ([text, value]) => ({ labels: [text], values: [value] }));
  return { name: `bulkhead_vault_${name}`, kind, help, labels: [label], buckets: [], series };
}
