import type { KeyId, OrganizationId, RequestId, TeamId } from '../core/ids.ts';
import type { KeyRules } from '../core/rules.ts';
import type { Units } from '../core/usage.ts';
import type { Reservation, ReserveRequest, ReserveTarget } from './admission.ts';
import type { Hold } from './budget-meter.ts';
import type { KeyEntry } from './key-meters.ts';
import type { LimitMeter } from './limit-meter.ts';

const NO_LIMITS: LimitMeter[] = [];
const NO_HOLDS: Hold[] = [];

/** A live reservation and what it took. Fields are written one by one, so that all have one shape. */
export class Held implements Reservation {
  readonly requestId: RequestId;
  readonly key: KeyId;
  readonly lineage: KeyId | undefined;
  readonly organization: OrganizationId;
  readonly team: TeamId;
  readonly alias: string;
  maxInputTokens: number;
  maxOutputTokens: number;
  readonly maxUnits: Units | undefined;
  readonly likelyOutputTokens: number | undefined;
  readonly maxParallel: number | undefined;
  readonly project: string | undefined;
  readonly user: string | undefined;
  readonly endUser: string | undefined;
  readonly tags: readonly string[] | undefined;
  readonly rules: KeyRules | undefined;
  targets: readonly ReserveTarget[] | undefined;
  readonly owner: string;
  readonly at: number;
  /** The same on the monotonic clock. */
  readonly since: number;
  limits: LimitMeter[] = NO_LIMITS;
  holds: Hold[] = NO_HOLDS;
  entry: KeyEntry | undefined = undefined;

  constructor(owner: string, request: ReserveRequest, at: number, since: number) {
    this.requestId = request.requestId;
    this.key = request.key;
    this.lineage = request.lineage;
    this.organization = request.organization;
    this.team = request.team;
    this.alias = request.alias;
    this.maxInputTokens = request.maxInputTokens;
    this.maxOutputTokens = request.maxOutputTokens;
    this.maxUnits = request.maxUnits;
    this.likelyOutputTokens = request.likelyOutputTokens;
    this.maxParallel = request.maxParallel;
    this.project = request.project;
    this.user = request.user;
    this.endUser = request.endUser;
    this.tags = request.tags;
    this.rules = request.rules;
    this.targets = request.targets;
    this.owner = owner;
    this.at = at;
    this.since = since;
  }

  /** Output tokens that limits hold; budgets hold the bound. */
  get limitedOutputTokens(): number {
    return Math.min(this.likelyOutputTokens ?? this.maxOutputTokens, this.maxOutputTokens);
  }

  get hard(): boolean {
    return this.holds.some(({ meter }) => meter.refuses);
  }

  /** Its key's own rules are not forgotten while it is held. */
  pin(entry: KeyEntry | undefined): void {
    if (entry === undefined || this.entry === entry) return;
    this.unpin();
    entry.pins++;
    this.entry = entry;
  }

  unpin(): void {
    if (this.entry !== undefined) this.entry.pins--;
    this.entry = undefined;
  }
}
