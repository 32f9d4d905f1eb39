import { beyond, expand, groupsIn, isWithin, meet, type AccessGroups, type ModelSet } from '../access/model-set.ts';
import { BulkheadError } from '../core/errors.ts';
import type { Database } from './database.ts';

/** Where a key lies. */
export interface KeyPlace {
  readonly organization: string;
  readonly team: string;
  readonly project: string | null;
}

export type Level = 'organizations' | 'teams' | 'projects';

export const modelsOf = (json: string | null): ModelSet => (json === null ? undefined : (JSON.parse(json) as string[]));
export const modelsJson = (models: ModelSet | null): string | null =>
  models === undefined || models === null ? null : JSON.stringify(models);

/**
 * What organizations, teams and projects allow below them, as the database has it when it is first asked: one is made for one piece of
 * work, however many keys that touches.
 */
export class ModelScopes {
  readonly #db: Database;
  readonly #allowed = new Map<string, Promise<ModelSet>>();
  #groups: Promise<AccessGroups> | undefined;

  /** `instead`: what one of them is to allow from now on, where that is not written yet. */
  constructor(db: Database, instead?: { readonly level: Level; readonly id: string; readonly models: ModelSet }) {
    this.#db = db;
    if (instead !== undefined) this.#allowed.set(`${instead.level} ${instead.id}`, Promise.resolve(instead.models));
  }

  groups(): Promise<AccessGroups> {
    return (this.#groups ??= this.#readGroups());
  }

  async ofOrganization(organization: string): Promise<ModelSet> {
    return expand(await this.#own('organizations', organization), await this.groups());
  }

  async ofTeam(organization: string, team: string): Promise<ModelSet> {
    return meet(await this.ofOrganization(organization), await this.#own('teams', team), await this.groups());
  }

  /** What a key at this place may use at most. */
  async of({ organization, team, project }: KeyPlace): Promise<ModelSet> {
    const ofTeam = await this.ofTeam(organization, team);
    return project === null ? ofTeam : meet(ofTeam, await this.#own('projects', project), await this.groups());
  }

  /** What a key may use: its own wish as far as its place allows it. */
  async ofKey(key: KeyPlace & { readonly models: string | null }): Promise<ModelSet> {
    return meet(await this.of(key), modelsOf(key.models), await this.groups());
  }

  /** Whether what is wished for at a place is no more than the place has. */
  async fits(models: ModelSet, place: KeyPlace): Promise<boolean> {
    return isWithin(models, await this.of(place), await this.groups());
  }

  #own(level: Level, id: string): Promise<ModelSet> {
    const known = this.#allowed.get(`${level} ${id}`);
    if (known !== undefined) return known;
    const read = this.#db
      .selectFrom(level)
      .selectAll()
      .where('id', '=', id)
      .executeTakeFirst()
      // A parent that is not there, or no more, allows nothing.
      .then((row) => (row === undefined || row.removed_at !== null ? [] : modelsOf(row.models)));
    this.#allowed.set(`${level} ${id}`, read);
    return read;
  }

  async #readGroups(): Promise<AccessGroups> {
    const rows = await this.#db.selectFrom('access_groups').selectAll().execute();
    return new Map(rows.map(({ name, models }) => [name, JSON.parse(models) as string[]]));
  }
}

/** Throws exceeds_parent where `models` asks for more than its parent has, or resource_missing for an access group that is not there. */
export async function refuseBeyond(scopes: ModelScopes, models: ModelSet, parent: ModelSet, parentName: string): Promise<void> {
  const groups = await scopes.groups();
  for (const name of groupsIn(models)) {
    if (!groups.has(name)) throw new BulkheadError('resource_missing', { resource: 'access group', id: name });
  }
  if (models === undefined) return;
  const more = beyond(models, parent, groups);
  if (more.length > 0)
    throw new BulkheadError('exceeds_parent', { field: 'models', parent: parentName, beyond: more.slice(0, 10).join(', ') });
}

/** Notes who names which access group, so that a change of one finds them. */
export async function noteGroups(
  db: Database,
  kind: 'organization' | 'team' | 'project' | 'key',
  id: string,
  models: ModelSet,
  before: ModelSet,
): Promise<void> {
  if (groupsIn(before).length > 0) await db.deleteFrom('group_uses').where('kind', '=', kind).where('id', '=', id).execute();
  const rows = groupsIn(models).map((access_group) => ({ access_group, kind, id }));
  if (rows.length > 0) await db.insertInto('group_uses').values(rows).execute();
}
