import { BulkheadError } from '../../../core/errors.ts';
import type { Vaults } from '../../vaults.ts';
import { within } from '../../../core/within.ts';

const ANSWER_MS = 3000;

export interface ShardState {
  readonly shard: number;
  readonly reachable: boolean;
  readonly state: 'unsealed' | 'sealed' | 'unknown';
  readonly sealing_key: string;
  readonly verify_key: string;
  readonly credentials: number;
  readonly revoked: number;
}

/** How a shard is, also when it does not answer. */
export async function shardState(vaults: Vaults, shard: number): Promise<ShardState> {
  try {
    const { state, sealingKey, verifyKey, credentials, revoked } = await within(ANSWER_MS, vaults.info(shard));
    return { shard, reachable: true, state, sealing_key: sealingKey, verify_key: verifyKey, credentials, revoked };
  } catch (error) {
    const state = error instanceof BulkheadError && error.code === 'vault_sealed' ? 'sealed' : 'unknown';
    return { shard, reachable: false, state, sealing_key: '', verify_key: '', credentials: 0, revoked: 0 };
  }
}
