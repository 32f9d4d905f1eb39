import type { AdmissionPolicy, AdmissionRefusal, LimitState, Measure } from '../core/rules.ts';
import type { Held } from './held.ts';
import type { LimitMeter } from './limit-meter.ts';
import { dearest, type Quote } from './quote.ts';
import { budgetRefusal, limitRefusal } from './refusals.ts';
import type { Meters } from './rule-book.ts';

export interface Moment {
  /** Unix milliseconds, for budgets. */
  readonly now: number;
  /** Monotonic milliseconds, for limits. */
  readonly monotonic: number;
}

export interface Judgement {
  readonly moment: Moment;
  readonly policy: AdmissionPolicy;
  readonly quotes: readonly Quote[];
  readonly onObserved: (refusal: AdmissionRefusal) => void;
}

/** The first reason why a request may not start; undefined: there is none. Takes nothing. */
export function refusalOf(held: Held, meters: Meters, judgement: Judgement): AdmissionRefusal | undefined {
  return limitReason(held, meters, judgement) ?? priceReason(judgement) ?? budgetReason(meters, judgement);
}

function limitReason(
  held: Held,
  { limits }: Meters,
  { moment: { monotonic }, policy, onObserved }: Judgement,
): AdmissionRefusal | undefined {
  for (const meter of limits) {
    const cost = meter.cost(held.maxInputTokens, held.limitedOutputTokens);
    // What takes nothing fits, even where more was used than is allowed.
    if (cost === 0 || cost <= meter.available(held, monotonic)) continue;
    meter.ask(held, monotonic);
    const refusal = limitRefusal(meter, held, cost, monotonic, policy.names);
    if (meter.rule.mode === 'enforce') return refusal;
    onObserved(refusal);
  }
  return undefined;
}

function priceReason({ policy, quotes }: Judgement): AdmissionRefusal | undefined {
  if (policy.unknownPrice === 'dearest') return undefined;
  const unknown = quotes.find(({ known }) => !known);
  if (unknown === undefined) return undefined;
  return { code: 'price_unknown', values: { model: unknown.target.model, provider: unknown.target.provider } };
}

function budgetReason({ budgets }: Meters, { moment: { now }, policy, quotes, onObserved }: Judgement): AdmissionRefusal | undefined {
  for (const meter of budgets) {
    const cost = dearest(quotes, meter.rule.provider);
    if (cost === undefined || cost === 0n || meter.rule.enforcement === 'soft' || meter.fits(cost, now)) continue;
    const refusal = budgetRefusal(meter, cost, now, policy.names);
    if (meter.refuses) return refusal;
    onObserved(refusal);
  }
  return undefined;
}

/** Takes what a request may use at most of each meter that it holds nothing of yet. */
export function takeAll(held: Held, { limits, budgets }: Meters, quotes: readonly Quote[], { now, monotonic }: Moment): void {
  const fresh = held.limits.length === 0 ? limits : limits.filter((meter) => !held.limits.includes(meter));
  for (const meter of fresh) meter.take(held, meter.cost(held.maxInputTokens, held.limitedOutputTokens), held.since, monotonic);
  if (fresh.length > 0) held.limits = held.limits.length === 0 ? fresh : [...held.limits, ...fresh];
  if (budgets.length === 0) return;
  const holds = [...held.holds];
  for (const meter of budgets) {
    const cost = dearest(quotes, meter.rule.provider);
    if (cost !== undefined && !held.holds.some((hold) => hold.meter === meter)) holds.push(meter.hold(cost, held.at, now));
  }
  held.holds = holds;
}

/** The tightest enforced limit of each measure. */
export function statesOf(held: Held, monotonic: number): readonly LimitState[] {
  const states = new Map<Measure, LimitState>();
  for (const meter of held.limits) addState(states, held, meter, monotonic);
  return [...states.values()];
}

function addState(states: Map<Measure, LimitState>, held: Held, meter: LimitMeter, monotonic: number): void {
  if (meter.rule.mode === 'observe') return;
  const state = meter.state(held, monotonic);
  const tightest = states.get(state.measure);
  if (tightest === undefined || state.remaining < tightest.remaining) states.set(state.measure, state);
}
