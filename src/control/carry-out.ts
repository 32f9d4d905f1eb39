import type { BulkheadConfig } from '../config/config.ts';
import type { Clock } from '../core/clock.ts';
import type { Logger } from '../telemetry/log.ts';
import { CONFIG, type Authority, type PermitFor } from './acts.ts';
import { bindingSteps, wantedBindings, type BindingStep } from './bindings.ts';
import { asleepIn, type Unserved } from './served.ts';
import type { Vaults } from './vaults.ts';

export interface BindDeps {
  readonly vaults: Vaults;
  readonly authority: Authority;
  readonly clock: Clock;
  readonly log: Logger;
  readonly sandboxOrigin: string | null;
}

/**
 * Brings the vault's bindings to what the configuration says. Each step is an act of its own in the log. Gives the
 * providers that cannot be served.
 */
export async function syncBindings(deps: BindDeps, config: BulkheadConfig): Promise<Unserved> {
  const present = (await deps.vaults.listAll()).flatMap(({ credentials }) => credentials);
  const wanted = wantedBindings(config, deps.sandboxOrigin);
  const leftOut = new Set([...wanted.values()].flatMap(({ left }) => left));
  for (const step of bindingSteps(wanted, present)) {
    const { binding } = step;
    if (step.kind === 'stale') {
      for (const provider of wanted.get(binding.id)?.providers ?? []) leftOut.add(provider);
      deps.log.error('credential.stale', { credential: binding.id, reason: 'it is bound to another address; add it again' });
      continue;
    }
    const facts = { step: step.kind, origin: binding.origin, auth: binding.auth.scheme, private: binding.allowPrivate };
    const permit = await deps.authority.permit(CONFIG, 'credential.bind', `credential/${binding.id}`, facts);
    await carryOutStep(deps, step.kind, binding, permit);
    deps.log.info('credential.bound', { credential: binding.id, op: step.kind });
  }
  return { leftOut, asleep: asleepIn(config, new Set(present.map(({ binding }) => binding.id))) };
}

async function carryOutStep(
  { vaults, clock }: BindDeps,
  kind: Exclude<BindingStep['kind'], 'stale'>,
  binding: BindingStep['binding'],
  _permit: PermitFor<'credential.bind'>,
): Promise<void> {
  switch (kind) {
    case 'put':
      await vaults.put(binding, null, clock.now());
      return;
    case 'rebind':
      await vaults.rebind(binding, clock.now());
      return;
    case 'remove':
      await vaults.remove(binding.id);
  }
}

/** Lets every shard take what shard 0 signs. */
export async function trustShardZero({ vaults, authority }: Pick<BindDeps, 'vaults' | 'authority'>): Promise<void> {
  if (vaults.shards === 1) return;
  const { verifyKey } = await vaults.info(0);
  for (let shard = 1; shard < vaults.shards; shard++) {
    await authority.permit({ kind: 'system', id: 'system:control' }, 'vault.trust', `vault/${shard}`, { verifyKey });
    await vaults.trust(shard, verifyKey);
  }
}
