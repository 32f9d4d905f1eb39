import { ENDPOINT_IDS } from '../endpoints/registry.ts';
import type { Outcome, TokenUsage } from '../core/usage.ts';
import type { CounterSeries, GaugeSeries, HistogramSeries, Metrics } from '../telemetry/metrics.ts';

/** Stages whose own time is measured; waiting for the client or the provider is left out. */
const TIMED = ['authenticate', 'decode', 'admit', 'attempt', 'answer', 'total'] as const;
export type Timed = (typeof TIMED)[number];

const OVERHEAD_BUCKETS = [0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1] as const;

/** The gateway's own measures, bound once so that the hot path only adds. */
export class GatewayMetrics {
  readonly source: Metrics;
  readonly activeStreams: GaugeSeries;
  readonly activeRequests: GaugeSeries;
  readonly #requests: ReadonlyMap<string, Map<string, CounterSeries>>;
  readonly #bindRequests: (endpoint: string, status: string, outcome: string) => CounterSeries;
  readonly #overhead: ReadonlyMap<Timed, HistogramSeries>;
  readonly #duration: ReadonlyMap<string, HistogramSeries>;
  readonly #firstByte: HistogramSeries;
  readonly #tokens: readonly [CounterSeries, CounterSeries, CounterSeries, CounterSeries];
  readonly #refused: (code: string) => void;

  constructor(source: Metrics, durationBuckets: readonly number[]) {
    this.source = source;
    const requests = source.counter('bulkhead_gateway_requests_total', 'Requests by endpoint, status and outcome.', [
      'endpoint',
      'status',
      'outcome',
    ]);
    this.#bindRequests = (endpoint, status, outcome) => requests.with(endpoint, status, outcome);
    this.#requests = new Map(ENDPOINT_IDS.map((id) => [id, new Map<string, CounterSeries>()]));
    const overhead = source.histogram(
      'bulkhead_gateway_overhead_seconds',
      'Own time per stage, without waiting for client or provider.',
      OVERHEAD_BUCKETS,
      ['stage'],
    );
    this.#overhead = new Map(TIMED.map((stage) => [stage, overhead.with(stage)]));
    const duration = source.histogram('bulkhead_gateway_request_seconds', 'From arrival to the last byte.', durationBuckets, ['endpoint']);
    this.#duration = new Map(ENDPOINT_IDS.map((id) => [id, duration.with(id)]));
    this.#firstByte = source
      .histogram('bulkhead_gateway_first_byte_seconds', 'From arrival to the first byte of the answer.', durationBuckets)
      .with();
    const tokens = source.counter('bulkhead_gateway_tokens_total', 'Tokens by kind, as providers told or as estimated.', ['kind']);
    this.#tokens = [tokens.with('input'), tokens.with('output'), tokens.with('cached_input'), tokens.with('reasoning')];
    this.activeStreams = source.gauge('bulkhead_gateway_active_streams', 'Streams under way.').with();
    this.activeRequests = source.gauge('bulkhead_gateway_active_requests', 'Requests under way.').with();
    const refused = source.counter('bulkhead_gateway_refusals_total', 'Refusals by code.', ['code']);
    this.#refused = (code) => refused.inc([code]);
  }

  request(endpoint: string, status: number, outcome: Outcome | 'local' | 'refused', durationMs: number): void {
    const known = this.#requests.get(endpoint);
    const key = `${status} ${outcome}`;
    let series = known?.get(key);
    if (series === undefined) {
      series = this.#bindRequests(endpoint, String(status), outcome);
      known?.set(key, series);
    }
    series.inc();
    this.#duration.get(endpoint)?.observe(durationMs / 1000);
  }

  overhead(stage: Timed, ms: number): void {
    this.#overhead.get(stage)?.observe(ms / 1000);
  }

  firstByte(ms: number): void {
    this.#firstByte.observe(ms / 1000);
  }

  tokens(usage: TokenUsage): void {
    const [input, output, cached, reasoning] = this.#tokens;
    input.inc(usage.input);
    output.inc(usage.output);
    cached.inc(usage.cachedInput);
    reasoning.inc(usage.reasoning);
  }

  refused(code: string): void {
    this.#refused(code);
  }
}
