import { isJsonObject, type Json, type JsonObject } from '../core/json.ts';
import { fail, ok, type Result } from '../core/result.ts';
import { OUTCOMES, type Outcome, type TokenUsage, type UsageEvent } from '../core/usage.ts';
import type { ReserveRequest } from '../admission/admission.ts';
import type { JournalRecord, ResponseFacts } from '../ipc/messages.ts';
import type { ResponseName } from './response-store.ts';

/**
 * Turns what a gateway or vault sent into precise types. A captured gateway may send anything: whatever is not exactly
 * right is refused by name, and never repaired where money depends on it.
 */

const REQUEST_ID = /^req_[0-9A-HJKMNP-TV-Z]{26}$/;
/** Ids of keys, organizations, teams, credentials, providers. */
const ID = /^[A-Za-z0-9*][A-Za-z0-9._:*-]{0,127}$/;
const MAX_TOKENS = 1_000_000_000;
const MAX_ATTEMPT = 1000;
const MAX_PARALLEL = 1_000_000;
const MAX_DURATION_MS = 7 * 86_400_000;
/** How old a report may be: a gateway keeps its reports while the ledger is away, not for longer. */
const MAX_AGE_MS = 7 * 86_400_000;
/** How far the clock of another process may be ahead. */
const MAX_AHEAD_MS = 60_000;
const MAX_TEXT = 256;
// oxlint-disable-next-line no-control-regex -- these are the characters to find
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g;

class Refused extends Error {
  override readonly name = 'Refused';
}

/** Runs a check and gives its refusal as a value. */
function checked<T>(check: () => T): Result<T, string> {
  try {
    return ok(check());
  } catch (error) {
    if (error instanceof Refused) return fail(error.message);
    throw error;
  }
}

const refuse = (field: string): never => {
  throw new Refused(field);
};

const object = (value: Json | undefined, field: string): JsonObject => (isJsonObject(value) ? value : refuse(field));

function integer(from: JsonObject, field: string, max: number, min = 0): number {
  const value = from[field];
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max ? value : refuse(field);
}

/** Durations are measured with fractions and stored in whole milliseconds. */
function duration(from: JsonObject, field: string): number {
  const value = from[field];
  return typeof value === 'number' && value >= 0 && value <= MAX_DURATION_MS ? Math.round(value) : refuse(field);
}

const flag = (from: JsonObject, field: string): boolean => {
  const value = from[field];
  return typeof value === 'boolean' ? value : refuse(field);
};

function matching<T extends string>(from: JsonObject, field: string, pattern: RegExp): T {
  const value = from[field];
  return typeof value === 'string' && pattern.test(value) ? (value as T) : refuse(field);
}

/** An id, or '' where the sender has none. */
function idOrNone<T extends string>(from: JsonObject, field: string): T {
  return from[field] === '' ? ('' as T) : matching<T>(from, field, ID);
}

/** Text that clients choose, such as a model name: shortened and cleared of control characters, because only its label depends on it. */
function label(from: JsonObject, field: string): string {
  const value = from[field];
  if (typeof value !== 'string') return refuse(field);
  return value.slice(0, MAX_TEXT).replace(CONTROLS, ' ').toWellFormed();
}

function oneOf<T extends string>(from: JsonObject, field: string, allowed: readonly T[]): T {
  const value = from[field];
  return allowed.find((one) => one === value) ?? refuse(field);
}

export const checkRequestId = (value: Json | undefined): UsageEvent['requestId'] | undefined =>
  typeof value === 'string' && REQUEST_ID.test(value) ? (value as UsageEvent['requestId']) : undefined;

export const checkReserve = (value: Json | undefined): Result<ReserveRequest, string> =>
  checked(() => {
    const from = object(value, 'request');
    const bounds = {
      requestId: matching<ReserveRequest['requestId']>(from, 'requestId', REQUEST_ID),
      key: matching<ReserveRequest['key']>(from, 'key', ID),
      organization: matching<ReserveRequest['organization']>(from, 'organization', ID),
      team: idOrNone<ReserveRequest['team']>(from, 'team'),
      alias: label(from, 'alias'),
      maxInputTokens: integer(from, 'maxInputTokens', MAX_TOKENS),
      maxOutputTokens: integer(from, 'maxOutputTokens', MAX_TOKENS),
    };
    return from['maxParallel'] === undefined ? bounds : { ...bounds, maxParallel: integer(from, 'maxParallel', MAX_PARALLEL) };
  });

export const checkAdjust = (
  head: JsonObject,
): Result<{ readonly requestId: UsageEvent['requestId']; readonly maxInputTokens: number; readonly maxOutputTokens: number }, string> =>
  checked(() => ({
    requestId: matching<UsageEvent['requestId']>(head, 'requestId', REQUEST_ID),
    maxInputTokens: integer(head, 'maxInputTokens', MAX_TOKENS),
    maxOutputTokens: integer(head, 'maxOutputTokens', MAX_TOKENS),
  }));

function checkTokens(value: Json | undefined): TokenUsage {
  const from = object(value, 'usage');
  return {
    input: integer(from, 'input', MAX_TOKENS),
    output: integer(from, 'output', MAX_TOKENS),
    cachedInput: integer(from, 'cachedInput', MAX_TOKENS),
    cacheWrite: integer(from, 'cacheWrite', MAX_TOKENS),
    cacheWrite1h: integer(from, 'cacheWrite1h', MAX_TOKENS),
    reasoning: integer(from, 'reasoning', MAX_TOKENS),
    inputAudio: integer(from, 'inputAudio', MAX_TOKENS),
    outputAudio: integer(from, 'outputAudio', MAX_TOKENS),
  };
}

/** `now`: Unix milliseconds at which the ledger got the event. */
export const checkUsage = (value: Json | undefined, now: number): Result<UsageEvent, string> =>
  checked(() => {
    const from = object(value, 'event');
    if (from['v'] !== 1) refuse('v');
    const event: UsageEvent = {
      v: 1,
      requestId: matching<UsageEvent['requestId']>(from, 'requestId', REQUEST_ID),
      attempt: integer(from, 'attempt', MAX_ATTEMPT, 1),
      proof: oneOf(from, 'proof', ['key', 'service'] as const),
      key: idOrNone<UsageEvent['key']>(from, 'key'),
      organization: matching<UsageEvent['organization']>(from, 'organization', ID),
      team: idOrNone<UsageEvent['team']>(from, 'team'),
      credential: matching<UsageEvent['credential']>(from, 'credential', ID),
      provider: matching<UsageEvent['provider']>(from, 'provider', ID),
      alias: label(from, 'alias'),
      model: label(from, 'model'),
      priceList: label(from, 'priceList'),
      endpoint: label(from, 'endpoint'),
      stream: flag(from, 'stream'),
      status: integer(from, 'status', 999),
      outcome: oneOf<Outcome>(from, 'outcome', OUTCOMES),
      usage: checkTokens(from['usage']),
      estimated: flag(from, 'estimated'),
      startedAt: Math.round(within(from, 'startedAt', now)),
      latencyMs: duration(from, 'latencyMs'),
      bytesIn: integer(from, 'bytesIn', Number.MAX_SAFE_INTEGER),
      bytesOut: integer(from, 'bytesOut', Number.MAX_SAFE_INTEGER),
    };
    return from['firstByteMs'] === undefined ? event : { ...event, firstByteMs: duration(from, 'firstByteMs') };
  });

/** A report dated outside every report's period would hide from all of them. */
function within(from: JsonObject, field: string, now: number): number {
  const value = from[field];
  return typeof value === 'number' && value >= now - MAX_AGE_MS && value <= now + MAX_AHEAD_MS ? value : refuse(field);
}

const JOURNAL_OUTCOMES = ['complete', 'cut', 'cancelled', 'refused', 'timeout'] as const;

/** Records of one journal call, offsets strictly rising. */
export const checkRecords = (value: Json | undefined): Result<readonly JournalRecord[], string> =>
  checked(() => {
    if (!Array.isArray(value)) return refuse('records');
    let last = -1;
    return (value as readonly Json[]).map((item) => {
      const record = checkRecord(object(item, 'record'));
      if (record.offset <= last) refuse('offset');
      last = record.offset;
      return record;
    });
  });

function checkRecord(from: JsonObject): JournalRecord {
  const head = {
    offset: integer(from, 'offset', Number.MAX_SAFE_INTEGER),
    generation: checkGeneration(from, 'generation'),
    requestId: matching<UsageEvent['requestId']>(from, 'requestId', REQUEST_ID),
    attempt: integer(from, 'attempt', MAX_ATTEMPT, 1),
    at: integer(from, 'at', Number.MAX_SAFE_INTEGER),
  };
  if (from['k'] === 'start') {
    return {
      k: 'start',
      ...head,
      credential: matching(from, 'credential', ID),
      organization: idOrNone(from, 'organization'),
      key: idOrNone(from, 'key'),
    };
  }
  if (from['k'] !== 'end') return refuse('k');
  return {
    k: 'end',
    ...head,
    status: integer(from, 'status', 999),
    bytesOut: integer(from, 'bytesOut', Number.MAX_SAFE_INTEGER),
    bytesIn: integer(from, 'bytesIn', Number.MAX_SAFE_INTEGER),
    outcome: oneOf(from, 'outcome', JOURNAL_OUTCOMES),
  };
}

const checkGeneration = (from: JsonObject, field: string): string => {
  const value = from[field];
  return typeof value === 'string' && value.length > 0 && value.length <= MAX_TEXT ? value : refuse(field);
};

export const checkJournalHead = (head: JsonObject): Result<{ readonly shard: number; readonly generation: string }, string> =>
  checked(() => ({ shard: integer(head, 'shard', 65_535), generation: checkGeneration(head, 'generation') }));

/** OpenAI's and our own ids of responses; other providers' may be longer. */
const RESPONSE_ID = /^[A-Za-z0-9_-]{1,256}$/;

const responseName = (head: JsonObject): ResponseName => ({
  id: matching(head, 'id', RESPONSE_ID),
  organization: matching(head, 'organization', ID),
  team: idOrNone(head, 'team'),
});

export const checkResponseName = (head: JsonObject): Result<ResponseName, string> => checked(() => responseName(head));

export const checkResponsePut = (
  head: JsonObject,
): Result<{ readonly name: ResponseName; readonly facts: ResponseFacts; readonly expiresAt: number }, string> =>
  checked(() => {
    const facts = object(head['facts'], 'facts');
    const provider = facts['provider'] === null ? null : matching<string>(facts, 'provider', ID);
    return { name: responseName(head), facts: { provider }, expiresAt: integer(head, 'expiresAt', Number.MAX_SAFE_INTEGER) };
  });
