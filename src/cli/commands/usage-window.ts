import { Option, type Command } from 'commander';
import { withCommon, type CommonOptions } from '../context.ts';

/** The time and the filters that every report of usage takes. */

export interface WindowOptions extends CommonOptions {
  readonly since: string;
  readonly until?: string;
  readonly key?: string;
  readonly team?: string;
  readonly organization?: string;
  readonly model?: string;
  readonly provider?: string;
  readonly limit?: string;
  readonly timeZone?: string;
  readonly tz?: string;
}

/** What `--time-zone` was called. */
export const formerZone = (): Option => new Option('--tz <name>').hideHelp();

export const withWindow = (command: Command): Command =>
  withCommon(command)
    .option('--since <time>', 'how far back (24h, 7d), or from when (2027-01-31)', '7d')
    .option('--until <time>', 'until when (default: now)')
    .option('--key <key>', 'only this key')
    .option('--team <team>', 'only this team')
    .option('--organization <organization>', 'only this organization')
    .option('--model <model>', 'only this model of a provider')
    .option('--provider <provider>', 'only this provider')
    .option('--time-zone <name>', 'whose days, weeks and months, such as Europe/Berlin (default: UTC)')
    .addOption(formerZone())
    .option('--limit <count>', 'most rows');

export const windowQuery = ({ since, until, key, team, organization, model, provider, limit, timeZone, tz }: WindowOptions) => ({
  since,
  until,
  key,
  team,
  organization,
  model,
  provider,
  limit,
  time_zone: timeZone ?? tz,
});
