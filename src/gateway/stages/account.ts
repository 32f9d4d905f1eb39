import { NO_USAGE, type TokenUsage, type UsageEvent } from '../../core/usage.ts';
import { NATIVE } from '../../wire/native.ts';
import type { Deps } from '../deps.ts';
import { unitsAsked } from '../request-units.ts';
import { estimateInputTokens } from '../estimate.ts';
import type { AttemptRecord } from '../exchange.ts';
import type { Admitted, Decoded } from '../steps.ts';

/**
 * Ends the reservation: always, once, also after a disconnect or an exception. One event per attempt of which a byte may
 * have left for a provider; a request without such an attempt is released.
 */
export function account({ decoded }: Admitted, { outbox, metrics }: Pick<Deps, 'outbox' | 'metrics'>): void {
  const reached = decoded.exchange.attempts.filter((record) => record.reached);
  if (reached.length === 0) outbox.release(decoded.exchange.id);
  for (const record of reached) {
    const event = usageEvent(decoded, record);
    metrics.tokens(event.usage);
    outbox.settle(event);
  }
  // The next request may be waiting for the slot.
  if (holdsSlot(decoded)) outbox.hurry();
}

const holdsSlot = ({ principal, exchange }: Decoded): boolean =>
  principal.key.maxParallel !== undefined || exchange.limits?.some(({ measure }) => measure === 'parallel') === true;

function usageEvent(decoded: Decoded, record: AttemptRecord): UsageEvent {
  const { exchange, principal, alias, body } = decoded;
  const { model, baseModel } = record.target;
  const { policy } = record.target.provider;
  const isLast = record === exchange.attempts.at(-1);
  const { usage, estimated } = used(decoded, record);
  const { firstByteMs } = exchange;
  return {
    v: 1,
    requestId: exchange.id,
    attempt: record.attempt,
    proof: 'key',
    key: principal.key.id,
    organization: principal.key.organization,
    team: principal.key.team,
    project: principal.key.project,
    user: principal.key.user,
    endUser: decoded.endUser,
    tags: decoded.tags,
    credential: policy.credential,
    provider: policy.id,
    alias,
    model,
    baseModel: baseModel === model ? undefined : baseModel,
    priceList: policy.priceList,
    endpoint: exchange.endpoint.id,
    stream: body.stream,
    status: isLast ? clientStatus(decoded) : record.status,
    outcome: record.outcome,
    usage,
    estimated,
    startedAt: exchange.startedAt,
    latencyMs: round(exchange.elapsedMs),
    ...(isLast && firstByteMs !== undefined ? { firstByteMs: round(firstByteMs) } : {}),
    bytesIn: record.bytesIn,
    bytesOut: record.bytesOut,
  };
}

const clientStatus = ({ exchange }: Decoded): number => (exchange.response.headersSent ? exchange.response.statusCode : 0);

/** To a microsecond; whole numbers stay whole. */
const round = (ms: number): number => Math.round(ms * 1000) / 1000;

/** The provider's figures where it told them all; its figures and our count where the answer ended early. */
function used(decoded: Decoded, record: AttemptRecord): { usage: TokenUsage; estimated: boolean } {
  const told = record.usage;
  if (record.outcome === 'ok' && told !== undefined) return { usage: told, estimated: false };
  // A provider bills nothing for a request that it refused or that never came to it.
  if (!mayCost(record)) return { usage: told ?? NO_USAGE, estimated: false };
  // Of a part of a form no provider makes anything.
  if (decoded.body.upload?.isWhole === false) return { usage: told ?? NO_USAGE, estimated: false };
  const units = unitsAsked(decoded.exchange.endpoint.operation, decoded.body);
  if (units !== undefined)
    return { usage: { ...(told ?? NO_USAGE), units }, estimated: units.second !== undefined || record.outcome !== 'ok' };
  // Files, pictures and sound are not counted in words.
  if (NATIVE[record.target.operation.protocol].passThrough.anyAnswer === true)
    return { usage: told ?? NO_USAGE, estimated: told === undefined };
  const known = told ?? { ...NO_USAGE, input: estimateInputTokens(decoded.body.bytes) };
  const output = Math.max(known.output, record.outputEstimate);
  return { usage: { ...known, output }, estimated: told === undefined || output > told.output };
}

function mayCost({ status, outcome }: AttemptRecord): boolean {
  if (status >= 400) return false;
  return status > 0 || outcome === 'cancelled' || outcome === 'timeout' || outcome === 'upstream_cut';
}
