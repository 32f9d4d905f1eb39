import { hash } from 'node:crypto';
import type { CredentialId } from '../core/ids.ts';

/** The vault shard that holds a credential: SHA-256 of its id, so that it is the same for ever and on every machine. */
export const shardOf = (credential: CredentialId, shards: number): number =>
  Number.parseInt(hash('sha256', `bulkhead/shard/v1\n${credential}`, 'hex').slice(0, 8), 16) % shards;
