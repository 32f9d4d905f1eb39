import { isTimeZone } from '../admission/calendar.ts';
import type { Clock } from '../core/clock.ts';
import { BulkheadError } from '../core/errors.ts';
import { isJsonObject, type JsonObject } from '../core/json.ts';
import {
  DIFFERENCE_KINDS,
  USAGE_DIMENSIONS,
  USAGE_FILTERS,
  type DifferenceKind,
  type UsageDimension,
  type UsageFilter,
} from '../core/reports.ts';
import type { IncomingCall } from '../ipc/peer.ts';
import type { Logger } from '../telemetry/log.ts';
import type { Ledger } from './ledger.ts';
import type { ReportDesk } from './report-desk.ts';
import type { Report } from './report-thread.ts';
import { isCursor, isDayCursor } from './reports.ts';

const MAX_DIMENSIONS = 4;
const MAX_SUMMARY_ROWS = 10_000;
const MAX_ROWS = 1_000;
const MAX_OWNERS = 10_000;
const DAY_MS = 86_400_000;
/** Names of the IANA database. */
const TIME_ZONE = /^[A-Za-z0-9+_/-]{1,64}$/;
/** A plain file name: no separator, so that a backup stays in its folder. */
const BACKUP_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;

/** Answers control: reports, backups, metrics. */
export class LedgerDesk {
  readonly #ledger: Ledger;
  readonly #reports: ReportDesk;
  readonly #clock: Clock;
  readonly #log: Logger;

  constructor(ledger: Ledger, reports: ReportDesk, clock: Clock, log: Logger) {
    this.#ledger = ledger;
    this.#reports = reports;
    this.#clock = clock;
    this.#log = log;
  }

  answer(call: IncomingCall): void {
    if (call.head['op'] === 'admission.apply') return this.#ledger.admissions.policy.apply(call);
    if (call.head['op'] === 'prices.apply') return this.#ledger.prices.apply(call);
    const op = String(call.head['op']);
    this.#answer(call.head).then(
      (reply) => call.reply(reply),
      (error: unknown) => {
        if (error instanceof BulkheadError) return call.error(error.code, error.values);
        this.#log.error('ledger.report_failed', { op, reason: error instanceof Error ? error.message : String(error) });
        call.error('internal');
      },
    );
  }

  /** A report comes as JSON text: nothing here looks at it. */
  async #answer(head: JsonObject): Promise<JsonObject | string> {
    if (head['op'] === 'metrics') return this.#metrics();
    if (head['op'] === 'admission.status') return { ...this.#ledger.admissions.status(ownerNames(head)) } as unknown as JsonObject;
    if (head['op'] === 'admission.alerts')
      return { ...this.#ledger.admissions.alerts.since(whole(head, 'since')) } as unknown as JsonObject;
    return this.#reports.ask(readReport(head));
  }

  async #metrics(): Promise<JsonObject> {
    const told = await this.#reports.ask({ op: 'states', since: this.#clock.now() - DAY_MS });
    const states = JSON.parse(told) as Readonly<Record<string, number>>;
    for (const state of ['open', 'usage-first', 'confirmed', 'unconfirmed', 'unmatched'])
      this.#ledger.metrics.states.set(states[state] ?? 0, [state]);
    return { metrics: this.#ledger.snapshot() };
  }
}

/** Throws `invalid_field` for what is not a report. */
export function readReport(head: JsonObject): Report {
  switch (head['op']) {
    case 'usage.summary':
      return {
        op: 'usage.summary',
        by: dimensions(head),
        ...period(head),
        filter: filter(head),
        limit: count(head, MAX_SUMMARY_ROWS),
        timeZone: timeZone(head),
      };
    case 'usage.rows':
      return {
        op: 'usage.rows',
        ...period(head),
        filter: filter(head),
        limit: count(head, MAX_ROWS),
        before: cursor(head, 'before', isCursor),
      };
    case 'usage.export':
      return {
        op: 'usage.export',
        ...period(head),
        filter: filter(head),
        limit: count(head, MAX_ROWS),
        after: cursor(head, 'after', isCursor),
      };
    case 'usage.days':
      return {
        op: 'usage.days',
        ...period(head),
        filter: filter(head),
        limit: count(head, MAX_ROWS),
        after: cursor(head, 'after', isDayCursor),
      };
    case 'reconciliation.list':
      return {
        op: 'reconciliation.list',
        ...period(head),
        kind: differenceKind(head),
        limit: count(head, MAX_ROWS),
        before: cursor(head, 'before', isCursor),
      };
    case 'usage.request':
      return { op: 'usage.request', requestId: text(head, 'requestId', /^.{1,64}$/) };
    case 'backup':
      return { op: 'backup', fileName: text(head, 'fileName', BACKUP_NAME) };
    default:
      throw invalid('op', 'it is not a report');
  }
}

const invalid = (field: string, reason: string): BulkheadError => new BulkheadError('invalid_field', { field, reason });

function text(head: JsonObject, field: string, pattern: RegExp): string {
  const value = head[field];
  if (typeof value !== 'string' || !pattern.test(value)) throw invalid(field, 'it has another form');
  return value;
}

function whole(head: JsonObject, field: string): number {
  const value = head[field];
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) throw invalid(field, 'it is not a whole number');
  return value;
}

/** Null: of all rules. */
function ownerNames({ owners }: JsonObject): readonly string[] | null {
  if (owners === null || owners === undefined) return null;
  if (!Array.isArray(owners) || owners.length > MAX_OWNERS || !owners.every((name) => typeof name === 'string'))
    throw invalid('owners', `it must be at most ${MAX_OWNERS} owners`);
  return owners as readonly string[];
}

const period = (head: JsonObject): { readonly from: number; readonly to: number } => ({ from: whole(head, 'from'), to: whole(head, 'to') });

function count(head: JsonObject, max: number): number {
  const value = whole(head, 'limit');
  if (value < 1 || value > max) throw invalid('limit', `it must be 1 to ${max}`);
  return value;
}

function dimensions(head: JsonObject): readonly UsageDimension[] {
  const { by } = head;
  if (!Array.isArray(by) || by.length > MAX_DIMENSIONS) throw invalid('by', `it must be at most ${MAX_DIMENSIONS} dimensions`);
  const known = USAGE_DIMENSIONS.filter((name) => by.includes(name));
  if (known.length !== by.length) throw invalid('by', `each must be one of ${USAGE_DIMENSIONS.join(', ')}, once`);
  return by as readonly UsageDimension[];
}

function filter(head: JsonObject): UsageFilter {
  const given = head['filter'];
  if (!isJsonObject(given)) throw invalid('filter', 'it is not an object');
  for (const [name, value] of Object.entries(given)) {
    if (!USAGE_FILTERS.some((known) => known === name) || typeof value !== 'string') throw invalid('filter', `${name} is not a filter`);
  }
  return given as UsageFilter;
}

function cursor(head: JsonObject, field: 'before' | 'after', isOne: (text: string) => boolean): string | null {
  const value = head[field];
  if (value === null || value === undefined) return null;
  if (typeof value !== 'string' || !isOne(value)) throw invalid(field, 'it is not the `next` of an earlier page');
  return value;
}

function timeZone(head: JsonObject): string {
  const name = text(head, 'timeZone', TIME_ZONE);
  if (!isTimeZone(name)) throw invalid('time_zone', 'there is no such zone; write it like Europe/Berlin');
  return name;
}

function differenceKind({ kind }: JsonObject): DifferenceKind | null {
  if (kind === null || kind === undefined) return null;
  const known = DIFFERENCE_KINDS.find((one) => one === kind);
  if (known === undefined) throw invalid('kind', `it must be one of ${DIFFERENCE_KINDS.join(', ')}`);
  return known;
}
