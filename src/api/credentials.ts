import { z } from 'zod';
import { reference, whole } from './fields.ts';

/** Bytes that AES-256-GCM adds: a ciphertext of this size seals nothing. */
const TAG_BYTES = 16;
const MAX_SECRET_BYTES = 16_384;

const base64 = z.base64().min(4);
const decodedLength = (text: string): number => Buffer.from(text, 'base64').length;

/** RFC 9180, sealed to the vault by the CLI: control never sees the secret. */
const sealedSecret = z.strictObject({
  enc: base64.refine((text) => decodedLength(text) === 32, 'must be a raw X25519 public key'),
  ciphertext: base64.max((MAX_SECRET_BYTES * 4) / 3 + 64).refine((text) => decodedLength(text) > TAG_BYTES, 'the secret is empty'),
});

export const credentialPut = z.strictObject({
  sealed: sealedSecret,
  organization: reference.optional().describe('Only keys of this organization may use it. Default: all.'),
});

export const ceilings = z.strictObject({
  requests_per_hour: whole(1, 1_000_000_000).nullable().default(null).describe('Null: learned from use.'),
  concurrent: whole(1, 1_000_000).nullable().default(null),
  bytes_per_hour: whole(1, Number.MAX_SAFE_INTEGER).nullable().default(null),
});
export type CeilingsBody = z.output<typeof ceilings>;

export const credentialView = z.strictObject({
  id: z.string(),
  providers: z.array(z.string()).describe('Configured providers that use it.'),
  organization: z.string(),
  origin: z.string(),
  paths: z.array(z.string()),
  auth: z.string(),
  private: z.boolean(),
  proxy: z.string().nullable(),
  extra_ca: z.boolean(),
  ceilings,
  shard: z.number(),
  version: z.number(),
  fingerprint: z.string().describe('First digits of a keyed digest of the secret; empty without a secret.'),
  created_at: z.string(),
  last_used_at: z.string().nullable(),
  uses: z.number(),
});
export type CredentialView = z.output<typeof credentialView>;

export const credentialList = z.strictObject({
  credentials: z.array(credentialView),
  missing: z
    .array(z.strictObject({ id: z.string(), providers: z.array(z.string()) }))
    .describe('Named by a provider, not in the vault yet.'),
  refused: z.array(z.strictObject({ id: z.string(), reason: z.string() })).describe('Records that the vault could not open.'),
});

export const credentialTried = z.strictObject({
  id: z.string(),
  works: z.boolean(),
  status: z.number().nullable().describe('The provider’s HTTP status; null: no answer.'),
  words: z.string(),
});
export type CredentialTried = z.output<typeof credentialTried>;
