import type { AdminClient } from './client.ts';
import { CliFailure } from './failure.ts';

/** People name things, the API takes ids where names are only unique in one place. */

export interface Place {
  readonly organization?: string;
  readonly team?: string;
}

interface Named {
  readonly id: string;
  readonly name: string;
}

/** The id of the one that has this id or name. Throws where there is none, or where several places have one. */
function idOf(what: string, asked: string, all: readonly Named[], list: string): string {
  const exact = all.find(({ id }) => id === asked);
  if (exact !== undefined) return exact.id;
  const [only, ...more] = all.filter(({ name }) => name === asked);
  if (only === undefined)
    throw new CliFailure({ code: 'resource_missing', message: `There is no ${what} ${asked}.`, remedy: `List them with: ${list}.` });
  if (more.length === 0) return only.id;
  throw new CliFailure({
    code: 'ambiguous',
    message: `${1 + more.length} of them are named ${asked}.`,
    remedy: `Name one by its id: ${[only, ...more].map(({ id }) => id).join(', ')}.`,
  });
}

export async function teamId(client: AdminClient, asked: string, organization: string | undefined): Promise<string> {
  const { teams } = await client.call('teams.list', { query: { organization: organization ?? 'default' } });
  return idOf('team', asked, teams, 'bulkhead team list');
}

export async function projectId(client: AdminClient, asked: string, place: Place): Promise<string> {
  const { projects } = await client.call('projects.list', { query: { ...place } });
  return idOf('project', asked, projects, 'bulkhead project list');
}

export async function serviceAccountId(client: AdminClient, asked: string, place: Place): Promise<string> {
  const { service_accounts } = await client.call('service-accounts.list', { query: { ...place } });
  return idOf('service account', asked, service_accounts, 'bulkhead service-account list');
}
