import { asBulkheadError, BulkheadError } from '../core/error.ts';
import type { EgressCall, TenantKeyCall } from '../ipc/messages/vault.ts';
import type { IncomingCall } from '../ipc/peer.ts';
import type { Boot } from '../ipc/supervision.ts';
import { checkRequest } from './bind.ts';
import type { CeilingBook } from './ceilings.ts';
import { count, type Counts } from './counts.ts';
import type { Credential } from './credential.ts';
import { Exchange } from './exchange.ts';
import type { Journal } from './journal.ts';
import { isProof, isText, type Caller, type ProofChecker } from './proof.ts';
import { Recent } from '../core/recent.ts';
import type { RevokedSet } from './revoked.ts';
import type { Store } from './store.ts';

export interface VaultDeps {
  readonly store: Store;
  readonly proofs: ProofChecker;
  readonly ceilings: CeilingBook;
  readonly journal: Journal;
  readonly counts: Counts;
  readonly revoked: RevokedSet;
  readonly boot: Boot;
}

const ATTEMPT_ID = /^req_[0-9A-HJKMNP-TV-Z]{26}\/[1-9]\d{0,2}$/;
const PURPOSES: ReadonlySet<string> = new Set(['responses']);
const MAX_WAIT_MS = 3_600_000;
/** The newest attempts, so that none leaves twice under one id. */
const attempts = new Recent<true>(100_000);

/** Answers one call of the gateway: an upstream's answer, or the reason why nothing left. */
export function serveEgress(call: IncomingCall, deps: VaultDeps): void {
  const served = call.head['op'] === 'tenant.key' ? giveTenantKey(call, deps) : forward(call, deps);
  served.catch((error: unknown) => count(deps.counts.refusals, call.fail(error)));
}

async function forward(incoming: IncomingCall, { store, proofs, ceilings, journal, counts }: VaultDeps): Promise<void> {
  const call = decode(incoming);
  const { requestId, attempt } = call;
  const id = `${requestId}/${attempt}`;
  const caller = proofs.check(call.proof, Date.now(), performance.now());
  const { key, organization, grant } = caller;
  const credential = store.find(call.credential);
  try {
    authorize(caller, credential);
    checkRequest(call, credential.binding, grant?.path);
    // Two calls under one id would be one row of the ledger.
    if (attempts.get(id) === true) throw new BulkheadError('credential_refused', { reason: 'this attempt was made before' });
    attempts.set(id, true);
  } catch (error) {
    ceilings.meter(call.credential, organization).uses.refused++;
    throw error;
  }
  const { ceilings: bounds } = credential.binding;
  const narrowed = grant?.requestsPerHour === undefined ? bounds : { ...bounds, requestsPerHour: grant.requestsPerHour };
  const meter = ceilings.enter(call.credential, organization, narrowed ?? {}, performance.now());
  let started = true;
  const exchange = new Exchange(call, incoming.body, credential, incoming, (result, echoes) => {
    ceilings.leave(meter, result.bytesIn + result.bytesOut, echoes);
    count(counts.calls, result.outcome);
    count(counts.bytes, 'in', result.bytesIn);
    count(counts.bytes, 'out', result.bytesOut);
    // Also where the call was cancelled before its start was written: the journal keeps their order.
    if (started) journal.end({ k: 'end', requestId, attempt, ...result, at: Date.now() });
  });
  incoming.events = exchange;
  try {
    await journal.start({ k: 'start', requestId, attempt, credential: call.credential, organization, key, at: Date.now() });
  } catch (error) {
    started = false;
    return exchange.finish('refused', asBulkheadError(error));
  }
  await exchange.begin();
}

/** The gateway may be captured: what it sent is taken only in exactly this shape. */
function decode({ head, body }: IncomingCall): EgressCall {
  const call = head as unknown as EgressCall;
  const { requestId, attempt, credential, path, headers, bodyLength, timeouts } = call;
  const waits = [timeouts?.connectMs, timeouts?.headMs, timeouts?.idleMs];
  const right =
    call.op === 'egress' &&
    (call.body === 'bounded' || (call.body === 'streamed' && body.length === 0)) &&
    (bodyLength === undefined || (call.body === 'streamed' && Number.isSafeInteger(bodyLength) && bodyLength >= 0)) &&
    [requestId, credential, path].every(isText) &&
    isProof(call.proof) &&
    typeof attempt === 'number' &&
    ATTEMPT_ID.test(`${requestId}/${attempt}`) &&
    Array.isArray(headers) &&
    headers.every((header) => Array.isArray(header) && header.length === 2 && header.every(isText)) &&
    waits.every((ms) => typeof ms === 'number' && ms > 0 && ms <= MAX_WAIT_MS);
  if (!right) throw new BulkheadError('malformed_request', { reason: 'the call is not one the vault takes' });
  return call;
}

/** The key of the proof's own organization. Each shard may have a root key of its own, so that only one answers; a service keeps nothing. */
async function giveTenantKey(incoming: IncomingCall, { store, proofs, boot }: VaultDeps): Promise<void> {
  const { proof, purpose } = incoming.head as unknown as TenantKeyCall;
  if (!isProof(proof)) throw new BulkheadError('proof_invalid');
  const { organization, grant } = proofs.check(proof, Date.now(), performance.now());
  if (boot.index !== 0 || grant !== undefined || !PURPOSES.has(purpose))
    throw new BulkheadError('permission_denied', { act: 'have this key' });
  const key = store.tenantKey(purpose, organization);
  incoming.reply({}, key);
  key.fill(0);
}

function authorize({ organization, grant }: Caller, { binding }: Credential): void {
  const isOwner = binding.organization === '*' || binding.organization === organization;
  const allowed = grant === undefined ? isOwner : grant.credential === binding.id;
  if (!allowed) throw new BulkheadError('credential_refused', { reason: 'it belongs to another organization' });
}
