import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { JsonObject } from '../core/json.ts';
import { Metrics, renderPrometheus } from './metrics.ts';
import { addProcessMetrics } from './process-metrics.ts';

/** As it arrives in another process. */
const overFrames = (metrics: Metrics): JsonObject => JSON.parse(JSON.stringify(metrics.snapshot())) as JsonObject;
const render = (metrics: Metrics, labels: Record<string, string> = {}): string =>
  renderPrometheus([{ labels, snapshot: overFrames(metrics) }]);
const family = (changes: Record<string, unknown>): JsonObject =>
  ({
    families: [
      { name: 'a_total', kind: 'counter', help: 'A.', labels: [], buckets: [], series: [{ labels: [], values: [1] }], ...changes },
    ],
  }) as JsonObject;

describe('metrics', () => {
  it('renders counters and gauges with labels, escaped', () => {
    const metrics = new Metrics();
    const requests = metrics.counter('bulkhead_requests_total', 'Requests,\nby \\ model.', ['model', 'status']);
    const bound = requests.with('a"b\\c\nd', '200');
    bound.inc();
    bound.inc(2);
    requests.inc(['x', '500']);
    metrics.gauge('bulkhead_streams', 'Open streams.').set(7);
    metrics.gauge('bulkhead_streams', 'Open streams.').with().add(-2);
    assert.equal(
      render(metrics, { role: 'gateway', worker: '0' }),
      [
        '# HELP bulkhead_requests_total Requests,\\nby \\\\ model.',
        '# TYPE bulkhead_requests_total counter',
        'bulkhead_requests_total{role="gateway",worker="0",model="a\\"b\\\\c\\nd",status="200"} 3',
        'bulkhead_requests_total{role="gateway",worker="0",model="x",status="500"} 1',
        '# HELP bulkhead_streams Open streams.',
        '# TYPE bulkhead_streams gauge',
        'bulkhead_streams{role="gateway",worker="0"} 5',
        '',
      ].join('\n'),
    );
  });

  it('renders histograms cumulatively; a value on a bound belongs to it', () => {
    const metrics = new Metrics();
    const histogram = metrics.histogram('bulkhead_overhead_seconds', 'Own time.', [0.5, 1], ['stage']);
    const parse = histogram.with('parse');
    for (const value of [0.25, 0.5, 0.75, 3]) parse.observe(value);
    assert.deepEqual(render(metrics).split('\n').slice(2, -1), [
      'bulkhead_overhead_seconds_bucket{stage="parse",le="0.5"} 2',
      'bulkhead_overhead_seconds_bucket{stage="parse",le="1"} 3',
      'bulkhead_overhead_seconds_bucket{stage="parse",le="+Inf"} 4',
      'bulkhead_overhead_seconds_sum{stage="parse"} 4.5',
      'bulkhead_overhead_seconds_count{stage="parse"} 4',
    ]);
  });

  it('joins one family of several processes under one heading', () => {
    const workers = [0, 1].map((worker) => {
      const metrics = new Metrics();
      metrics.counter('bulkhead_requests_total', 'Requests.').inc([], worker + 1);
      return { labels: { role: 'gateway', worker: String(worker) }, snapshot: overFrames(metrics) };
    });
    assert.equal(
      renderPrometheus(workers),
      '# HELP bulkhead_requests_total Requests.\n# TYPE bulkhead_requests_total counter\n' +
        'bulkhead_requests_total{role="gateway",worker="0"} 1\nbulkhead_requests_total{role="gateway",worker="1"} 2\n',
    );
  });

  it('keeps the number of series bounded: what is beyond shares one', () => {
    const metrics = new Metrics();
    const counter = metrics.counter('bulkhead_requests_total', 'Requests.', ['model', 'status']);
    for (let i = 0; i < 5_000; i++) counter.inc([`m${i}`, '200']);
    counter.inc(['m0', '200']);
    const lines = render(metrics).split('\n').slice(2, -1);
    assert.equal(lines.length, 2_001);
    assert.ok(lines.includes('bulkhead_requests_total{model="m0",status="200"} 2'));
    assert.ok(lines.includes('bulkhead_requests_total{model="other",status="other"} 3000'));
  });

  it('refuses a declaration that contradicts an earlier one, odd names and wrong label counts', () => {
    const metrics = new Metrics();
    const counter = metrics.counter('a_total', 'A.', ['x']);
    assert.throws(() => metrics.gauge('a_total', 'A.', ['x']), /differently/);
    assert.throws(() => metrics.counter('a_total', 'A.', ['y']), /differently/);
    for (const name of ['a b', '', '1a', 'a{}', 'ä']) assert.throws(() => metrics.counter(name, 'A.'), /not a metric name/);
    assert.throws(() => counter.inc(['1', '2']), /takes 1/);
  });

  it('a snapshot of a captured process cannot forge another’s labels or write lines of its own', () => {
    const forged = renderPrometheus([
      { labels: { role: 'gateway' }, snapshot: family({ labels: ['role'], series: [{ labels: ['vault"} 1\nevil 1'], values: [5] }] }) },
    ]);
    assert.match(forged, /^a_total\{role="gateway"\} 5$/m);
    const wrong: readonly Record<string, unknown>[] = [
      { name: 'a\nevil 1' },
      { name: 5 },
      { kind: 'summary' },
      { help: null },
      { labels: ['a"b'] },
      { labels: ['le'], series: [{ labels: ['1'], values: [1] }] },
      { labels: ['x'] },
      { series: [{ labels: [], values: ['1\nevil 1'] }] },
      { series: [{ labels: [], values: [] }] },
      { series: [{ labels: [5], values: [1] }] },
      { series: {} },
      { kind: 'histogram', buckets: [1], series: [{ labels: [], values: [1, 2] }] },
      { name: 'bulkhead_metrics_malformed_families' },
    ];
    for (const changes of wrong) {
      const text = renderPrometheus([{ labels: { role: 'gateway' }, snapshot: family(changes) }]);
      assert.match(
        text,
        /^# HELP bulkhead_metrics_malformed_families .*\n# TYPE .* gauge\nbulkhead_metrics_malformed_families\{role="gateway"\} 1\n$/,
        JSON.stringify(changes),
      );
    }
    assert.match(renderPrometheus([{ labels: {}, snapshot: {} }]), /malformed_families 1\n$/);
    const help = renderPrometheus([{ labels: {}, snapshot: family({ help: 'x\nevil 1' }) }]);
    assert.doesNotMatch(help, /^evil/m);
    const other = renderPrometheus([
      { labels: {}, snapshot: family({}) },
      { labels: { role: 'b' }, snapshot: family({ kind: 'gauge' }) },
    ]);
    assert.match(other, /^a_total 1$/m);
    assert.match(other, /malformed_families\{role="b"\} 1/);
  });

  it('has processor time, memory and event-loop delay of the process', async () => {
    const metrics = new Metrics();
    const stop = addProcessMetrics(metrics);
    await new Promise((resolve) => setTimeout(resolve, 50));
    const until = performance.now() + 100;
    while (performance.now() < until);
    await new Promise((resolve) => setTimeout(resolve, 50));
    const text = render(metrics);
    const valueOf = (series: string): number => Number(new RegExp(`^${series} (\\S+)$`, 'm').exec(text)?.[1]);
    assert.ok(valueOf('bulkhead_process_cpu_seconds_total{mode="user"}') > 0.01);
    assert.ok(valueOf('bulkhead_process_resident_memory_bytes') > 1e7);
    assert.ok(valueOf('bulkhead_event_loop_delay_seconds{stat="max"}') > 0.05);
    const first = valueOf('bulkhead_process_cpu_seconds_total{mode="user"}');
    assert.ok(Number(/mode="user"\} (\S+)/.exec(render(metrics))?.[1]) >= first);
    stop();
  });
});
