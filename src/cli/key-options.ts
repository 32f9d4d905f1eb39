import type { Command } from 'commander';
import { count, seconds } from './duration.ts';
import { usageError } from './failure.ts';
import { listOf } from './place-options.ts';

/** What a key may do, as options of `key create` and `key update`. */

export interface KeyOptions {
  readonly models?: string;
  readonly expires?: string;
  readonly maxParallel?: string;
  readonly endpoints?: string;
  readonly addresses?: string;
  readonly metadata?: readonly string[];
}

export const withKeyOptions = (command: Command): Command =>
  command
    .option('--models <list>', 'models it may use, comma-separated, such as fast,openai/*,@group')
    .option('--expires <time>', 'after this time, such as 30d, or at an RFC 3339 instant')
    .option('--max-parallel <count>', 'requests in flight over all workers')
    .option('--endpoints <list>', 'endpoints it may call, comma-separated, such as chat-completions,embeddings')
    .option('--addresses <list>', 'addresses and CIDR blocks it may be used from, comma-separated')
    .option('--metadata <name=text...>', 'words of your own');

export function keyBody({ models, maxParallel, endpoints, addresses, metadata }: KeyOptions) {
  return {
    ...(models === undefined ? {} : { models: listOf(models) }),
    ...(maxParallel === undefined ? {} : { max_parallel: count(maxParallel, '--max-parallel') }),
    ...(endpoints === undefined ? {} : { endpoints: listOf(endpoints) }),
    ...(addresses === undefined ? {} : { addresses: listOf(addresses) }),
    ...(metadata === undefined ? {} : { metadata: Object.fromEntries(metadata.map(pair)) }),
  };
}

function pair(text: string): readonly [string, string] {
  const at = text.indexOf('=');
  if (at > 0) return [text.slice(0, at), text.slice(at + 1)];
  throw usageError('--metadata takes pairs.', 'Write it like --metadata owner=search stage=test.');
}

export const expiry = (text: string): { readonly expires_at: string } | { readonly expires_in_seconds: number } =>
  text.includes('T') ? { expires_at: text } : { expires_in_seconds: seconds(text, '--expires') };

/** What `key update --clear` takes off, by its option. */
const CLEARABLE = {
  models: 'models',
  expires: 'expires_at',
  'max-parallel': 'max_parallel',
  endpoints: 'endpoints',
  addresses: 'addresses',
  metadata: 'metadata',
} as const;
type Cleared = Partial<Record<(typeof CLEARABLE)[keyof typeof CLEARABLE], null>>;

export const CLEARABLE_NAMES = Object.keys(CLEARABLE).join(', ');

export function clearedBody(list: string | undefined): Cleared {
  const cleared: Cleared = {};
  for (const name of listOf(list ?? '')) {
    if (!Object.hasOwn(CLEARABLE, name)) throw usageError(`--clear does not know ${name}.`, `Use some of ${CLEARABLE_NAMES}.`);
    cleared[CLEARABLE[name as keyof typeof CLEARABLE]] = null;
  }
  return cleared;
}
