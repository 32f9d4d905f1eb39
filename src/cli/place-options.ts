import type { Command } from 'commander';
import { usageError } from './failure.ts';

/** Options that several commands about organizations and teams take. */

export interface ModelOptions {
  readonly models?: string;
  readonly allModels?: true;
}

export const withPlace = (command: Command): Command =>
  command.option('--organization <name>', 'organization, by id or name').option('--team <name>', 'team, by id or name');

export const withModels = (command: Command): Command =>
  command
    .option('--models <list>', 'models it may use, comma-separated, such as fast,openai/*,@group')
    .option('--all-models', 'no restriction of its own');

export const listOf = (text: string): string[] =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');

/** Absent: as it is. Null: no restriction of its own. */
export function modelsIn({ models, allModels }: ModelOptions): { readonly models?: string[] | null } {
  if (models !== undefined && allModels === true) throw usageError('It cannot be both.', 'Give --models or --all-models.');
  return models !== undefined ? { models: listOf(models) } : allModels === true ? { models: null } : {};
}

export const modelsText = (models: readonly string[] | null): string => models?.join(', ') ?? 'all';

/** What a change of something that keys lie below did to them. */
export function changedText(
  name: string,
  { cut, keys_changed }: { readonly cut: readonly string[]; readonly keys_changed: number },
): string {
  const below = cut.length === 0 ? '' : `Cut down with it: ${cut.join(', ')}.\n`;
  const keys = keys_changed === 0 ? '' : `${keys_changed} keys were written anew.\n`;
  return `${name} is changed.\n${below}${keys}`;
}

export const removedText = (what: string, { keys_revoked }: { readonly keys_revoked: number }): string =>
  `${what} is removed${keys_revoked === 0 ? '' : `, and ${keys_revoked} keys were revoked`}.\n`;
