import { randomFillSync } from 'node:crypto';

declare const brand: unique symbol;
type Branded<Name extends string> = string & { readonly [brand]: Name };

export type RequestId = Branded<'RequestId'>;
export type KeyId = Branded<'KeyId'>;
export type OrganizationId = Branded<'OrganizationId'>;
export type TeamId = Branded<'TeamId'>;
/** Chosen by the operator: `openai`, `anthropic-eu`. Lower-case letters, digits, `-`, `_`, `.`; at most 64. */
export type CredentialId = Branded<'CredentialId'>;
/** Name of a provider in the policy snapshot, same alphabet as a credential id. */
export type ProviderId = Branded<'ProviderId'>;
/** SHA-256 of a whole virtual key, 64 lower-case hexadecimal digits. */
export type KeyDigest = Branded<'KeyDigest'>;

const CROCKFORD = Buffer.from('0123456789ABCDEFGHJKMNPQRSTVWXYZ');
/** Adding up a text letter by letter would leave a chain of twenty objects. */
const idBytes = Buffer.alloc(26);
const NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/;

const pool = Buffer.allocUnsafeSlow(4096);
let used = pool.length;

function randomBytesFromPool(count: number): Buffer {
  if (used + count > pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  const slice = pool.subarray(used, used + count);
  used += count;
  return slice;
}

/** 26 characters: 48 bits of time, 80 random bits, sortable by creation (the ULID layout). */
function sortableId(now: number): string {
  for (let time = now, at = 9; at >= 0; at--) {
    idBytes[at] = CROCKFORD[time % 32] as number;
    time = Math.floor(time / 32);
  }
  const random = randomBytesFromPool(16);
  for (let i = 0; i < 16; i++) idBytes[10 + i] = CROCKFORD[(random[i] as number) & 31] as number;
  return idBytes.toString('latin1');
}

export const newRequestId = (now: number): RequestId => `req_${sortableId(now)}` as RequestId;
export const newKeyId = (now: number): KeyId => `key_${sortableId(now)}` as KeyId;
export const newOrganizationId = (now: number): OrganizationId => `org_${sortableId(now)}` as OrganizationId;
export const newTeamId = (now: number): TeamId => `team_${sortableId(now)}` as TeamId;

/** `proj_…`, `usr_…`, `mem_…`, `tok_…`, `svc_…`, `grp_…`. */
export const newRowId = (kind: 'proj' | 'usr' | 'mem' | 'tok' | 'svc' | 'grp', now: number): string => `${kind}_${sortableId(now)}`;

/** `lim_…`, `bud_…`, `raise_…`, `ask_…`, `share_…`. */
export const newRuleId = (kind: 'lim' | 'bud' | 'raise' | 'ask' | 'share', now: number): string => `${kind}_${sortableId(now)}`;

/** True for a name an operator may give to a provider, credential, organization or team. */
export const isName = (text: string): boolean => NAME.test(text);
