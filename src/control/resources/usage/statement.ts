import type { ReplyOf } from '../../../api/operations.ts';
import type { UsageStatementQuery } from '../../../api/usage.ts';
import { formatDollars, picodollars } from '../../../core/money.ts';
import type { UsageSummaryReply, UsageSummaryRow } from '../../../ipc/messages/reports.ts';
import type { ControlDeps } from '../../deps.ts';
import { namesOf } from './names.ts';
import { askLedger, filterOf, localPeriod } from './service.ts';

type Statement = ReplyOf<'usage.statement'>;
type Team = Statement['teams'][number];

const MAX_LINES = 10_000;
/** A gateway may report a call so much later. */
const LATE_MS = 7 * 86_400_000;

/** What each team is charged for a month of the zone, from the ledger's own sums: the lines of a team add up to its total, to the last digit. */
export async function monthlyStatement(
  { db, ledger, clock }: Pick<ControlDeps, 'db' | 'ledger' | 'clock'>,
  query: UsageStatementQuery,
): Promise<Statement> {
  const middle = Date.parse(`${query.month}-15T12:00:00Z`);
  const { start, end } = localPeriod('month', middle, query.time_zone);
  const { organization, team } = query;
  const filter = await filterOf(db, { organization, team });
  const reply = await askLedger<UsageSummaryReply>(ledger, {
    op: 'usage.summary',
    by: ['organization', 'team', 'project', 'model'],
    from: start,
    to: end,
    filter,
    limit: MAX_LINES,
    timeZone: query.time_zone,
  });
  const teams = [...Map.groupBy(reply.rows, ({ dimensions }) => JSON.stringify([dimensions.organization, dimensions.team])).values()];
  const of = (name: 'organization' | 'team' | 'project'): string[] => reply.rows.flatMap(({ dimensions }) => dimensions[name] ?? []);
  const [organizations, names, projects] = await Promise.all([
    namesOf(db, 'organizations', of('organization')),
    namesOf(db, 'teams', of('team')),
    namesOf(db, 'projects', of('project')),
  ]);
  const iso = (time: number): string => new Date(time).toISOString();
  return {
    month: query.month,
    time_zone: query.time_zone,
    from: iso(start),
    to: iso(end),
    complete: clock.now() >= end + LATE_MS && reply.rows.every(({ open }) => open === 0),
    whole_days_before: reply.wholeDaysBefore === null ? null : iso(reply.wholeDaysBefore),
    truncated: reply.truncated,
    teams: teams.map((rows) => teamOf(rows, organizations, names, projects)).toSorted(dearestFirst),
  };
}

function teamOf(
  rows: readonly UsageSummaryRow[],
  organizations: ReadonlyMap<string, string>,
  names: ReadonlyMap<string, string>,
  projects: ReadonlyMap<string, string>,
): Team {
  const { organization = '', team = '' } = rows[0]?.dimensions ?? {};
  return {
    organization,
    organization_name: organizations.get(organization) ?? null,
    team,
    team_name: names.get(team) ?? null,
    ...figures(rows),
    lines: rows.map((row) => ({
      project: projects.get(row.dimensions.project ?? '') ?? row.dimensions.project ?? '',
      model: row.dimensions.model ?? '',
      ...figures([row]),
    })),
  };
}

function figures(rows: readonly UsageSummaryRow[]) {
  const sum = (name: 'requests' | 'inputTokens' | 'outputTokens' | 'estimated' | 'unconfirmed' | 'unpriced'): number =>
    rows.reduce((total, row) => total + row[name], 0);
  return {
    requests: sum('requests'),
    input_tokens: sum('inputTokens'),
    output_tokens: sum('outputTokens'),
    cost_usd: formatDollars(picodollars(rows.reduce((total, row) => total + BigInt(row.picodollars), 0n))),
    estimated: sum('estimated'),
    unconfirmed: sum('unconfirmed'),
    unpriced: sum('unpriced'),
  };
}

const dearestFirst = (a: Team, b: Team): number => Number(b.cost_usd) - Number(a.cost_usd) || b.requests - a.requests;
