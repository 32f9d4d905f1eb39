import crypto from 'node:crypto';
import { promisify } from 'node:util';
import zlib from 'node:zlib';
import type { Principal } from '../access/principal.ts';
import type { Clock } from '../core/clock.ts';
import { BulkheadError } from '../core/errors.ts';
import type { OrganizationId } from '../core/ids.ts';
import { isJsonObject, type Json, type JsonObject } from '../core/json.ts';
import type { Link } from '../ipc/link.ts';
import type { ResponseCall, ResponseFacts, ResponseReply } from '../ipc/messages/ledger.ts';
import type { TenantKeyCall } from '../ipc/messages/vault.ts';
import { proofOf } from './proof.ts';

/**
 * Responses that clients may come back to. The ledger keeps them and cannot read them: what they say is sealed here under a key of the client's
 * organization, which the vault derives against the proof of a key and which this process holds only for organizations whose keys pass through it.
 */
export interface StoredContent {
  /** All items that went in, those of the responses before it included. */
  readonly input: readonly Json[];
  readonly output: readonly Json[];
  /** As the client got it. */
  readonly response: JsonObject;
}

/** `provider`: its provider keeps it, and only the id is ours to guard. */
export type StoredResponse = { readonly provider: string } | { readonly content: StoredContent };

export interface Caller {
  readonly principal: Principal;
  /** The key as the client presented it. */
  readonly presented: string;
}

const ID = /^[A-Za-z0-9_-]{1,256}$/;
const MAX_KEYS = 1_000;
const VERSION = 1;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const MAX_OPENED_BYTES = 128 * 1024 * 1024;

const compress = promisify<zlib.InputType, Buffer>(zlib.deflateRaw);
const expand = promisify<zlib.InputType, zlib.ZlibOptions, Buffer>(zlib.inflateRaw);

export class ResponseState {
  readonly #ledger: Link;
  readonly #vault: Link;
  readonly #clock: Clock;
  readonly #keys = new Map<OrganizationId, Promise<Buffer>>();

  /** `vault`: that of shard 0, which alone derives keys of tenants. */
  constructor(links: { readonly ledger: Link; readonly vault: Link; readonly clock: Clock }) {
    this.#ledger = links.ledger;
    this.#vault = links.vault;
    this.#clock = links.clock;
  }

  /** Notes who keeps the response. */
  putElsewhere(caller: Caller, id: string, provider: string, keepMs: number): Promise<boolean> {
    return this.#put(caller, id, { provider }, Buffer.alloc(0), keepMs);
  }

  /** Keeps the response itself. */
  async put(caller: Caller, id: string, content: StoredContent, keepMs: number): Promise<boolean> {
    const plain = await compress(Buffer.from(JSON.stringify(content)));
    return this.#put(caller, id, { provider: null }, seal(await this.#key(caller), associated(caller, id), plain), keepMs);
  }

  /** Undefined: this tenant has no such response. Rejects when it cannot be known. */
  async get(caller: Caller, id: string): Promise<StoredResponse | undefined> {
    // Ids become part of a provider's path: what could be another path is no id.
    if (!ID.test(id)) return undefined;
    const { head, body } = await this.#ask({ op: 'response.get', ...named(caller, id) });
    const { facts } = head as unknown as ResponseReply;
    if (facts === null) return undefined;
    if (facts.provider !== null) return { provider: facts.provider };
    const plain = await expand(unseal(await this.#key(caller), associated(caller, id), body), { maxOutputLength: MAX_OPENED_BYTES });
    return { content: JSON.parse(plain.toString('utf8')) as StoredContent };
  }

  /** False: there was none. */
  async remove(caller: Caller, id: string): Promise<boolean> {
    const { head } = await this.#ask({ op: 'response.remove', ...named(caller, id) });
    return head['removed'] === true;
  }

  async #put(caller: Caller, id: string, facts: ResponseFacts, sealed: Buffer, keepMs: number): Promise<boolean> {
    const { head } = await this.#ask({ op: 'response.put', ...named(caller, id), facts, expiresAt: this.#clock.now() + keepMs }, sealed);
    return head['stored'] === true;
  }

  #ask(call: ResponseCall, body?: Buffer): Promise<{ head: JsonObject; body: Buffer }> {
    return this.#ledger.unary(call as unknown as JsonObject, body);
  }

  #key(caller: Caller): Promise<Buffer> {
    const { organization } = caller.principal.key;
    let key = this.#keys.get(organization);
    if (key === undefined) {
      key = this.#derive(caller);
      key.catch(() => this.#keys.delete(organization));
      const oldest = this.#keys.size >= MAX_KEYS ? this.#keys.keys().next().value : undefined;
      if (oldest !== undefined) this.#keys.delete(oldest);
      this.#keys.set(organization, key);
    }
    return key;
  }

  async #derive({ principal, presented }: Caller): Promise<Buffer> {
    const call: TenantKeyCall = { op: 'tenant.key', proof: proofOf(principal, presented), purpose: 'responses' };
    const { body } = await this.#vault.unary(call as unknown as JsonObject);
    if (body.length !== 32) throw new BulkheadError('internal', {}, { cause: new Error('a tenant key has 32 bytes') });
    // The frame that brought it is shared memory.
    return Buffer.from(body);
  }
}

const named = ({ principal: { key } }: Caller, id: string) => ({ id, organization: key.organization, team: key.team });

/** What a sealed response is bound to: nobody can put it under another id or owner. */
const associated = ({ principal: { key } }: Caller, id: string): Buffer => Buffer.from(JSON.stringify([id, key.organization, key.team]));

/** version, nonce, AES-256-GCM ciphertext, tag. */
function seal(key: Buffer, aad: Buffer, plain: Buffer): Buffer {
  const nonce = crypto.randomBytes(NONCE_BYTES);
  const cipher = crypto.createCipheriv('aes-256-gcm', key, nonce).setAAD(aad);
  return Buffer.concat([Buffer.of(VERSION), nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

/** Throws for anything that was not sealed under this key for this owner. */
function unseal(key: Buffer, aad: Buffer, sealed: Buffer): Buffer {
  if (sealed.length < 1 + NONCE_BYTES + TAG_BYTES || sealed[0] !== VERSION) throw new Error('a stored response has no known form');
  const nonce = sealed.subarray(1, 1 + NONCE_BYTES);
  const decipher = crypto.createDecipheriv('aes-256-gcm', key, nonce).setAAD(aad).setAuthTag(sealed.subarray(-TAG_BYTES));
  return Buffer.concat([decipher.update(sealed.subarray(1 + NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
}

/** The items of an answer. */
export const outputOf = (response: JsonObject): readonly Json[] =>
  Array.isArray(response['output']) ? (response['output'] as readonly Json[]) : [];

/** The id under which a client knows an answer; undefined: it has none that could be kept. */
export const idOf = (response: Json | undefined): string | undefined => {
  const id = isJsonObject(response) ? response['id'] : undefined;
  return typeof id === 'string' && ID.test(id) ? id : undefined;
};
