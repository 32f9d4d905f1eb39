import { createHmac, createPrivateKey, generateKeyPairSync, hkdfSync, randomBytes, type KeyObject } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { BulkheadError } from '../core/error.ts';
import { publicKeyFromRaw, rawPublicKey } from '../core/signing.ts';
import type { CredentialBinding, CredentialInfo } from '../ipc/messages/vault.ts';
import { checkSecret } from './auth/schemes.ts';
import { associatedData, checkBinding, openCredential, type Credential } from './credential.ts';
import { writeAtomically } from '../core/durable-file.ts';
import { keyCheck, open, seal } from '../core/xaes.ts';

interface StoreFile {
  readonly v: 1;
  /** Tells the right root key from a wrong one. */
  readonly check: string;
  /** Sealed `Head`: this vault's private keys, whom it trusts, and which version of which credential is current. */
  readonly head: string;
  /** Per organization: its data key, sealed under the root key. */
  readonly keys: Record<string, { readonly generation: number; readonly wrapped: string; readonly check: string }>;
  readonly credentials: Record<string, Pick<CredentialInfo, 'binding' | 'version' | 'createdAt'> & { readonly secret: string }>;
}

type Head = Readonly<ReturnType<typeof newHead>>;

const HEAD = 'bh1|vault|head';
const base64 = (bytes: Buffer): string => bytes.toString('base64');
const bytesOf = (text: string): Buffer => Buffer.from(text, 'base64');
const DER = { format: 'der', type: 'pkcs8' } as const;
const privateKey = (text: string): KeyObject => createPrivateKey({ key: bytesOf(text), ...DER });

/**
 * The sealed store: root key → data key per organization → record, each XAES-256-GCM. An edit of any authenticated field, a
 * swap of records and the return of an old one make that credential unusable; the others work on.
 */
export class Store {
  readonly #file: string;
  readonly #root: KeyObject;
  #content: StoreFile;
  #head: Head;
  readonly signing: KeyObject;
  readonly sealing: KeyObject;
  /** Verifies rows, snapshots and grants: shard 0's key. */
  trusted: KeyObject;
  readonly credentials = new Map<string, Credential>();
  /** Records that do not open, and why. */
  readonly refused = new Map<string, string>();

  /** Throws in words when the root key is wrong or the store's head was edited. */
  constructor(folder: string, root: KeyObject) {
    this.#file = path.join(folder, 'store.json');
    this.#root = root;
    const isNew = !fs.existsSync(this.#file);
    this.#content = isNew
      ? { v: 1, check: keyCheck(root), head: '', keys: {}, credentials: {} }
      : (JSON.parse(fs.readFileSync(this.#file, 'utf8')) as StoreFile);
    if (this.#content.check !== keyCheck(root)) throw new Error('the root key is not the one this store was sealed with');
    this.#head = isNew ? newHead() : (JSON.parse(open(root, bytesOf(this.#content.head), HEAD).toString()) as Head);
    if (isNew) this.#save(this.#content, this.#head);
    this.signing = privateKey(this.#head.signing);
    this.sealing = privateKey(this.#head.sealing);
    this.trusted = publicKeyFromRaw(this.#head.trusted ?? rawPublicKey(this.signing));
    for (const id of new Set([...Object.keys(this.#content.credentials), ...Object.keys(this.#head.versions)])) this.#load(id);
  }

  find(id: string): Credential {
    const credential = this.credentials.get(id);
    if (credential !== undefined) return credential;
    if (this.refused.has(id)) throw new BulkheadError('credential_refused', { reason: 'its record was changed outside the vault' });
    throw new BulkheadError('credential_missing', { credential: id });
  }

  /** Seals a credential and replaces the earlier one of that id. `secret` is overwritten; empty: scheme none. */
  put(binding: CredentialBinding, secret: Buffer, createdAt: number): Credential {
    checkBinding(binding);
    if (binding.auth.scheme !== 'none') checkSecret(binding.auth, secret);
    const { keys, credentials } = this.#content;
    const { organization, id } = binding;
    const version = (this.#head.versions[id] ?? credentials[id]?.version ?? 0) + 1;
    const key = this.#dataKey(organization);
    const record = { binding, version, createdAt, secret: base64(seal(key.bytes, secret, associatedData(binding, version))) };
    key.bytes.fill(0);
    const content = { ...this.#content, keys: { ...keys, [organization]: key.entry }, credentials: { ...credentials, [id]: record } };
    this.#save(content, { ...this.#head, versions: { ...this.#head.versions, [id]: version } });
    return this.#install(binding, version, createdAt, secret);
  }

  remove(id: string): void {
    if (!this.refused.has(id)) this.find(id);
    const { [id]: record, ...credentials } = this.#content.credentials;
    const { [id]: version, ...versions } = this.#head.versions;
    if (record !== undefined || version !== undefined) this.#save({ ...this.#content, credentials }, { ...this.#head, versions });
    this.credentials.get(id)?.pool.retire();
    this.credentials.delete(id);
    this.refused.delete(id);
  }

  /** Pins shard 0's key, once: another one later is refused. */
  trust(verifyKey: string): void {
    if (this.#head.trusted === verifyKey) return;
    if (this.#head.trusted !== null) throw new BulkheadError('resource_exists', { resource: 'trusted key', id: this.#head.trusted });
    this.trusted = publicKeyFromRaw(verifyKey);
    this.#save(this.#content, { ...this.#head, trusted: verifyKey });
  }

  /** 32 bytes that belong to one organization and purpose, the same for as long as the root key is. The caller overwrites them. */
  tenantKey(purpose: string, organization: string): Buffer {
    return Buffer.from(hkdfSync('sha256', this.#root, '', `bulkhead/tenant/v1|${purpose}|${organization}`, 32));
  }

  #load(id: string): void {
    try {
      const record = this.#content.credentials[id];
      if (record === undefined) throw new Error('its record is missing');
      const { binding, version, createdAt } = record;
      if (binding.id !== id || this.#head.versions[id] !== version) throw new Error('its record is not the current one');
      checkBinding(binding);
      const key = this.#dataKey(binding.organization);
      const secret = open(key.bytes, bytesOf(record.secret), associatedData(binding, version));
      key.bytes.fill(0);
      this.#install(binding, version, createdAt, secret);
    } catch (error) {
      this.refused.set(id, error instanceof Error ? error.message : String(error));
    }
  }

  #install(binding: CredentialBinding, version: number, createdAt: number, secret: Buffer): Credential {
    const { id } = binding;
    const digest = createHmac('sha256', this.#root).update(`fingerprint/${id}/`).update(secret).digest('hex');
    const fingerprint = secret.length === 0 ? '' : digest.slice(0, 12);
    const credential = openCredential({ binding, version, createdAt, fingerprint }, secret);
    this.credentials.get(id)?.pool.retire();
    this.refused.delete(id);
    this.credentials.set(id, credential);
    return credential;
  }

  /** The organization's data key, made at its first credential. The caller overwrites the bytes. */
  #dataKey(organization: string): { readonly bytes: Buffer; readonly entry: StoreFile['keys'][string] } {
    const entry = this.#content.keys[organization];
    const aad = `bh1|${organization}|key|${entry?.generation ?? 1}`;
    if (entry === undefined) {
      const bytes = randomBytes(32);
      return { bytes, entry: { generation: 1, wrapped: base64(seal(this.#root, bytes, aad)), check: keyCheck(bytes) } };
    }
    const bytes = open(this.#root, bytesOf(entry.wrapped), aad);
    if (keyCheck(bytes) !== entry.check) throw new Error('its organization’s key is not the right one');
    return { bytes, entry };
  }

  #save(content: StoreFile, head: Head): void {
    const next = { ...content, head: base64(seal(this.#root, Buffer.from(JSON.stringify(head)), HEAD)) };
    writeAtomically(this.#file, JSON.stringify(next, null, 1));
    this.#content = next;
    this.#head = head;
  }
}

function newHead() {
  const signing = base64(generateKeyPairSync('ed25519').privateKey.export(DER));
  const sealing = base64(generateKeyPairSync('x25519').privateKey.export(DER));
  return { signing, sealing, trusted: null as string | null, versions: {} as Readonly<Record<string, number>> };
}
