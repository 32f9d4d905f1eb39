import { sql } from 'kysely';
import { isWithin, meet, type ModelSet } from '../../../access/model-set.ts';
import { BulkheadError } from '../../../core/errors.ts';
import type { Database } from '../../database.ts';
import { modelsJson, ModelScopes, modelsOf, noteGroups, type KeyPlace, type Level } from '../../model-scope.ts';
import { reseal, writeResealed, type Resealed } from '../../sealed-tables.ts';
import type { SealDeps } from './service.ts';

/** What a parent with other models leaves of what lies below it. */

/** Children that are named in a refusal or an answer; the rest is counted. */
const NAMED = 20;
const PAGE = 500;

export interface Parent {
  readonly level: Level;
  readonly id: string;
  readonly name: string;
  /** What it is to allow from now on. */
  readonly models: ModelSet;
}

interface Child {
  readonly level: Level;
  readonly id: string;
  readonly before: ModelSet;
  readonly left: ModelSet;
}

export interface Shrinkage {
  /** `team search`, `key my-app`: the first of those that no longer fit. */
  readonly names: readonly string[];
  /** Teams and projects with what is left of their models; keys are cut by the work that follows. */
  readonly children: readonly Child[];
}

/** Throws children_exceed, naming them, where something below would be allowed more than its parent and is not to be cut. */
export async function shrink(db: Database, parent: Parent, cut: boolean): Promise<Shrinkage> {
  const scopes = new ModelScopes(db, parent);
  const names: string[] = [];
  const children: Child[] = [];
  for (const row of await restrictedBelow(db, parent)) {
    const allowed = row.level === 'teams' ? await scopes.ofOrganization(row.organization) : await scopes.ofTeam(row.organization, row.team);
    const groups = await scopes.groups();
    const before = modelsOf(row.models);
    if (isWithin(before, allowed, groups)) continue;
    names.push(`${row.level === 'teams' ? 'team' : 'project'} ${row.name}`);
    children.push({ level: row.level, id: row.id, before, left: meet(before, allowed, groups) });
  }
  for await (const key of restrictedKeys(db, parent)) {
    if (!(await scopes.fits(modelsOf(key.models), key))) names.push(`key ${key.name} (${key.id})`);
  }
  if (names.length > 0 && !cut) {
    const children = `${names.slice(0, NAMED).join(', ')}${names.length > NAMED ? ' …' : ''}`;
    throw new BulkheadError('children_exceed', { count: names.length, parent: parent.name, children });
  }
  return { names: names.slice(0, NAMED), children };
}

interface CutChild extends Child {
  readonly row: Resealed;
}

/** Signed, and not written yet. */
export const resealCut = async ({ db, seals }: SealDeps, child: Child): Promise<CutChild> => ({
  ...child,
  row: await reseal(db, seals, child.level, child.id, { models: modelsJson(child.left) }),
});

/** To be called in the transaction that writes the parent. */
export async function writeCut(db: Database, { level, id, before, left, row }: CutChild): Promise<void> {
  await writeResealed(db, row);
  await noteGroups(db, level === 'teams' ? 'team' : 'project', id, left, before);
}

interface Row {
  readonly level: 'teams' | 'projects';
  readonly id: string;
  readonly name: string;
  readonly organization: string;
  readonly team: string;
  readonly models: string | null;
}

/** Teams and projects with models of their own; without, they have what is left of their parent's by themselves. */
async function restrictedBelow(db: Database, { level, id }: Parent): Promise<readonly Row[]> {
  if (level === 'projects') return [];
  const live = db.selectFrom('projects').selectAll().where('models', 'is not', null).where('removed_at', 'is', null);
  const projects = await live.where(level === 'teams' ? 'team' : 'organization', '=', id).execute();
  const teams =
    level === 'teams'
      ? []
      : await db
          .selectFrom('teams')
          .selectAll()
          .where('organization', '=', id)
          .where('models', 'is not', null)
          .where('removed_at', 'is', null)
          .execute();
  return [
    ...teams.map((team): Row => ({ level: 'teams', ...team, team: team.id })),
    ...projects.map((project): Row => ({ level: 'projects', ...project })),
  ];
}

type RestrictedKey = KeyPlace & { readonly id: string; readonly name: string; readonly models: string | null };

/** In pages, off the index of just those keys. */
async function* restrictedKeys(db: Database, { level, id }: Parent): AsyncGenerator<RestrictedKey> {
  const column = level === 'organizations' ? 'organization' : level === 'teams' ? 'team' : 'project';
  for (let after = ''; ;) {
    const page = await db
      .selectFrom('keys')
      .select(['id', 'name', 'organization', 'team', 'project', 'models'])
      .where(column, '=', id)
      .where('models', 'is not', null)
      .where('state', '=', sql.lit('active'))
      .where('id', '>', after)
      .orderBy('id')
      .limit(PAGE)
      .execute();
    yield* page;
    if (page.length < PAGE) return;
    after = page.at(-1)?.id ?? '';
  }
}
