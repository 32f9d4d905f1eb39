import { DatabaseSync } from 'node:sqlite';
import { BulkheadError } from '../../core/errors.ts';
import type { KeyId, RequestId } from '../../core/ids.ts';
import { fail, ok, type Result } from '../../core/result.ts';
import type { AdmissionRefusal, LimitState } from '../../core/rules.ts';
import type { UsageEvent } from '../../core/usage.ts';
import type { Admission, Reservation, ReserveRequest } from '../admission.ts';

/** Test code: the second engine of the seam. A table instead of maps, so that the suite holds no accident of the first. */
export class SqliteAdmission implements Admission {
  readonly #db: DatabaseSync;

  constructor(file = ':memory:') {
    this.#db = new DatabaseSync(file);
    this.#db.exec(
      'CREATE TABLE IF NOT EXISTS reservations (id TEXT PRIMARY KEY, owner TEXT NOT NULL, key TEXT NOT NULL, request TEXT NOT NULL) STRICT',
    );
  }

  reserve(owner: string, request: ReserveRequest): Result<readonly LimitState[] | undefined, AdmissionRefusal> {
    const held = this.reservation(request.requestId);
    if (held !== undefined) {
      if (held.owner !== owner) throw new BulkheadError('permission_denied', { act: 'reserve for a request of another process' });
      return ok(undefined);
    }
    const { requestId, key, maxParallel } = request;
    if (maxParallel !== undefined && this.inFlight(key) >= maxParallel) {
      return fail({ code: 'too_many_parallel_requests', values: { owner: `The key ${key}`, limit: maxParallel } });
    }
    this.#db.prepare('INSERT INTO reservations VALUES (?, ?, ?, ?)').run(requestId, owner, key, JSON.stringify(request));
    return ok(undefined);
  }

  adjust(requestId: RequestId, maxInputTokens: number, maxOutputTokens: number): void {
    const sql = "UPDATE reservations SET request = json_set(request, '$.maxInputTokens', ?, '$.maxOutputTokens', ?) WHERE id = ?";
    this.#db.prepare(sql).run(BigInt(maxInputTokens), BigInt(maxOutputTokens), requestId);
  }

  settle(event: UsageEvent): void {
    this.release(event.requestId);
  }

  release(requestId: RequestId): void {
    this.#db.prepare('DELETE FROM reservations WHERE id = ?').run(requestId);
  }

  abandon(owner: string): readonly RequestId[] {
    return this.#db
      .prepare('DELETE FROM reservations WHERE owner = ? RETURNING id')
      .all(owner)
      .map((row) => row['id'] as RequestId);
  }

  reservation(requestId: RequestId): Reservation | undefined {
    const row = this.#db.prepare('SELECT owner, request FROM reservations WHERE id = ?').get(requestId);
    return row === undefined
      ? undefined
      : { ...(JSON.parse(String(row['request'])) as ReserveRequest), owner: String(row['owner']), at: 0, hard: false };
  }

  inFlight(key: KeyId): number {
    return Number(this.#db.prepare('SELECT count(*) AS count FROM reservations WHERE key = ?').get(key)?.['count']);
  }

  get size(): number {
    return Number(this.#db.prepare('SELECT count(*) AS count FROM reservations').get()?.['count']);
  }

  close(): void {
    this.#db.close();
  }
}
