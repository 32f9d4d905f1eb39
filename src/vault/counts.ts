import type { JsonObject } from '../core/json.ts';

const HELP = {
  bulkhead_vault_calls_total: ['counter', 'Calls that were journalled, by how they ended.', 'outcome'],
  bulkhead_vault_refusals_total: ['counter', 'Calls that failed or were refused, by code.', 'code'],
  bulkhead_vault_bytes_total: ['counter', 'Body bytes to and from providers.', 'direction'],
  bulkhead_vault_state: ['gauge', 'Live exchanges, credentials, refused records, revoked keys, journal records the ledger lacks.', 'of'],
} as const;
type Family = keyof typeof HELP;

/** The vault's own numbers, in the shape of telemetry's snapshots (it loads nothing of telemetry). */
export class Counts {
  readonly #values = new Map<Family, Map<string, number>>();

  add(family: Family, label: string, by = 1): void {
    const series = this.#values.get(family) ?? new Map<string, number>();
    this.#values.set(family, series.set(label, (series.get(label) ?? 0) + by));
  }

  snapshot(state: Readonly<Record<string, number>>): JsonObject {
    this.#values.set('bulkhead_vault_state', new Map(Object.entries(state)));
    const families = Array.from(this.#values, ([name, values]) => {
      const [kind, help, label] = HELP[name];
      return {
        name,
        kind,
        help,
        labels: [label],
        buckets: [],
        series: Array.from(values, ([text, value]) => ({ labels: [text], values: [value] })),
      };
    });
    return { families };
  }
}
