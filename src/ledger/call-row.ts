import { NO_OPERATOR_PRICES, type OperatorPrices } from '../accounting/operator-prices.ts';
import { writePriceDetail } from '../accounting/price-detail.ts';
import { priceUsage } from '../accounting/price.ts';
import { NO_USAGE, type TokenUsage, type UsageEvent } from '../core/usage.ts';
import type { JournalRecord } from '../ipc/messages/ledger.ts';
import type { RowState } from '../ipc/messages/reports.ts';
import type { ReservationFacts } from './reservation-facts.ts';

/**
 * One call to a provider as a function of what was heard about it. Pure: the same facts in any order and any number of
 * times give the same row, which is what lets every sender resend until it is acknowledged.
 */
export interface CallRow {
  readonly requestId: string;
  readonly attempt: number;
  readonly state: RowState;
  readonly organization: string;
  readonly team: string;
  readonly key: string;
  readonly credential: string;
  readonly provider: string;
  readonly alias: string;
  readonly model: string;
  readonly priceList: string;
  readonly endpoint: string;
  readonly stream: boolean;
  readonly status: number;
  readonly outcome: string;
  readonly usage: TokenUsage;
  readonly picodollars: bigint;
  readonly priceVersion: string;
  readonly priceKnown: boolean;
  readonly estimated: boolean;
  readonly disputed: boolean;
  readonly proof: string;
  readonly startedAt: number;
  readonly latencyMs: number;
  readonly firstByteMs: number | null;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** The gateway's usage event arrived. */
  readonly reported: boolean;
  /** The wait for the other source is over. */
  readonly expired: boolean;
  /** Unix milliseconds at which the wait ends; wall time, because it must hold over restarts. Null: nothing is awaited. */
  readonly dueAt: number | null;
  /** Bounds of the reservation, where it was known when the vault's record came. */
  readonly maxInput: number | null;
  readonly maxOutput: number | null;
  readonly shard: number | null;
  readonly generation: string | null;
  readonly journalStartedAt: number | null;
  readonly journalEndedAt: number | null;
  readonly journalStatus: number | null;
  readonly journalOutcome: string | null;
  readonly journalBytesIn: number | null;
  readonly journalBytesOut: number | null;
  /** Texts are '' where there is nobody of that kind. */
  readonly project: string;
  readonly user: string;
  readonly endUser: string;
  readonly tags: readonly string[];
  /** What the price was made of; '' where nobody wrote it down. */
  readonly priceDetail: string;
}

/** Last confirmed call like an unconfirmed one: what it was priced by. */
export interface Likeness {
  readonly provider: string;
  readonly model: string;
  readonly baseModel?: string | undefined;
  readonly priceList: string;
  readonly endpoint: string;
}

export type CallFact =
  /** `charged`: what the engine of budgets has counted for it already. */
  | { readonly fact: 'usage'; readonly event: UsageEvent; readonly charged?: bigint }
  | {
      readonly fact: 'start';
      readonly shard: number;
      readonly record: StartRecord;
      readonly reservation: ReservationFacts | null;
      readonly orphan: boolean;
    }
  | { readonly fact: 'end'; readonly record: EndRecord }
  /** The gateway that had reserved the call is gone, so that its report may never come. */
  | { readonly fact: 'orphaned' };

export type StartRecord = Extract<JournalRecord, { readonly k: 'start' }>;
export type EndRecord = Extract<JournalRecord, { readonly k: 'end' }>;

export interface Waits {
  /** How long a call that ended may wait for its other source. */
  readonly graceMs: number;
  /** How long one whose gateway or vault is gone may. */
  readonly settleMs: number;
}

export const WAITS: Waits = { graceMs: 60_000, settleMs: 2_000 };

/** Adds one fact. `operator`: the prices that go in front of the catalogue; a row that is priced is never priced again. */
export function addFact(row: CallRow, fact: CallFact, now: number, waits: Waits, operator: OperatorPrices = NO_OPERATOR_PRICES): CallRow {
  switch (fact.fact) {
    case 'usage':
      return row.reported ? row : settled(withUsage(row, fact.event, operator), now, waits);
    case 'start':
      return row.journalStartedAt === null ? settled(withStart(row, fact), now, waits, fact.orphan) : row;
    case 'end':
      return row.journalEndedAt === null ? settled(withEnd(row, fact.record), now, waits) : row;
    case 'orphaned':
      return row.state === 'open' ? { ...row, dueAt: earlier(row.dueAt, now + waits.settleMs) } : row;
  }
}

const NO_TAGS: readonly string[] = [];

export const emptyRow = (requestId: string, attempt: number): CallRow => ({
  requestId,
  attempt,
  state: 'open',
  organization: '',
  team: '',
  key: '',
  credential: '',
  provider: '',
  alias: '',
  model: '',
  priceList: '',
  endpoint: '',
  stream: false,
  status: 0,
  outcome: '',
  usage: NO_USAGE,
  picodollars: 0n,
  priceVersion: '',
  priceKnown: false,
  estimated: false,
  disputed: false,
  proof: '',
  startedAt: 0,
  latencyMs: 0,
  firstByteMs: null,
  bytesIn: 0,
  bytesOut: 0,
  reported: false,
  expired: false,
  dueAt: null,
  maxInput: null,
  maxOutput: null,
  shard: null,
  generation: null,
  journalStartedAt: null,
  journalEndedAt: null,
  journalStatus: null,
  journalOutcome: null,
  journalBytesIn: null,
  journalBytesOut: null,
  project: '',
  user: '',
  endUser: '',
  tags: NO_TAGS,
  priceDetail: '',
});

function withUsage(row: CallRow, event: UsageEvent, operator: OperatorPrices): CallRow {
  const { provider, credential, baseModel } = event;
  const price = priceUsage(event.usage, event.model, event.priceList, event.startedAt, { provider, credential, baseModel, operator });
  const journaled = row.journalStartedAt !== null;
  // Each by its name: spreading the event over the row makes V8 look up every one of fifty columns.
  return {
    ...row,
    organization: journaled ? row.organization : event.organization,
    team: event.team,
    key: journaled && row.key !== '' ? row.key : event.key,
    credential: journaled ? row.credential : event.credential,
    provider: event.provider,
    alias: event.alias,
    model: event.model,
    priceList: event.priceList,
    endpoint: event.endpoint,
    stream: event.stream,
    status: event.status,
    outcome: event.outcome,
    usage: event.usage,
    picodollars: price.picodollars,
    priceVersion: price.version,
    priceKnown: price.known,
    priceDetail: writePriceDetail(price),
    estimated: event.estimated,
    disputed: journaled && disagrees(row, event),
    proof: event.proof,
    startedAt: event.startedAt,
    latencyMs: event.latencyMs,
    firstByteMs: event.firstByteMs ?? null,
    bytesIn: event.bytesIn,
    bytesOut: event.bytesOut,
    project: event.project ?? '',
    user: event.user ?? '',
    endUser: event.endUser ?? '',
    tags: event.tags ?? NO_TAGS,
    reported: true,
  };
}

interface Owner {
  readonly organization: string;
  readonly key: string;
  readonly credential: string;
}

/** The vault checked the key behind the call itself, so its word on who pays stands; a service call has no key there. */
const disagrees = (journal: Owner, gateway: Owner): boolean =>
  journal.organization !== gateway.organization ||
  journal.credential !== gateway.credential ||
  (journal.key !== '' && journal.key !== gateway.key);

function withStart(row: CallRow, { record, shard, reservation }: Extract<CallFact, { readonly fact: 'start' }>): CallRow {
  return {
    ...row,
    organization: record.organization,
    credential: record.credential,
    key: record.key === '' ? row.key : record.key,
    startedAt: row.reported ? row.startedAt : record.at,
    team: row.reported ? row.team : (reservation?.team ?? ''),
    alias: row.reported ? row.alias : (reservation?.alias ?? ''),
    project: row.reported ? row.project : (reservation?.project ?? ''),
    user: row.reported ? row.user : (reservation?.user ?? ''),
    endUser: row.reported ? row.endUser : (reservation?.endUser ?? ''),
    tags: row.reported ? row.tags : (reservation?.tags ?? NO_TAGS),
    disputed: row.reported && disagrees(record, row),
    maxInput: reservation?.maxInput ?? null,
    maxOutput: reservation?.maxOutput ?? null,
    shard,
    generation: record.generation,
    journalStartedAt: record.at,
  };
}

const withEnd = (row: CallRow, record: EndRecord): CallRow => ({
  ...row,
  generation: record.generation,
  journalEndedAt: record.at,
  journalStatus: record.status,
  journalOutcome: record.outcome,
  journalBytesIn: record.bytesIn,
  journalBytesOut: record.bytesOut,
});

/** State and wait that follow from the columns; a fact about an expired row takes its verdict back. */
function settled(row: CallRow, now: number, { graceMs, settleMs }: Waits, orphan = false): CallRow {
  const journaled = row.journalStartedAt !== null || row.journalEndedAt !== null;
  if (row.reported && journaled) return { ...row, state: 'confirmed', expired: false, dueAt: null };
  if (row.reported) return { ...row, state: 'usage-first', expired: false, dueAt: now + graceMs };
  const ended = row.journalEndedAt === null ? row.dueAt : earlier(row.dueAt, now + graceMs);
  return { ...row, state: 'open', expired: false, dueAt: orphan ? earlier(ended, now + settleMs) : ended };
}

const earlier = (dueAt: number | null, other: number): number => (dueAt === null ? other : Math.min(dueAt, other));

/** Bytes of English text or JSON in one token, roughly; streams spend more, so that the estimate errs upwards. */
const BYTES_PER_TOKEN = 4;

/**
 * Ends the wait. A call the gateway never reported is charged by an estimate, flagged as such and never silently free:
 * tokens from the vault's byte counts, within the bounds of the reservation where it is known, else those bounds; at the
 * price of the last confirmed call like it, else at the dearest. A late report replaces all of it.
 */
export function expire(row: CallRow, like: Likeness | undefined, operator: OperatorPrices = NO_OPERATOR_PRICES): CallRow {
  if (row.reported) return { ...row, state: 'unmatched', expired: true, dueAt: null };
  const usage = { ...NO_USAGE, input: estimate(row.journalBytesOut, row.maxInput), output: estimate(row.journalBytesIn, row.maxOutput) };
  const { provider = '', model = '', baseModel, priceList = row.credential, endpoint = '' } = like ?? {};
  const price = priceUsage(usage, model, priceList, row.startedAt, { provider, credential: row.credential, baseModel, operator });
  return {
    ...row,
    provider,
    model,
    priceList,
    endpoint,
    usage,
    state: 'unconfirmed',
    outcome: 'unconfirmed',
    status: row.journalStatus ?? 0,
    estimated: true,
    picodollars: price.picodollars,
    priceVersion: price.version,
    priceKnown: price.known && like !== undefined,
    priceDetail: writePriceDetail(price),
    latencyMs: row.journalEndedAt === null ? 0 : Math.max(0, row.journalEndedAt - row.startedAt),
    expired: true,
    dueAt: null,
  };
}

function estimate(bytes: number | null, bound: number | null): number {
  if (bytes === null) return bound ?? 0;
  return Math.min(Math.ceil(bytes / BYTES_PER_TOKEN), bound ?? Number.MAX_SAFE_INTEGER);
}
