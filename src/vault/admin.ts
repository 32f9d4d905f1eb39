import { open } from '../core/hpke.ts';
import { BulkheadError } from '../core/errors.ts';
import type { JsonObject } from '../core/json.ts';
import { publicKeyFromRaw, rawPublicKey, signText } from '../core/signing.ts';
import type { Boot } from '../ipc/supervision.ts';
import type { CredentialBinding, CredentialInfo, EgressCall, SealedSecret, VaultAdminCall, VaultInfo } from '../ipc/messages.ts';
import type { IncomingCall } from '../ipc/peer.ts';
import { checkRequest } from './bind.ts';
import type { Credential } from './credential.ts';
import type { EgressDeps } from './egress.ts';
import { Exchange } from './exchange.ts';
import type { RevokedSet } from './revoked.ts';

const EMPTY = Buffer.alloc(0);
const TRY_MS = 15_000;
const KINDS = ['key', 'snapshot', 'grant'];

export interface AdminDeps extends EgressDeps {
  readonly boot: Pick<Boot, 'index' | 'generation'>;
  readonly revoked: RevokedSet;
  readonly metrics: () => JsonObject;
}

/** Answers one call of control. No call gives a secret out. */
export function serveAdmin(incoming: IncomingCall, deps: AdminDeps): void {
  answer(incoming.head as unknown as VaultAdminCall, deps).then(
    (reply) => incoming.reply(reply as JsonObject),
    (error: unknown) => {
      const known = error instanceof BulkheadError ? error : new BulkheadError('internal', {}, { cause: error });
      incoming.error(known.code, known.values);
    },
  );
}

async function answer(call: VaultAdminCall, deps: AdminDeps): Promise<object> {
  const { store, revoked, boot } = deps;
  switch (call.op) {
    case 'info':
      return info(deps);
    case 'credential.put':
      return store.put(call.binding, unseal(call, deps), call.at).info;
    case 'credential.rebind':
      return rebind(call.binding, call.at, deps);
    case 'credential.list':
      return {
        credentials: [...store.credentials.values()].map((credential): CredentialInfo => credential.info),
        refused: [...store.refused].map(([id, reason]) => ({ id, reason })),
      };
    case 'credential.remove':
      return (store.remove(call.id), {});
    case 'credential.try':
      return tryOut(call, store.find(call.id), deps);
    case 'sign':
      if (boot.index !== 0 || !KINDS.includes(call.kind) || typeof call.text !== 'string')
        throw new BulkheadError('permission_denied', { act: 'sign' });
      return signText(store.signing, call.kind, call.text);
    case 'revoke':
      if (!/^[0-9a-f]{64}$/.test(call.digest)) throw new BulkheadError('invalid_field', { field: 'digest', reason: 'it is not a SHA-256' });
      return (revoked.add(call.digest), {});
    case 'trust':
      if (boot.index === 0 && publicKeyFromRaw(call.verifyKey).equals(store.trusted)) return {};
      if (boot.index === 0) throw new BulkheadError('permission_denied', { act: 'make shard 0 trust another key' });
      return (store.trust(call.verifyKey), {});
    case 'metrics':
      return { metrics: deps.metrics() };
    default:
      throw new BulkheadError('malformed_request', { reason: 'unknown op' });
  }
}

function info({ store, revoked, boot }: AdminDeps): VaultInfo {
  const [sealingKey, verifyKey] = [rawPublicKey(store.sealing), rawPublicKey(store.signing)];
  const counts = { credentials: store.credentials.size, revoked: revoked.size };
  return { shard: boot.index, generation: boot.generation, state: 'unsealed', sealingKey, verifyKey, ...counts };
}

function unseal(
  { binding, sealed }: { readonly binding: CredentialBinding; readonly sealed: SealedSecret | null },
  { store }: AdminDeps,
): Buffer {
  if (sealed === null && binding.auth.scheme === 'none') return Buffer.alloc(0);
  try {
    if (sealed !== null) return open(store.sealing, sealed, 'bulkhead/credential/v1', binding.id);
  } catch (cause) {
    throw new BulkheadError(
      'invalid_field',
      { field: 'sealed', reason: 'it does not open with this vault’s sealing key for this id' },
      { cause },
    );
  }
  throw new BulkheadError('invalid_field', { field: 'sealed', reason: 'this scheme needs a secret' });
}

/**
 * Changes a binding and keeps its secret: ceilings, organization, fewer paths. Where the secret goes cannot change this way, or a
 * captured control process could send it to a host of its own; that takes a `put` with the secret, sealed by whoever knows it.
 */
function rebind(binding: CredentialBinding, at: number, { store }: AdminDeps): CredentialInfo {
  const { binding: before, secret, facts } = store.find(binding.id);
  const place = ({ origin, auth, allowPrivate, proxy, ca }: CredentialBinding): string =>
    JSON.stringify([origin, auth, allowPrivate, proxy ?? '', ca ?? '']);
  const withoutSecret = before.auth.scheme === 'none' && binding.auth.scheme === 'none';
  const narrower = binding.paths.every((path) => before.paths.some((each) => path.startsWith(each)));
  if (!withoutSecret && (place(binding) !== place(before) || !narrower)) {
    throw new BulkheadError('credential_refused', { reason: 'another origin, scheme, path or way needs its secret again' });
  }
  const plain = secret.reveal((bytes) => Buffer.from(bytes));
  return store.put(binding, plain, withoutSecret ? at : facts.createdAt).info;
}

/** One request with the credential, bound like any other; only status and size of the answer come back. */
function tryOut(
  call: Extract<VaultAdminCall, { op: 'credential.try' }>,
  credential: Credential,
  { clock, uses }: AdminDeps,
): Promise<{ status: number; bytes: number }> {
  checkRequest(call, credential.binding);
  const timeouts = { connectMs: TRY_MS, headMs: TRY_MS, idleMs: TRY_MS };
  return new Promise((resolve, reject) => {
    const request = { ...call, op: 'egress', body: 'bounded', timeouts } as unknown as EgressCall;
    const exchange: Exchange = new Exchange(
      request,
      EMPTY,
      credential,
      {
        onHead: () => undefined,
        onBody: () => true,
        onSent: () => undefined,
        onDone: (_outcome, error) => {
          uses.used(credential, 'service', exchange.echoes, clock.now());
          if (error === undefined) resolve({ status: exchange.status, bytes: exchange.bytesIn });
          else reject(error);
        },
      },
      clock,
    );
    void exchange.begin();
  });
}
