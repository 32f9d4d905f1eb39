import { BulkheadError } from '../core/errors.ts';
import type { Clock } from '../core/clock.ts';
import type { EgressCall, EgressTrailers } from '../ipc/messages.ts';
import type { IncomingCall } from '../ipc/peer.ts';
import { checkRequest } from './bind.ts';
import type { CeilingBook } from './ceilings.ts';
import type { Counts } from './counts.ts';
import type { Credential } from './credential.ts';
import { Exchange, type ExchangeTarget } from './exchange.ts';
import type { Journal } from './journal.ts';
import type { Caller, ProofChecker } from './proof.ts';
import type { Store } from './store.ts';
import type { UseBook } from './uses.ts';

export interface EgressDeps {
  readonly store: Store;
  readonly proofs: ProofChecker;
  readonly ceilings: CeilingBook;
  readonly journal: Journal;
  readonly uses: UseBook;
  readonly counts: Counts;
  readonly clock: Clock;
}

const REQUEST_ID = /^req_[0-9A-HJKMNP-TV-Z]{26}$/;
const MAX_WAIT_MS = 3_600_000;
/** How many of the newest attempts are remembered, so that none leaves twice under one id. */
const MAX_REMEMBERED = 100_000;
const attempts = new Set<string>();

/** Answers one call of the gateway: an upstream's answer, or the reason why nothing left. */
export function serveEgress(call: IncomingCall, deps: EgressDeps): void {
  forward(call, deps).catch((error: unknown) => {
    const known = error instanceof BulkheadError ? error : new BulkheadError('internal', {}, { cause: error });
    deps.counts.add('bulkhead_vault_refusals_total', known.code);
    call.error(known.code, known.values);
  });
}

async function forward(incoming: IncomingCall, deps: EgressDeps): Promise<void> {
  const { store, proofs, ceilings, journal, uses, counts, clock } = deps;
  const call = decode(incoming);
  const caller = proofs.check(call.proof, clock.now(), clock.monotonic());
  const credential = store.find(call.credential);
  try {
    authorize(caller, credential);
    checkRequest(call, credential.binding, caller.grant?.path);
    once(call);
  } catch (error) {
    uses.refused(call.credential, caller.organization);
    throw error;
  }
  const perHour = caller.grant?.requestsPerHour;
  const bounds = { ...credential.binding.ceilings, ...(perHour === undefined ? {} : { requestsPerHour: perHour }) };
  const meter = ceilings.enter(call.credential, caller.organization, bounds, clock.monotonic());
  const exchange = new Exchange(
    call,
    incoming.body,
    credential,
    relayTo(incoming, () => exchange, finish),
    clock,
  );
  incoming.events = {
    onData: (chunk) => exchange.write(chunk),
    onEnd: () => exchange.write(null),
    onWritable: () => exchange.resume(),
    onCancel: () => exchange.cancel(),
  };
  const { requestId, attempt } = call;
  let refused = false;
  function finish(outcome: Parameters<ExchangeTarget['onDone']>[0]): void {
    const { status, bytesIn, bytesOut, echoes } = exchange;
    ceilings.leave(meter, bytesIn + bytesOut);
    counts.add('bulkhead_vault_calls_total', outcome);
    counts.add('bulkhead_vault_bytes_total', 'in', bytesIn);
    counts.add('bulkhead_vault_bytes_total', 'out', bytesOut);
    uses.used(credential, caller.organization, echoes, clock.now());
    // Also where the call was cancelled before its start was written: the journal keeps their order.
    if (!refused) journal.end({ k: 'end', requestId, attempt, status, bytesIn, bytesOut, outcome, at: clock.now() });
  }
  try {
    await journal.start({
      k: 'start',
      requestId,
      attempt,
      credential: call.credential,
      organization: caller.organization,
      key: caller.key,
      at: clock.now(),
    });
  } catch (error) {
    refused = true;
    return exchange.fail(error as BulkheadError);
  }
  await exchange.begin();
}

/** The gateway may be captured: what it sent is taken only in exactly this shape. */
function decode({ head, body }: IncomingCall): EgressCall {
  const call = head as unknown as EgressCall;
  const { requestId, attempt, credential, path, headers, timeouts, proof } = call;
  const isText = (value: unknown): value is string => typeof value === 'string';
  const waits = [timeouts?.connectMs, timeouts?.headMs, timeouts?.idleMs];
  const signed = proof?.kind === 'key' ? proof.row : proof?.kind === 'service' ? proof.grant : undefined;
  const right =
    call.op === 'egress' &&
    (call.body === 'bounded' || (call.body === 'streamed' && body.length === 0)) &&
    [requestId, credential, path, signed?.text, signed?.signature, proof?.kind === 'key' ? proof.key : ''].every(isText) &&
    REQUEST_ID.test(requestId) &&
    Number.isInteger(attempt) &&
    attempt > 0 &&
    attempt <= 1000 &&
    Array.isArray(headers) &&
    headers.every((header) => Array.isArray(header) && header.length === 2 && header.every(isText)) &&
    waits.every((ms) => typeof ms === 'number' && ms > 0 && ms <= MAX_WAIT_MS);
  if (!right) throw new BulkheadError('malformed_request', { reason: 'the call is not one the vault takes' });
  return call;
}

function authorize({ organization, grant }: Caller, { binding }: Credential): void {
  const allowed =
    grant === undefined ? binding.organization === '*' || binding.organization === organization : grant.credential === binding.id;
  if (!allowed) throw new BulkheadError('credential_refused', { reason: 'it belongs to another organization' });
}

/** Two calls under one id would be one row of the ledger. */
function once({ requestId, attempt }: EgressCall): void {
  const id = `${requestId}/${attempt}`;
  if (attempts.has(id)) throw new BulkheadError('credential_refused', { reason: 'this attempt was made before' });
  if (attempts.size >= MAX_REMEMBERED) for (const first of attempts) if (attempts.delete(first)) break;
  attempts.add(id);
}

/** Passes an exchange's events to the gateway as frames. */
function relayTo(
  incoming: IncomingCall,
  exchange: () => Exchange,
  finish: (outcome: Parameters<ExchangeTarget['onDone']>[0]) => void,
): ExchangeTarget {
  return {
    onHead: ({ status, headers }) => incoming.sendHead({ status, headers }),
    onBody: (chunk) => incoming.send(chunk),
    onSent: (bytes) => incoming.consumed(bytes),
    onDone: (outcome, error) => {
      const { bytesIn, bytesOut } = exchange();
      finish(outcome);
      if (error === undefined) incoming.end({ bytesIn, bytesOut } satisfies EgressTrailers);
      else incoming.error(error.code, error.values);
    },
  };
}
