import { BulkheadError, type ErrorCode } from '../../core/errors.ts';
import type { JsonObject } from '../../core/json.ts';
import type { LedgerCall } from '../../ipc/messages/ledger.ts';
import { isConnectionLost, type Peer } from '../../ipc/peer.ts';
import { connected, type Deps } from '../deps.ts';
import { egressCall } from '../egress-call.ts';
import { outcomeOf } from '../failure.ts';
import type { AttemptRecord, RoutedTarget } from '../exchange.ts';
import { prepare } from '../prepare.ts';
import { pass, type Decoded, type Routed, type SentRequest, type Upstream } from '../steps.ts';
import { UpstreamCall } from '../upstream-call.ts';
import { maxInputTokens, maxOutputTokens } from '../bounds.ts';

/** The vault said no before its journal's start record: nothing left for the provider. */
const REFUSED_BY_VAULT: ReadonlySet<ErrorCode> = new Set([
  'proof_invalid',
  'credential_missing',
  'credential_refused',
  'ceiling_reached',
  'journal_failed',
  'vault_sealed',
  'vault_unavailable',
  'draining',
  'malformed_request',
  'invalid_request',
]);

/** Another target may do better. What the client or the operator has to correct is not among them. */
const WORTH_ANOTHER: ReadonlySet<ErrorCode> = new Set(['upstream_unreachable', 'upstream_timeout', 'upstream_reset', 'vault_unavailable']);

const NOTHING = Buffer.alloc(0);

type AttemptDeps = Pick<Deps, 'vaults' | 'ledger' | 'log' | 'clock'>;

/** Goes through the targets until one answers; to the next one only before the first byte. Throws what the last one failed with. */
export async function attempt({ decoded, targets }: Routed, deps: AttemptDeps): Promise<Upstream> {
  for (const [index, target] of targets.entries()) {
    // What a client sends once can be sent on once.
    const isLast = index === targets.length - 1 || decoded.body.upload !== undefined;
    const record = decoded.exchange.beginAttempt(target);
    if (index > 0) moveReservation(decoded, target, deps);
    try {
      const upstream = await tryTarget(decoded, target, record, deps);
      if (isLast || !isPassing(upstream.head.status)) return upstream;
      upstream.call.cancel();
      record.outcome = 'upstream_error';
    } catch (error) {
      if (!(error instanceof BulkheadError)) throw error;
      record.outcome = outcomeOf(error);
      if (isLast || decoded.exchange.gone || !(WORTH_ANOTHER.has(error.code) || isConnectionLost(error))) throw named(error, target);
    }
    deps.log.warn('attempt.failed', {
      request_id: decoded.exchange.id,
      attempt: record.attempt,
      provider: target.provider.policy.id,
      status: record.status,
      outcome: record.outcome,
    });
  }
  throw new BulkheadError('internal', {}, { cause: new Error('a routed request has a target') });
}

/** Statuses that say: not now, or not here. */
const isPassing = (status: number): boolean => status === 429 || status >= 500;

async function tryTarget(decoded: Decoded, target: RoutedTarget, record: AttemptRecord, { vaults }: AttemptDeps): Promise<Upstream> {
  const { exchange } = decoded;
  const sent = prepare(decoded, target);
  const link = vaults[target.provider.policy.shard];
  if (link === undefined) throw new BulkheadError('vault_unavailable');
  const live = connected(link);
  const peer = live instanceof Promise ? await live : live;
  if (exchange.gone) throw new BulkheadError('client_gone');
  const call = send(peer, decoded, target, record, sent);
  exchange.onGone(() => call.abandon(new BulkheadError('client_gone')));
  try {
    const head = await exchange.waitFor(call.head);
    record.status = head.status;
    return pass<Upstream>({ decoded, record, sent, call, head });
  } catch (error) {
    const isVault = error instanceof BulkheadError && error !== decoded.body.upload?.failure;
    if (isVault && REFUSED_BY_VAULT.has(error.code)) record.reached = false;
    throw error;
  }
}

function send(peer: Peer, decoded: Decoded, target: RoutedTarget, record: AttemptRecord, sent: SentRequest): UpstreamCall {
  const call = egressCall(decoded, target, record, sent);
  const { upload } = decoded.body;
  record.reached = true;
  if (upload === undefined) {
    record.bytesOut = sent.body.length;
    return new UpstreamCall(peer, call, sent.body);
  }
  const upstream = new UpstreamCall(peer, call, NOTHING);
  upstream.feed(sent.body, upload, (bytes) => (record.bytesOut += bytes));
  return upstream;
}

/** The ledger learns which target is really tried. One way: the dearest was reserved, and a settle says the rest. */
function moveReservation(decoded: Decoded, { provider: { policy }, model, baseModel }: RoutedTarget, { ledger, log }: AttemptDeps): void {
  const call: LedgerCall = {
    op: 'adjust',
    requestId: decoded.exchange.id,
    maxInputTokens: maxInputTokens(decoded),
    maxOutputTokens: maxOutputTokens(decoded),
    target: { provider: policy.id, model, ...(baseModel === model ? {} : { baseModel }), priceList: policy.priceList },
  };
  ledger.unary(call as unknown as JsonObject).catch((error: unknown) => {
    log.warn('adjust.failed', { request_id: decoded.exchange.id, reason: error instanceof Error ? error.message : String(error) });
  });
}

/** The vault knows no names of providers, and a lost connection to it says nothing a client could use. */
function named(error: BulkheadError, { provider }: RoutedTarget): BulkheadError {
  const { id, credential } = provider.policy;
  if (isConnectionLost(error)) return new BulkheadError('upstream_reset', { provider: id }, { cause: error });
  return new BulkheadError(error.code, { provider: id, credential, ...error.values }, { cause: error });
}
