import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Metrics } from './metrics.ts';

const RESOLUTION_MS = 20;

/** Adds CPU time, memory and event-loop delay of this process, read when a snapshot is taken. Gives the function that stops the measuring. */
export function addProcessMetrics(metrics: Metrics): () => void {
  const cpu = metrics.counter('bulkhead_process_cpu_seconds_total', 'CPU time of the process since its start, in seconds.', ['mode']);
  const resident = metrics.gauge('bulkhead_process_resident_memory_bytes', 'Resident memory of the process.');
  const heap = metrics.gauge('bulkhead_process_heap_used_bytes', 'Used part of the JavaScript heap.');
  const delay = metrics.gauge('bulkhead_event_loop_delay_seconds', 'How late the event loop ran since the last snapshot.', ['stat']);
  let counted: NodeJS.CpuUsage = { user: 0, system: 0 };
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  histogram.enable();
  metrics.onSnapshot(() => {
    const now = process.cpuUsage();
    cpu.inc(['user'], (now.user - counted.user) / 1e6);
    cpu.inc(['system'], (now.system - counted.system) / 1e6);
    counted = now;
    const memory = process.memoryUsage();
    resident.set(memory.rss);
    heap.set(memory.heapUsed);
    delay.set(lateness(histogram.max), ['max']);
    delay.set(lateness(histogram.percentile(99)), ['p99']);
    histogram.reset();
  });
  return () => void histogram.disable();
}

/** The histogram holds the time between two ticks of a timer: what exceeds its interval is delay. Nanoseconds to seconds. */
const lateness = (nanoseconds: number): number => Math.max(0, nanoseconds - RESOLUTION_MS * 1e6) / 1e9;
