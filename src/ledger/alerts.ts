import { ownerKey } from '../core/owner.ts';
import type { AdmissionRefusal, BudgetRule } from '../core/rules.ts';
import type { Clock } from '../core/clock.ts';
import type { AdmissionAlert, AdmissionAlertsReply } from '../ipc/messages/reports.ts';
import type { Logger } from '../telemetry/log.ts';

const KEPT = 1000;
const OBSERVED_EVERY_MS = 60_000;
const MAX_OBSERVED = 10_000;

type Told<Alert = AdmissionAlert> = Alert extends unknown ? Omit<Alert, 'sequence' | 'at'> : never;

/** What admission has to say to people: in the log as it happens, and for control to fetch. */
export class Alerts {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #alerts: AdmissionAlert[] = [];
  /** Begins at the time in microseconds, so that it goes on rising in the next process. */
  #sequence: number;
  /** Monotonic time from which a rule that observes speaks again. */
  readonly #observedUntil = new Map<string, number>();

  constructor(clock: Clock, log: Logger) {
    this.#clock = clock;
    this.#log = log;
    this.#sequence = clock.now() * 1000;
  }

  threshold(rule: BudgetRule, percent: number, spent: bigint): void {
    const { id, owner, enforcement, picodollars: amount } = rule;
    this.#log.warn('budget.threshold', { rule: id, target: ownerKey(owner), percent, picodollars: spent.toString() });
    this.add({ kind: 'budget.threshold', rule: id, owner: ownerKey(owner), percent, spent: spent.toString(), amount, enforcement });
  }

  observed({ code, values }: AdmissionRefusal): void {
    const rule = 'rule' in values ? values.rule : '';
    const owner = 'owner' in values ? values.owner : '';
    const now = this.#clock.monotonic();
    const name = `${code}\n${rule}\n${owner}`;
    if ((this.#observedUntil.get(name) ?? 0) > now) return;
    if (this.#observedUntil.size >= MAX_OBSERVED) this.#observedUntil.clear();
    this.#observedUntil.set(name, now + OBSERVED_EVERY_MS);
    this.#log.info('rule.observed', { code, rule, target: owner });
    this.add({ kind: 'rule.observed', code, rule, owner });
  }

  add(alert: Told): void {
    this.#alerts.push({ sequence: ++this.#sequence, at: this.#clock.now(), ...alert });
    if (this.#alerts.length > KEPT) this.#alerts.shift();
  }

  since(sequence: number): AdmissionAlertsReply {
    const alerts = this.#alerts.filter((alert) => alert.sequence > sequence);
    return { alerts, next: Math.max(sequence, alerts.at(-1)?.sequence ?? this.#sequence) };
  }
}
