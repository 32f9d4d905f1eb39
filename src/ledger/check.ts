import type { Json, JsonObject } from '../core/json.ts';
import type { Result } from '../core/result.ts';
import { OUTCOMES, UNITS, type Outcome, type TokenUsage, type Units, type UsageEvent } from '../core/usage.ts';
import type { ReserveRequest, ReserveTarget } from '../admission/admission.ts';
import type { ResponseFacts, JournalRecord } from '../ipc/messages/ledger.ts';
import { keyRules } from './check-rules.ts';
import {
  checked,
  duration,
  exactText,
  flag,
  generation,
  id,
  idOrNone,
  integer,
  label,
  list,
  matching,
  object,
  oneOf,
  refuse,
} from './fields.ts';
import type { ResponseName } from './response-store.ts';

/**
 * Turns what a gateway or vault sent into precise types. A captured gateway may send anything: whatever is not exactly
 * right is refused by name, and never repaired where money depends on it.
 */

const REQUEST_ID = /^req_[0-9A-HJKMNP-TV-Z]{26}$/;
const MAX_TOKENS = 1_000_000_000;
const MAX_ATTEMPT = 1000;
const MAX_PARALLEL = 1_000_000;
/** How old a report may be: a gateway keeps its reports while the ledger is away, not for longer. */
const MAX_AGE_MS = 7 * 86_400_000;
/** How far the clock of another process may be ahead. */
const MAX_AHEAD_MS = 60_000;
const MAX_END_USER = 256;
const MAX_TAGS = 16;
const MAX_TAG = 64;
const MAX_TARGETS = 16;
const MAX_UNITS = 1_000_000_000;
/** Requests that one gateway may have under way when it comes back. */
const MAX_RESUMED = 100_000;
const TIER = /^[a-z][a-z0-9_-]{0,31}$/;

export const checkRequestId = (value: Json | undefined): UsageEvent['requestId'] | undefined =>
  typeof value === 'string' && REQUEST_ID.test(value) ? (value as UsageEvent['requestId']) : undefined;

/** The owners of a request that need not be there; each is in the result only where it was sent. */
interface OptionalOwners {
  readonly project?: string;
  readonly user?: string;
  readonly endUser?: string;
  readonly tags?: readonly string[];
}

const optionalOwners = (from: JsonObject): OptionalOwners => ({
  ...(from['project'] !== undefined && { project: id(from, 'project') }),
  ...(from['user'] !== undefined && { user: id(from, 'user') }),
  ...(from['endUser'] !== undefined && { endUser: exactText(from['endUser'], 'endUser', MAX_END_USER) }),
  ...(from['tags'] !== undefined && { tags: tags(from['tags']) }),
});

/** A tag that is there twice would be counted twice. */
function tags(value: Json): readonly string[] {
  const found = list(value, 'tags', MAX_TAGS, (tag) => exactText(tag, 'tags', MAX_TAG));
  return new Set(found).size === found.length ? found : refuse('tags');
}

function target(value: Json): ReserveTarget {
  const from = object(value, 'target');
  const found = { provider: id(from, 'provider'), model: label(from, 'model'), priceList: label(from, 'priceList') };
  return from['baseModel'] === undefined ? found : { ...found, baseModel: label(from, 'baseModel') };
}

const targets = (value: Json): readonly ReserveTarget[] => list(value, 'targets', MAX_TARGETS, target);

/** A request without any rule has none of the optional fields, and pays for none of them. */
function reserveRequest(value: Json | undefined): ReserveRequest {
  const from = object(value, 'request');
  return {
    requestId: matching<ReserveRequest['requestId']>(from, 'requestId', REQUEST_ID),
    key: id<ReserveRequest['key']>(from, 'key'),
    organization: id<ReserveRequest['organization']>(from, 'organization'),
    team: idOrNone<ReserveRequest['team']>(from, 'team'),
    alias: label(from, 'alias'),
    maxInputTokens: integer(from, 'maxInputTokens', MAX_TOKENS),
    maxOutputTokens: integer(from, 'maxOutputTokens', MAX_TOKENS),
    ...(from['maxUnits'] !== undefined && { maxUnits: units(from['maxUnits']) }),
    ...(from['likelyOutputTokens'] !== undefined && { likelyOutputTokens: integer(from, 'likelyOutputTokens', MAX_TOKENS) }),
    ...(from['maxParallel'] !== undefined && { maxParallel: integer(from, 'maxParallel', MAX_PARALLEL) }),
    ...(from['lineage'] !== undefined && { lineage: id<ReserveRequest['key']>(from, 'lineage') }),
    ...optionalOwners(from),
    ...(from['rules'] !== undefined && { rules: keyRules(from['rules']) }),
    ...(from['targets'] !== undefined && { targets: targets(from['targets']) }),
  };
}

export const checkReserve = (value: Json | undefined): Result<ReserveRequest, string> => checked(() => reserveRequest(value));

export const checkResume = (value: Json | undefined): Result<readonly ReserveRequest[], string> =>
  checked(() => list(value, 'requests', MAX_RESUMED, reserveRequest));

export interface Adjustment extends Pick<ReserveRequest, 'requestId' | 'maxInputTokens' | 'maxOutputTokens'> {
  readonly target: ReserveTarget | undefined;
}

export const checkAdjust = (head: JsonObject): Result<Adjustment, string> =>
  checked(() => ({
    requestId: matching<UsageEvent['requestId']>(head, 'requestId', REQUEST_ID),
    maxInputTokens: integer(head, 'maxInputTokens', MAX_TOKENS),
    maxOutputTokens: integer(head, 'maxOutputTokens', MAX_TOKENS),
    target: head['target'] === undefined ? undefined : target(head['target']),
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
    ...(from['inputImage'] !== undefined && { inputImage: integer(from, 'inputImage', MAX_TOKENS) }),
    ...(from['outputImage'] !== undefined && { outputImage: integer(from, 'outputImage', MAX_TOKENS) }),
    ...(from['units'] !== undefined && { units: units(from['units']) }),
    ...(from['tier'] !== undefined && { tier: matching<string>(from, 'tier', TIER) }),
  };
}

function units(value: Json): Units {
  const from = object(value, 'units');
  const found = UNITS.filter((unit) => from[unit] !== undefined);
  if (found.length !== Object.keys(from).length) return refuse('units');
  return Object.fromEntries(found.map((unit) => [unit, integer(from, unit, MAX_UNITS)]));
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
      organization: id<UsageEvent['organization']>(from, 'organization'),
      team: idOrNone<UsageEvent['team']>(from, 'team'),
      credential: id<UsageEvent['credential']>(from, 'credential'),
      provider: id<UsageEvent['provider']>(from, 'provider'),
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
    if (from['firstByteMs'] === undefined && from['baseModel'] === undefined && !belongsFurther(from)) return event;
    return {
      ...event,
      ...optionalOwners(from),
      ...(from['baseModel'] !== undefined && { baseModel: label(from, 'baseModel') }),
      ...(from['firstByteMs'] !== undefined && { firstByteMs: duration(from, 'firstByteMs') }),
    };
  });

const belongsFurther = ({ project, user, endUser, tags: tagged }: JsonObject): boolean =>
  project !== undefined || user !== undefined || endUser !== undefined || tagged !== undefined;

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
    generation: generation(from, 'generation'),
    requestId: matching<UsageEvent['requestId']>(from, 'requestId', REQUEST_ID),
    attempt: integer(from, 'attempt', MAX_ATTEMPT, 1),
    at: integer(from, 'at', Number.MAX_SAFE_INTEGER),
  };
  if (from['k'] === 'start') {
    return {
      k: 'start',
      ...head,
      credential: id(from, 'credential'),
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

export const checkJournalHead = (head: JsonObject): Result<{ readonly shard: number; readonly generation: string }, string> =>
  checked(() => ({ shard: integer(head, 'shard', 65_535), generation: generation(head, 'generation') }));

/** OpenAI's and our own ids of responses; other providers' may be longer. */
const RESPONSE_ID = /^[A-Za-z0-9_-]{1,256}$/;

const responseName = (head: JsonObject): ResponseName => ({
  id: matching(head, 'id', RESPONSE_ID),
  organization: id(head, 'organization'),
  team: idOrNone(head, 'team'),
});

export const checkResponseName = (head: JsonObject): Result<ResponseName, string> => checked(() => responseName(head));

export const checkResponsePut = (
  head: JsonObject,
): Result<{ readonly name: ResponseName; readonly facts: ResponseFacts; readonly expiresAt: number }, string> =>
  checked(() => {
    const facts = object(head['facts'], 'facts');
    const provider = facts['provider'] === null ? null : id<string>(facts, 'provider');
    return { name: responseName(head), facts: { provider }, expiresAt: integer(head, 'expiresAt', Number.MAX_SAFE_INTEGER) };
  });
