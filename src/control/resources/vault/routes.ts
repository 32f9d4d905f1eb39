import type { ControlDeps } from '../../deps.ts';
import type { Handlers } from '../../http/router.ts';
import { credentialId } from '../credentials/service.ts';
import { shardState } from './service.ts';

/** What a client needs to seal a secret, and whether the vault is open. */
export const vaultRoutes = ({ vaults }: ControlDeps): Handlers<'vault.show'> => ({
  'vault.show': async ({ query: { credential } }) => {
    const shards =
      credential === undefined ? Array.from({ length: vaults.shards }, (_, shard) => shard) : [vaults.shardOf(credentialId(credential))];
    return { shards: await Promise.all(shards.map((shard) => shardState(vaults, shard))) };
  },
});
