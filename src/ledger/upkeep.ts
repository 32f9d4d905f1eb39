import type { SqliteDatabase } from '../store/sqlite/open.ts';
import { Compaction, type Retention } from './retention.ts';
import type { Writer } from './writer.ts';

/** A minute after the last turn that found nothing; between batches long enough that commits of the hot path come first. */
const IDLE_MS = 60_000;
const BETWEEN_BATCHES_MS = 100;
/** A step that took long is followed by a pause this many times as long, so that commits wait seldom. */
const PAUSE_SHARE = 4;

/**
 * Deletes what retention has ended, and packs the sums of what is over, now and then and a little at a time, on the thread that owns the
 * file. Gives the function that ends it.
 */
export function keepUp(db: SqliteDatabase, writer: Writer, retention: Retention, onFailure: (reason: string) => void): () => void {
  const compaction = new Compaction(db, retention);
  const turn = (): void => {
    let isMore = false;
    const began = performance.now();
    try {
      const now = Date.now();
      isMore = compaction.step(now) > 0 || writer.seal(now);
    } catch (error) {
      // Nothing of the batch is done; the next turn tries again.
      onFailure(String(error));
    }
    timer = setTimeout(turn, isMore ? Math.max(BETWEEN_BATCHES_MS, PAUSE_SHARE * (performance.now() - began)) : IDLE_MS);
  };
  let timer = setTimeout(turn, BETWEEN_BATCHES_MS);
  return () => clearTimeout(timer);
}
