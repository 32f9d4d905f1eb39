import type { JsonObject } from '../core/json.ts';
import type { MetricKind } from './snapshot.ts';

/**
 * Counters, gauges and histograms of one process. Each process keeps its own and gives a snapshot over its socket;
 * control joins them for Prometheus (`prometheus.ts`). Label values never come from prompt text, and their number is capped.
 */

export { renderPrometheus, type MetricsPart } from './prometheus.ts';

export interface CounterSeries {
  inc(by?: number): void;
}
export interface GaugeSeries {
  set(value: number): void;
  add(by: number): void;
}
export interface HistogramSeries {
  observe(value: number): void;
}

/** A family: `with` binds label values once, so that the hot path only adds. */
export interface Counter {
  with(...values: readonly string[]): CounterSeries;
  inc(values?: readonly string[], by?: number): void;
}
export interface Gauge {
  with(...values: readonly string[]): GaugeSeries;
  set(value: number, values?: readonly string[]): void;
}
export interface Histogram {
  with(...values: readonly string[]): HistogramSeries;
  observe(value: number, values?: readonly string[]): void;
}

/** Seconds; fits overheads of microseconds and streams of an hour. */
export const SECONDS_BUCKETS = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600,
] as const;

/** Series a family may have; label combinations beyond share one whose labels are all `other`. */
const MAX_SERIES = 2_000;
const NAME = /^[a-z_][a-z0-9_]*$/;

export class Metrics {
  readonly #families = new Map<string, Family>();
  readonly #collectors: (() => void)[] = [];

  counter(name: string, help: string, labels: readonly string[] = []): Counter {
    const family = this.#family('counter', name, help, labels, []);
    const bind = (values: readonly string[]): CounterSeries => {
      const series = family.series(values);
      return { inc: (by = 1) => void (series[0] = (series[0] as number) + by) };
    };
    return { with: (...values) => bind(values), inc: (values = [], by = 1) => bind(values).inc(by) };
  }

  gauge(name: string, help: string, labels: readonly string[] = []): Gauge {
    const family = this.#family('gauge', name, help, labels, []);
    const bind = (values: readonly string[]): GaugeSeries => {
      const series = family.series(values);
      return { set: (value) => void (series[0] = value), add: (by) => void (series[0] = (series[0] as number) + by) };
    };
    return { with: (...values) => bind(values), set: (value, values = []) => bind(values).set(value) };
  }

  /** `buckets`: upper bounds, rising. */
  histogram(name: string, help: string, buckets: readonly number[], labels: readonly string[] = []): Histogram {
    const family = this.#family('histogram', name, help, labels, buckets);
    const bind = (values: readonly string[]): HistogramSeries => {
      const series = family.series(values);
      return { observe: (value) => observe(series, buckets, value) };
    };
    return { with: (...values) => bind(values), observe: (value, values = []) => bind(values).observe(value) };
  }

  /** Called before every snapshot, for values that are read rather than counted. */
  onSnapshot(collect: () => void): void {
    this.#collectors.push(collect);
  }

  /** `{families: FamilySnapshot[]}` */
  snapshot(): JsonObject {
    for (const collect of this.#collectors) collect();
    return { families: [...this.#families.values()].map((family) => family.snapshot()) };
  }

  #family(kind: MetricKind, name: string, help: string, labels: readonly string[], buckets: readonly number[]): Family {
    const known = this.#families.get(name);
    if (known !== undefined) {
      if (!known.isLike(kind, labels)) throw new Error(`the metric ${name} was declared differently before`);
      return known;
    }
    if (![name, ...labels].every((text) => NAME.test(text))) throw new Error(`${name}{${labels.join()}} is not a metric name`);
    const family = new Family(kind, name, help, labels, buckets);
    this.#families.set(name, family);
    return family;
  }
}

class Family {
  readonly #kind: MetricKind;
  readonly #name: string;
  readonly #help: string;
  readonly #labels: readonly string[];
  readonly #buckets: readonly number[];
  readonly #series = new Map<string, { readonly labels: readonly string[]; readonly values: Float64Array }>();

  constructor(kind: MetricKind, name: string, help: string, labels: readonly string[], buckets: readonly number[]) {
    this.#kind = kind;
    this.#name = name;
    this.#help = help;
    this.#labels = labels;
    this.#buckets = buckets;
  }

  isLike(kind: MetricKind, labels: readonly string[]): boolean {
    return kind === this.#kind && labels.join() === this.#labels.join();
  }

  series(labels: readonly string[]): Float64Array {
    if (labels.length !== this.#labels.length) throw new Error(`${this.#name} takes ${this.#labels.length} labels`);
    const key = labels.length === 1 ? (labels[0] as string) : labels.join('\u0000');
    const known = this.#series.get(key);
    if (known !== undefined) return known.values;
    if (this.#series.size >= MAX_SERIES && labels.some((label) => label !== 'other')) return this.series(labels.map(() => 'other'));
    const values = new Float64Array(this.#kind === 'histogram' ? this.#buckets.length + 2 : 1);
    this.#series.set(key, { labels: [...labels], values });
    return values;
  }

  snapshot(): JsonObject {
    const series = [...this.#series.values()].map(({ labels, values }) => ({ labels, values: [...values] }));
    return { name: this.#name, kind: this.#kind, help: this.#help, labels: this.#labels, buckets: this.#buckets, series };
  }
}

function observe(series: Float64Array, buckets: readonly number[], value: number): void {
  let at = 0;
  while (at < buckets.length && value > (buckets[at] as number)) at++;
  series[at] = (series[at] as number) + 1;
  const sum = series.length - 1;
  series[sum] = (series[sum] as number) + value;
}
