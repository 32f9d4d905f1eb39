import type { SignedText } from '../access/principal.ts';
import type { BulkheadConfig } from '../config/config.ts';
import type { Clock } from '../core/clock.ts';
import { readMeta, writeMeta, type Database } from './database.ts';
import type { Gateways } from './gateways.ts';
import type { Unserved } from './served.ts';
import { buildSnapshot } from './snapshot.ts';
import type { Vaults } from './vaults.ts';

const VERSION = 'policy.version';
/** A worker that takes longer asks again by itself when it connects. */
const PUSH_MS = 5000;

export interface PolicyDeps {
  readonly db: Database;
  readonly vaults: Vaults;
  readonly clock: Clock;
  readonly sandboxOrigin: string | null;
}

/** The policy that gateways serve by: made whole, signed by the vault, numbered for ever upwards, pushed to each worker. */
export class PolicyPublisher {
  readonly #deps: PolicyDeps;
  #signed: SignedText | undefined;
  #version = 0;

  constructor(deps: PolicyDeps) {
    this.#deps = deps;
  }

  get current(): SignedText | undefined {
    return this.#signed;
  }

  get version(): number {
    return this.#version;
  }

  /** Rejects with vault_unavailable or vault_sealed; then the one before stays. The number is spent all the same. */
  async publish(config: BulkheadConfig, { leftOut, asleep }: Unserved, gateways: Gateways): Promise<void> {
    const { db, vaults, clock, sandboxOrigin } = this.#deps;
    const version = Number((await readMeta(db, VERSION)) ?? 0) + 1;
    await writeMeta(db, VERSION, String(version));
    const shardOf = (credential: Parameters<Vaults['shardOf']>[0]): number => vaults.shardOf(credential);
    const snapshot = buildSnapshot({
      config,
      sandboxOrigin,
      version,
      madeAt: clock.now(),
      unserved: new Set([...leftOut, ...asleep]),
      shardOf,
    });
    this.#signed = await vaults.sign('snapshot', JSON.stringify(snapshot));
    this.#version = version;
    await gateways.tell({ op: 'policy.apply', snapshot: this.#signed }, PUSH_MS);
  }
}
