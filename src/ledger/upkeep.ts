import type { SqliteDatabase } from '../store/sqlite/open.ts';
import { Compaction, type Retention } from './retention.ts';

/** A minute after the last one that found nothing; between batches long enough that commits of the hot path come first. */
const IDLE_MS = 60_000;
const BETWEEN_BATCHES_MS = 100;

/** Deletes what retention has ended, now and then, on the thread that owns the file. Gives the function that ends it. */
export function keepCompact(db: SqliteDatabase, retention: Retention, onFailure: (reason: string) => void): () => void {
  const compaction = new Compaction(db, retention);
  const turn = (): void => {
    let deleted = 0;
    try {
      deleted = compaction.step(Date.now());
    } catch (error) {
      // Nothing of the batch is gone; the next turn tries again.
      onFailure(String(error));
    }
    timer = setTimeout(turn, deleted > 0 ? BETWEEN_BATCHES_MS : IDLE_MS);
  };
  let timer = setTimeout(turn, BETWEEN_BATCHES_MS);
  return () => clearTimeout(timer);
}
