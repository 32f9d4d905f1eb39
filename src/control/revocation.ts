import type { Confirmation } from '../api/keys.ts';
import type { KeyDigest } from '../core/ids.ts';
import type { JsonObject } from '../core/json.ts';
import type { Role } from '../core/process.ts';
import type { ProcessInfo, SupervisorCall } from '../ipc/supervision.ts';
import type { Logger } from '../telemetry/log.ts';
import type { Gateways } from './gateways.ts';
import type { Vaults } from './vaults.ts';
import { within } from '../core/within.ts';

export interface RevocationDeps {
  readonly vaults: Vaults;
  readonly gateways: Gateways;
  readonly log: Logger;
  readonly ask: (call: SupervisorCall) => Promise<JsonObject>;
  /** How long a process may take to confirm. */
  readonly confirmMs: number;
  /** How long a vault shard may take to come back after it was killed. */
  readonly restartMs: number;
}

/** What a vault shard is told of a key. Whoever still works by the row of before, a vault that knows refuses it. */
export type KeyMark = 'revoke' | 'block' | 'unblock';

/**
 * Tells everyone who could still use a key, and leaves nobody running who did not confirm: vault shards first, because they
 * remember it over a restart, then gateway workers, whose memory dies with them.
 */
export async function tellEverywhere(deps: RevocationDeps, mark: KeyMark, digest: KeyDigest): Promise<readonly Confirmation[]> {
  const shards = Array.from({ length: deps.vaults.shards }, (_, shard) => markInShard(deps, shard, mark, digest));
  const vaults = await Promise.all(shards);
  const workers = await tellWorkers(deps, digest, mark === 'revoke' ? 'key.revoked' : 'key.changed');
  return [...vaults, ...workers];
}

/** Tries again for shards that could not confirm, without killing one that may just be starting. True when all have it. */
export async function markInVaults(
  { vaults, confirmMs }: Pick<RevocationDeps, 'vaults' | 'confirmMs'>,
  mark: KeyMark,
  digest: KeyDigest,
): Promise<boolean> {
  const shards = Array.from({ length: vaults.shards }, (_, shard) => within(confirmMs, vaults.mark(shard, mark, digest)));
  return (await Promise.allSettled(shards)).every(({ status }) => status === 'fulfilled');
}

/** For changes that are no revoke: workers forget what they know of the key. */
export async function tellWorkers(
  deps: RevocationDeps,
  digest: KeyDigest,
  op: 'key.revoked' | 'key.changed',
): Promise<readonly Confirmation[]> {
  const answers = await deps.gateways.tell({ op, digest }, deps.confirmMs);
  const running = await runningWorkers(deps);
  const indexes = [...new Set([...answers.map(({ index }) => index), ...running])].sort((a, b) => a - b);
  return Promise.all(
    indexes.map(async (index): Promise<Confirmation> => {
      const own = answers.filter((answer) => answer.index === index);
      const confirmed = own.length > 0 && own.every((answer) => answer.confirmed);
      return { process: `gateway-${index}`, confirmed, action: confirmed ? 'none' : await kill(deps, 'gateway', index) };
    }),
  );
}

/** True when nobody is left who could still take the key. */
export const isComplete = (confirmations: readonly Confirmation[]): boolean =>
  confirmations.every(({ process, confirmed, action }) => confirmed || (process.startsWith('gateway-') && action === 'restarted'));

async function markInShard(deps: RevocationDeps, shard: number, mark: KeyMark, digest: KeyDigest): Promise<Confirmation> {
  const process = `vault-${shard}`;
  try {
    await within(deps.confirmMs, deps.vaults.mark(shard, mark, digest));
    return { process, confirmed: true, action: 'none' };
  } catch (error) {
    deps.log.warn('revoke.unconfirmed', { process, reason: error instanceof Error ? error.message : String(error) });
  }
  // A shard that still refuses harms nobody but the key's owner, and is told again.
  if (mark === 'unblock') return { process, confirmed: false, action: 'none' };
  const action = await kill(deps, 'vault', shard);
  const confirmed = await within(deps.restartMs, deps.vaults.mark(shard, mark, digest)).then(
    () => true,
    () => false,
  );
  return { process, confirmed, action };
}

/** Workers that serve clients, connected to us or not. A starting one has no key in its memory yet. */
async function runningWorkers(deps: RevocationDeps): Promise<readonly number[]> {
  const { processes } = (await deps.ask({ op: 'processes' })) as { readonly processes?: readonly ProcessInfo[] };
  return (processes ?? [])
    .filter(({ role, state }) => role === 'gateway' && (state === 'ready' || state === 'draining'))
    .map(({ index }) => index);
}

async function kill(deps: RevocationDeps, role: Role, index: number): Promise<Confirmation['action']> {
  deps.log.warn('process.killed', { process: `${role}-${index}`, reason: 'it did not confirm a revoke' });
  try {
    await deps.ask({ op: 'kill', role, index });
    return 'restarted';
  } catch (error) {
    deps.log.error('process.not_killed', { process: `${role}-${index}`, reason: error instanceof Error ? error.message : String(error) });
    return 'unknown';
  }
}
