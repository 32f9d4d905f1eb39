import type { Owners } from '../core/owner.ts';
import type { TokenUsage } from '../core/usage.ts';
import { isFor } from './counts.ts';
import type { LimitMeter } from './limit-meter.ts';

/** A call of before this process, for limits whose windows reach back that far. */
export interface PastCall extends Owners {
  /** The key whose own limits counted it: the first of its lineage. */
  readonly ruleOwner: string;
  readonly alias: string;
  /** Unix milliseconds. */
  readonly startedAt: number;
  /** Further attempts of a request are no further requests. */
  readonly isRequest: boolean;
  readonly usage: Pick<TokenUsage, 'input' | 'output'>;
}

/** Limits of keys that nobody used for so long after the start begin without what was before. */
const KEPT_MS = 86_400_000;
const NO_CALLS = new Map<string, PastCall[]>();

/** Read when it is asked for first: a node without limits never does. */
export class PastCalls {
  readonly #read: () => Iterable<PastCall>;
  readonly #until: number;
  #byKey: Map<string, PastCall[]> | undefined;

  constructor(read: () => Iterable<PastCall>, monotonic: number) {
    this.#read = read;
    this.#until = monotonic + KEPT_MS;
  }

  /** What each call used of the limits that counted it. */
  take(limitsOf: (call: PastCall) => readonly LimitMeter[] | undefined, now: number, monotonic: number): void {
    for (const calls of this.#calls().values()) {
      for (const call of calls) takePast(limitsOf(call) ?? [], call, now, monotonic);
    }
  }

  /** The same of a key's own limits: once, when they are new to memory. */
  takeOfKey(key: string, limits: readonly LimitMeter[], now: number, monotonic: number): void {
    if (monotonic > this.#until) this.#byKey = NO_CALLS;
    const calls = this.#calls();
    for (const call of calls.get(key) ?? []) takePast(limits, call, now, monotonic);
    calls.delete(key);
  }

  #calls(): Map<string, PastCall[]> {
    return (this.#byKey ??= Map.groupBy(this.#read(), ({ ruleOwner }) => ruleOwner));
  }
}

/** What a call used of each of these limits, at the time when it did. */
function takePast(limits: readonly LimitMeter[], call: PastCall, now: number, monotonic: number): void {
  for (const meter of limits) {
    const { measure, model } = meter.rule;
    if (!isFor(model, call.alias)) continue;
    const used = measure === 'requests' ? Number(call.isRequest) : meter.used(call.usage);
    if (used > 0) meter.take(call, used, monotonic - Math.max(0, now - call.startedAt), monotonic);
  }
}
