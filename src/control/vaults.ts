import type { SignedText } from '../access/principal.ts';
import { BulkheadError } from '../core/errors.ts';
import type { CredentialId, KeyDigest } from '../core/ids.ts';
import type { JsonObject } from '../core/json.ts';
import type {
  CredentialBinding,
  CredentialInfo,
  SealedSecret,
  IssuerPlace,
  SignedKind,
  VaultAdminCall,
  VaultInfo,
} from '../ipc/messages/vault.ts';
import { isConnectionLost } from '../ipc/peer.ts';
import type { Link } from '../ipc/link.ts';
import { shardOf } from './shard.ts';

/** Shard 0 signs rows and snapshots for all. */
const SIGNER = 0;

export interface ShardList {
  readonly shard: number;
  readonly credentials: readonly CredentialInfo[];
  /** Records that do not open. */
  readonly refused: readonly { readonly id: string; readonly reason: string }[];
}

export type TryCall = Omit<Extract<VaultAdminCall, { op: 'credential.try' }>, 'op' | 'id'>;

/** The vault as the control plane sees it: all shards, each credential at its own. */
export class Vaults {
  readonly #links: readonly Link[];

  constructor(links: readonly Link[]) {
    this.#links = links;
  }

  get shards(): number {
    return this.#links.length;
  }

  shardOf(credential: CredentialId): number {
    return shardOf(credential, this.#links.length);
  }

  sign(kind: SignedKind, text: string): Promise<SignedText> {
    return this.#ask<SignedText>(SIGNER, { op: 'sign', kind, text });
  }

  /** The issuer's keys, fetched and signed by the vault. */
  fetchIssuer(place: IssuerPlace): Promise<SignedText> {
    return this.#ask<SignedText>(SIGNER, { op: 'issuer.fetch', ...place });
  }

  info(shard: number): Promise<VaultInfo> {
    return this.#ask<VaultInfo>(shard, { op: 'info' });
  }

  /** Lets another shard take what shard 0 signed. */
  trust(shard: number, verifyKey: string): Promise<unknown> {
    return this.#ask(shard, { op: 'trust', verifyKey });
  }

  /** Resolves when the shard has it on disk. */
  mark(shard: number, op: 'revoke' | 'block' | 'unblock', digest: KeyDigest): Promise<unknown> {
    return this.#ask(shard, { op, digest });
  }

  put(binding: CredentialBinding, sealed: SealedSecret | null, at: number): Promise<CredentialInfo> {
    return this.#ask<CredentialInfo>(this.shardOf(binding.id), { op: 'credential.put', binding, sealed, at });
  }

  rebind(binding: CredentialBinding, at: number): Promise<CredentialInfo> {
    return this.#ask<CredentialInfo>(this.shardOf(binding.id), { op: 'credential.rebind', binding, at });
  }

  remove(id: CredentialId): Promise<unknown> {
    return this.#ask(this.shardOf(id), { op: 'credential.remove', id });
  }

  try(id: CredentialId, call: TryCall): Promise<{ readonly status: number }> {
    return this.#ask(this.shardOf(id), { op: 'credential.try', id, ...call });
  }

  async list(shard: number): Promise<ShardList> {
    const { credentials, refused } = await this.#ask<Partial<ShardList>>(shard, { op: 'credential.list' });
    return { shard, credentials: credentials ?? [], refused: refused ?? [] };
  }

  listAll(): Promise<readonly ShardList[]> {
    return Promise.all(this.#links.map((_, shard) => this.list(shard)));
  }

  /** Undefined: there is no such credential. */
  async find(id: CredentialId): Promise<CredentialInfo | undefined> {
    return (await this.list(this.shardOf(id))).credentials.find(({ binding }) => binding.id === id);
  }

  async metrics(shard: number): Promise<JsonObject> {
    return (await this.#ask<{ metrics?: JsonObject }>(shard, { op: 'metrics' })).metrics ?? {};
  }

  stop(): void {
    for (const link of this.#links) link.stop();
  }

  /** A reply comes from the process on the other end of our own socket, which the kernel lets nobody else take. */
  async #ask<Reply>(shard: number, call: VaultAdminCall): Promise<Reply> {
    const link = this.#links[shard];
    if (link === undefined) throw new BulkheadError('vault_unavailable');
    try {
      return (await link.unary(call as unknown as JsonObject)).head as Reply;
    } catch (error) {
      throw isConnectionLost(error) ? new BulkheadError('vault_unavailable', {}, { cause: error }) : error;
    }
  }
}
