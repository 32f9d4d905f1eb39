export type MetricKind = 'counter' | 'gauge' | 'histogram';

/** A family with all its series, as it travels. `values` holds one number, or for a histogram the count per bucket (the last one without bound), then the sum. */
export interface FamilySnapshot {
  readonly name: string;
  readonly kind: MetricKind;
  readonly help: string;
  readonly labels: readonly string[];
  /** Upper bounds of a histogram, rising. */
  readonly buckets: readonly number[];
  readonly series: readonly { readonly labels: readonly string[]; readonly values: readonly number[] }[];
}
