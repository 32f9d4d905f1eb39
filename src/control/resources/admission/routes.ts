import type { AdmissionStatus } from '../../../api/budgets.ts';
import { ownerKey } from '../../../core/owner.ts';
import type { BudgetRule, BudgetWindow } from '../../../core/rules.ts';
import type { AdmissionStatusReply } from '../../../ipc/messages/reports.ts';
import type { Caller } from '../../caller.ts';
import type { ControlDeps } from '../../deps.ts';
import type { Handlers } from '../../http/router.ts';
import { findOwner, ownerNames, refOf } from '../../owners.ts';
import { isVisible } from '../../rule-queries.ts';
import { dollarsOf } from '../budgets/service.ts';
import { windowText } from '../limits/service.ts';
import { askLedger } from '../usage/service.ts';
import { collectAlerts, listAlerts } from './alerts.ts';

type Names = 'admission.status' | 'alerts.list';

export const admissionRoutes = (deps: ControlDeps): Handlers<Names> => ({
  'admission.status': async ({ query: { owner_kind, owner, organization }, by }) => {
    const named = owner_kind === undefined ? undefined : await findOwner(deps.db, { kind: owner_kind, id: owner, organization });
    const owners = named === undefined ? null : [ownerKey(refOf(named))];
    const status = await askLedger<AdmissionStatusReply>(deps.ledger, { op: 'admission.status', owners });
    return statusView(deps, await seenBy(deps, by, status));
  },
  'alerts.list': async ({ query: { limit }, by }) => {
    await collectAlerts(deps);
    const rows = await deps.db.selectFrom('alerts').selectAll().orderBy('sequence', 'desc').execute();
    const seen = isVisible(by.identity, 'budget.read');
    return {
      alerts: await listAlerts(deps.db, rows.filter((row) => seen({ ...row, organization: row.organization ?? NODE })).slice(0, limit)),
    };
  },
});

/** Alerts about the node itself lie in no organization. */
const NODE = '';

/** The rules whose rows the caller may read; a rule without a row is the operator's to see. */
async function seenBy(
  { db }: ControlDeps,
  { identity }: Caller,
  { version, limits, budgets }: AdmissionStatusReply,
): Promise<AdmissionStatusReply> {
  const seen = isVisible(identity, 'limit.read');
  const columns = ['id', 'organization', 'team', 'user'] as const;
  const ids = [...limits, ...budgets].map(({ rule }) => rule.id);
  const rows = new Map<string, Parameters<typeof seen>[0]>();
  for (let from = 0; from < ids.length; from += 500) {
    const some = ids.slice(from, from + 500);
    for (const row of await db.selectFrom('limits').select(columns).where('id', 'in', some).execute()) rows.set(row.id, row);
    for (const row of await db.selectFrom('budgets').select(columns).where('id', 'in', some).execute()) rows.set(row.id, row);
  }
  const isSeen = ({ rule }: { readonly rule: { readonly id: string } }): boolean =>
    seen(rows.get(rule.id) ?? { organization: NODE, team: null, user: null });
  return { version, limits: limits.filter(isSeen), budgets: budgets.filter(isSeen) };
}

async function statusView({ db }: ControlDeps, { version, limits, budgets }: AdmissionStatusReply): Promise<AdmissionStatus> {
  const names = await ownerNames(
    db,
    [...limits, ...budgets].map(({ rule }) => rule.owner),
  );
  const nameOf = (owner: BudgetRule['owner']) => ({ ...owner, name: names[ownerKey(owner)] ?? owner.id });
  return {
    version,
    limits: limits.map(({ rule, used, remaining, resetMs }) => ({
      id: rule.id,
      owner: nameOf(rule.owner),
      model: rule.model ?? null,
      measure: rule.measure,
      amount: rule.amount,
      window: rule.windowMs === undefined ? null : windowText(rule.windowMs),
      mode: rule.mode,
      used,
      remaining,
      reset_seconds: Math.ceil(resetMs / 1000),
    })),
    budgets: budgets.map(({ rule, spent, reserved, amount, windowStart, resetsAt }) => ({
      ...budgetFacts(rule),
      owner: nameOf(rule.owner),
      amount: dollarsOf(amount),
      spent: dollarsOf(spent),
      reserved: dollarsOf(reserved),
      left: dollarsOf(leftOf(amount, spent, reserved)),
      window_start: windowStart === null ? null : new Date(windowStart).toISOString(),
      resets_at: resetsAt === null ? null : new Date(resetsAt).toISOString(),
    })),
  };
}

const budgetFacts = (rule: BudgetRule) => ({
  id: rule.id,
  model: rule.model ?? null,
  provider: rule.provider ?? null,
  dollars: dollarsOf(rule.picodollars),
  window: windowWord(rule.window),
  time_zone: rule.window.kind === 'calendar' ? rule.window.timeZone : null,
  enforcement: rule.enforcement,
  mode: rule.mode,
  thresholds: [...rule.thresholds],
});

/** The word that made it: `month`, `total`, `rolling:7d`. */
function windowWord(window: BudgetWindow): string {
  return window.kind === 'calendar' ? window.unit : window.kind === 'total' ? 'total' : `rolling:${windowText(window.ms)}`;
}

/** Never below nothing: prices of calls under way may end above what was held for them. */
function leftOf(amount: string, spent: string, reserved: string): string {
  const left = BigInt(amount) - BigInt(spent) - BigInt(reserved);
  return String(left < 0n ? 0n : left);
}
