import { open } from '../core/hpke.ts';
import { BulkheadError } from '../core/error.ts';
import type { JsonObject } from '../core/json.ts';
import { publicKeyFromRaw, rawPublicKey, signText } from '../core/signing.ts';
import type { CredentialBinding, CredentialInfo, SealedSecret, VaultAdminCall, VaultInfo } from '../ipc/messages/vault.ts';
import type { IncomingCall } from '../ipc/peer.ts';
import { checkRequest } from './bind.ts';
import { associatedData } from './credential.ts';
import type { VaultDeps } from './egress.ts';
import { Exchange, live, type ExchangeTarget } from './exchange.ts';
import { fetchIssuer } from './jwt/issuer.ts';
import type { Store } from './store.ts';

const TRY_MS = 15_000;
const KINDS = ['key', 'snapshot', 'grant', 'row', 'session'];

const invalid = (field: string, reason: string, cause?: unknown): BulkheadError =>
  new BulkheadError('invalid_field', { field, reason }, { cause });

/** Answers one call of control. No call gives a secret out. */
export function serveAdmin(incoming: IncomingCall, deps: VaultDeps): void {
  const answered = answer(incoming.head as unknown as VaultAdminCall, deps);
  answered.then((reply) => incoming.reply(reply as JsonObject)).catch((error: unknown) => incoming.fail(error));
}

async function answer(call: VaultAdminCall, deps: VaultDeps): Promise<object> {
  const { store, revoked, boot } = deps;
  switch (call.op) {
    case 'info':
      return info(deps);
    case 'credential.put':
      return store.put(call.binding, unseal(call.binding, call.sealed, store), call.at).info;
    case 'credential.rebind':
      return rebind(call.binding, call.at, store);
    case 'credential.list':
      return {
        credentials: [...store.credentials.values()].map((credential): CredentialInfo => credential.info),
        refused: [...store.refused].map(([id, reason]) => ({ id, reason })),
      };
    case 'credential.remove':
      return (store.remove(call.id), {});
    case 'credential.try':
      return tryOut(call, deps);
    case 'sign':
      if (boot.index !== 0 || !KINDS.includes(call.kind) || typeof call.text !== 'string')
        throw new BulkheadError('permission_denied', { act: 'sign' });
      return signText(store.signing, call.kind, call.text);
    case 'issuer.fetch':
      if (boot.index !== 0) throw new BulkheadError('permission_denied', { act: 'sign' });
      return signText(store.signing, 'issuer', JSON.stringify(await fetchIssuer(call)));
    case 'revoke':
    case 'block':
    case 'unblock':
      if (!/^[0-9a-f]{64}$/.test(call.digest)) throw invalid('digest', 'it is not a SHA-256');
      return (revoked.mark(call.op, call.digest), {});
    case 'trust':
      if (boot.index !== 0) return (store.trust(call.verifyKey), {});
      if (publicKeyFromRaw(call.verifyKey).equals(store.trusted)) return {};
      throw new BulkheadError('permission_denied', { act: 'make shard 0 trust another key' });
    case 'metrics':
      return { metrics: metrics(deps) };
    default:
      throw new BulkheadError('malformed_request', { reason: 'unknown op' });
  }
}

function info({ store, revoked, boot }: VaultDeps): VaultInfo {
  const keys = { sealingKey: rawPublicKey(store.sealing), verifyKey: rawPublicKey(store.signing) };
  const counts = { credentials: store.credentials.size, revoked: revoked.digests.size };
  return { shard: boot.index, generation: boot.generation, state: 'unsealed', ...keys, ...counts };
}

function metrics({ store, revoked, journal, counts }: VaultDeps): JsonObject {
  const [credentials, refused] = [store.credentials.size, store.refused.size];
  return counts.snapshot({ exchanges: live.size, credentials, refused, revoked: revoked.digests.size, unacknowledged: journal.backlog });
}

function unseal({ auth, id }: CredentialBinding, sealed: SealedSecret | null, { sealing }: Store): Buffer {
  if (sealed === null && auth.scheme === 'none') return Buffer.alloc(0);
  if (sealed === null) throw invalid('sealed', 'this scheme needs a secret');
  try {
    return open(sealing, sealed, 'bulkhead/credential/v1', id);
  } catch (cause) {
    throw invalid('sealed', 'it does not open with this vault’s sealing key for this id', cause);
  }
}

/**
 * Changes a binding and keeps its secret: ceilings, organization, fewer paths. Where the secret goes cannot change this way, or a
 * captured control process could send it to a host of its own; that takes a `put` with the secret, sealed by whoever knows it.
 */
function rebind(binding: CredentialBinding, at: number, store: Store): CredentialInfo {
  const { binding: before, secret, info } = store.find(binding.id);
  const place = (bound: CredentialBinding): string => associatedData({ ...bound, organization: '*', paths: [], ceilings: {} }, 0);
  const withoutSecret = before.auth.scheme === 'none' && binding.auth.scheme === 'none';
  const narrower = binding.paths.every((path) => before.paths.some((each) => path.startsWith(each)));
  if (!withoutSecret && (place(binding) !== place(before) || !narrower))
    throw new BulkheadError('credential_refused', { reason: 'another origin, scheme, path or way needs its secret again' });
  const plain = secret.reveal((bytes) => Buffer.from(bytes));
  return store.put(binding, plain, withoutSecret ? at : info.createdAt).info;
}

/** One request with the credential, bound like any other; only status and size of the answer come back. */
function tryOut(call: Extract<VaultAdminCall, { op: 'credential.try' }>, { store, ceilings }: VaultDeps): Promise<object> {
  const credential = store.find(call.id);
  checkRequest(call, credential.binding);
  const meter = ceilings.enter(call.id, 'service', credential.binding.ceilings ?? {}, performance.now());
  const request = { ...call, body: 'bounded', timeouts: { connectMs: TRY_MS, headMs: TRY_MS, idleMs: TRY_MS } } as const;
  return new Promise((resolve, reject) => {
    const ignore = (): void => undefined;
    const error: ExchangeTarget['error'] = (code, values) => reject(new BulkheadError(code, values));
    const target = { sendHead: ignore, send: () => true, consumed: ignore, end: ignore, error };
    const exchange = new Exchange(request, Buffer.alloc(0), credential, target, ({ status, bytesIn, outcome }, echoes) => {
      ceilings.leave(meter, bytesIn, echoes);
      if (outcome === 'complete') resolve({ status, bytes: bytesIn });
    });
    void exchange.begin();
  });
}
