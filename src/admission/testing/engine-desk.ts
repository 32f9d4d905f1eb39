/** Test code: an engine with a clock that is set by hand, a ledger of rows as plain as can be, and one price per token. */
import type { Clock } from '../../core/clock.ts';
import type { KeyId, OrganizationId, ProviderId, RequestId, TeamId } from '../../core/ids.ts';
import type { AdmissionPolicy, AdmissionRefusal, BudgetRule, LimitRule } from '../../core/rules.ts';
import { NO_USAGE, type UsageEvent } from '../../core/usage.ts';
import type { ReserveRequest } from '../admission.ts';
import { isFor, ownedBy } from '../counts.ts';
import { AdmissionEngine, type EngineOptions } from '../engine.ts';

/** 24 November 2026, 12:00 UTC: a Tuesday. */
export const NOON = Date.UTC(2026, 10, 24, 12);

class HandClock implements Clock {
  wall = NOON;
  mono = 1000;

  now(): number {
    return this.wall;
  }

  monotonic(): number {
    return this.mono;
  }

  advance(ms: number): void {
    this.wall += ms;
    this.mono += ms;
  }
}

interface Row extends UsageEvent {
  readonly picodollars: bigint;
}

/** Rows outlive the engine, as in the ledger. */
export class EngineDesk {
  readonly clock = new HandClock();
  readonly rows: Row[] = [];
  readonly alerts: { rule: string; percent: number; spent: bigint }[] = [];
  readonly observed: AdmissionRefusal[] = [];
  /** Questions for sums. */
  asked = 0;
  /** Picodollars a token; by provider and model first. */
  readonly prices = new Map<string, bigint>();
  engine: AdmissionEngine;

  constructor(more: Partial<EngineOptions> = {}) {
    this.engine = this.open(more);
  }

  /** A new engine on the same rows: the process was restarted. */
  open(more: Partial<EngineOptions> = {}): AdmissionEngine {
    this.engine = new AdmissionEngine({
      clock: this.clock,
      price: ({ provider, model }, { maxInputTokens, maxOutputTokens }) => {
        const price = this.prices.get(`${provider}/${model}`);
        return {
          picodollars: (price ?? 1n) * BigInt(maxInputTokens + maxOutputTokens),
          known: price !== undefined || model !== 'unheard-of',
        };
      },
      spent: (rule, from, to) => {
        this.asked++;
        return this.sum(rule, from, to);
      },
      onThreshold: ({ id }, percent, spent) => this.alerts.push({ rule: id, percent, spent }),
      onObserved: (refusal) => this.observed.push(refusal),
      ...more,
    });
    return this.engine;
  }

  sum(rule: BudgetRule, from: number, to: number): bigint {
    let sum = 0n;
    for (const row of this.rows) {
      if (row.startedAt < from || row.startedAt >= to || !ownedBy(row, rule.owner) || !isFor(rule.model, row.alias)) continue;
      if (rule.provider === undefined || rule.provider === row.provider) sum += row.picodollars;
    }
    return sum;
  }

  /** The row is written and counted. */
  settle(event: UsageEvent, picodollars: bigint): void {
    this.engine.settle(event, picodollars);
    this.rows.push({ ...event, picodollars });
  }
}

export const policy = (more: Partial<AdmissionPolicy> = {}): AdmissionPolicy => ({
  version: 1,
  limits: [],
  budgets: [],
  shares: [],
  names: { 'team:team_a': 'search' },
  unknownPrice: 'dearest',
  ...more,
});

export const limit = (more: Partial<LimitRule> = {}): LimitRule => ({
  id: 'lim_1',
  owner: { kind: 'team', id: 'team_a' },
  measure: 'requests',
  amount: 3,
  windowMs: 60_000,
  mode: 'enforce',
  ...more,
});

export const budget = (more: Partial<BudgetRule> = {}): BudgetRule => ({
  id: 'bud_1',
  owner: { kind: 'team', id: 'team_a' },
  picodollars: '1000',
  window: { kind: 'total' },
  enforcement: 'hard',
  mode: 'enforce',
  thresholds: [],
  raises: [],
  ...more,
});

export const request = (id: string, more: Partial<ReserveRequest> = {}): ReserveRequest => ({
  requestId: id as RequestId,
  key: 'key_a' as KeyId,
  organization: 'org_a' as OrganizationId,
  team: 'team_a' as TeamId,
  alias: 'openai/gpt-4o',
  maxInputTokens: 60,
  maxOutputTokens: 40,
  targets: [{ provider: 'openai', model: 'gpt-4o', priceList: 'openai' }],
  ...more,
});

export const usageEvent = (id: string, at: number, more: Partial<UsageEvent> = {}): UsageEvent => ({
  v: 1,
  requestId: id as RequestId,
  attempt: 1,
  proof: 'key',
  key: 'key_a' as KeyId,
  organization: 'org_a' as OrganizationId,
  team: 'team_a' as TeamId,
  credential: 'openai' as UsageEvent['credential'],
  provider: 'openai' as ProviderId,
  alias: 'openai/gpt-4o',
  model: 'gpt-4o',
  priceList: 'openai',
  endpoint: '/v1/chat/completions',
  stream: false,
  status: 200,
  outcome: 'ok',
  usage: { ...NO_USAGE, input: 6, output: 4 },
  estimated: false,
  startedAt: at,
  latencyMs: 1,
  bytesIn: 1,
  bytesOut: 1,
  ...more,
});
