import type { AlertView } from '../../../api/budgets.ts';
import { EVERYONE, OWNER_KINDS, ownerKey, type OwnerRef } from '../../../core/owner.ts';
import type { AdmissionAlert, AdmissionAlertsReply } from '../../../ipc/messages/reports.ts';
import type { Database } from '../../database.ts';
import type { ControlDeps } from '../../deps.ts';
import type { AlertsTable } from '../../limit-tables.ts';
import { ownerNames } from '../../owners.ts';
import { askLedger } from '../usage/service.ts';
import { dollarsOf } from '../budgets/service.ts';

/** The ledger remembers alerts until it restarts; they are kept here. */

const KEPT = 10_000;

/** Fetches what is new. Throws ledger_unavailable. */
export async function collectAlerts({ db, ledger }: Pick<ControlDeps, 'db' | 'ledger'>): Promise<void> {
  const { last } = await db
    .selectFrom('alerts')
    .select((select) => select.fn.max('sequence').as('last'))
    .executeTakeFirstOrThrow();
  const { alerts } = await askLedger<AdmissionAlertsReply>(ledger, { op: 'admission.alerts', since: Number(last ?? 0) });
  for (const alert of alerts) {
    const row = { sequence: alert.sequence, at: alert.at, kind: alert.kind, ...(await placeOf(db, alert)), alert: JSON.stringify(alert) };
    await db
      .insertInto('alerts')
      .values(row)
      .onConflict((on) => on.doNothing())
      .execute();
  }
  if (alerts.length > 0) await forgetOld(db);
}

async function forgetOld(db: Database): Promise<void> {
  const oldest = await db.selectFrom('alerts').select('sequence').orderBy('sequence', 'desc').offset(KEPT).limit(1).executeTakeFirst();
  if (oldest !== undefined) await db.deleteFrom('alerts').where('sequence', '<=', oldest.sequence).execute();
}

const NOWHERE = { organization: null, team: null, user: null } as const;

/** Whose alert it is, from the rule that it is about; nobody's but the node's where the rule is gone. */
async function placeOf(db: Database, alert: AdmissionAlert): Promise<Pick<AlertsTable, 'organization' | 'team' | 'user'>> {
  if (!('rule' in alert)) return NOWHERE;
  const table = alert.kind === 'budget.threshold' ? 'budgets' : alert.rule.startsWith('bud_') ? 'budgets' : 'limits';
  const rule = await db
    .selectFrom(table as 'limits')
    .select(['organization', 'team', 'user'])
    .where('id', '=', alert.rule)
    .executeTakeFirst();
  return rule === undefined || rule.organization === EVERYONE.id ? NOWHERE : rule;
}

/** `team:team_01…` → its parts; null for what is a sentence's words and no key. */
function ownerOf(text: string): OwnerRef | null {
  const kind = OWNER_KINDS.find((known) => text.startsWith(`${known}:`));
  return kind === undefined ? null : { kind, id: text.slice(kind.length + 1) };
}

export async function listAlerts(db: Database, rows: readonly AlertsTable[]): Promise<AlertView[]> {
  const alerts = rows.map((row) => JSON.parse(row.alert) as AdmissionAlert);
  const owners = alerts.map((alert) => ('owner' in alert ? ownerOf(alert.owner) : null));
  const names = await ownerNames(
    db,
    owners.filter((owner) => owner !== null),
  );
  return alerts.map((alert, i): AlertView => {
    const owner = owners[i] ?? null;
    const isBudget = alert.kind === 'budget.threshold';
    return {
      at: new Date(alert.at).toISOString(),
      kind: alert.kind,
      rule: 'rule' in alert ? alert.rule : null,
      owner: owner === null ? null : { ...owner, name: names[ownerKey(owner)] ?? owner.id },
      percent: isBudget ? alert.percent : null,
      spent: isBudget ? dollarsOf(alert.spent) : null,
      amount: isBudget ? dollarsOf(alert.amount) : null,
      enforcement: isBudget ? alert.enforcement : null,
      code: 'code' in alert ? alert.code : null,
      count: 'count' in alert ? alert.count : null,
    };
  });
}
