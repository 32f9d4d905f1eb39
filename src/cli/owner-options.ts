import type { Command } from 'commander';
import type { BodyInputOf } from '../api/operations.ts';
import { usageError } from './failure.ts';

/** Who a limit or budget is about, as options of the command line. */

type OwnerInput = BodyInputOf<'limits.create'>['owner'];

export interface OwnerOptions {
  readonly organization?: string;
  readonly team?: string;
  readonly project?: string;
  readonly key?: string;
  readonly user?: string;
  readonly endUser?: string;
  readonly tag?: string;
  readonly model?: string;
  readonly everyone?: true;
}

export const withOwner = (command: Command): Command =>
  command
    .option('--organization <name>', 'the organization; beside another owner: where its name is looked for (default: default)')
    .option('--team <name>', 'a team')
    .option('--project <name>', 'a project')
    .option('--key <key>', 'a virtual key, by id or name')
    .option('--user <user>', 'a member, by e-mail address or id')
    .option('--end-user <text>', 'an end user, as clients name it')
    .option('--tag <text>', 'a tag, as clients send it')
    .option('--everyone', 'the whole node');

const KINDS = [
  ['team', 'team'],
  ['project', 'project'],
  ['key', 'key'],
  ['user', 'user'],
  ['endUser', 'end_user'],
  ['tag', 'tag'],
] as const;

/** The owner that the options name; undefined where they name none. Throws where they name several. */
function ownerIn(options: OwnerOptions): OwnerInput | undefined {
  const { organization, everyone } = options;
  const named = KINDS.flatMap(([option, kind]) => {
    const id = options[option];
    return id === undefined ? [] : [{ kind, id }];
  });
  const [only, another] = named;
  if (another !== undefined || (everyone === true && (only !== undefined || organization !== undefined)))
    throw usageError(
      'More than one owner is named.',
      'Give one of --team, --project, --key, --user, --end-user, --tag, --organization, --everyone.',
    );
  if (only !== undefined) return { ...only, ...(organization === undefined ? {} : { organization }) };
  if (everyone === true) return { kind: 'organization', id: '*' };
  return organization === undefined ? undefined : { kind: 'organization', id: organization };
}

/** For what needs an owner: a model alone means all of the node, for this model. */
export function ownerOf(options: OwnerOptions): OwnerInput {
  const owner = ownerIn(options);
  if (owner !== undefined) return owner;
  if (options.model !== undefined) return { kind: 'model' };
  throw usageError('No owner is named.', 'Give one, such as --team search, --key my-app, --organization default, or --everyone.');
}

/** As the query of a list. */
export function ownerQuery(options: OwnerOptions) {
  const owner = ownerIn(options);
  return owner === undefined ? {} : { owner_kind: owner.kind, owner: owner.id, organization: owner.organization };
}

interface OwnerShown {
  readonly kind: string;
  readonly id: string;
  readonly name: string;
}

/** `team search`; `everyone` for the whole node. */
export const ownerText = ({ kind, id, name }: OwnerShown): string =>
  kind === 'organization' && id === '*' ? 'everyone' : `${kind.replace('_', ' ')} ${name}`;
