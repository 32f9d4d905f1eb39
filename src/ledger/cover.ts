import { DAY_MS, HOUR_MS } from './sums.ts';

/**
 * Which sums and rows make up a stretch of time. Whole days come from daily sums, whole hours from hourly ones, and what is left, less
 * than an hour at each end, from single rows: exact in every zone, whole hours or not, and little to read.
 */

/** From where on rows and hourly sums are kept: Unix milliseconds, whole days of UTC. */
export interface Horizon {
  readonly rowsSince: number;
  readonly hoursSince: number;
  /** From here on there are sums of hours alone: the day is not over. */
  readonly daysUntil: number;
}

/** `[bucket, from, to, sign]`: days and hours as numbers since 1970, rows in milliseconds. A sign of −1 takes away again. */
export type Piece = readonly [bucket: number, from: number, to: number, sign: 1 | -1];

export interface Cover {
  readonly days: Piece[];
  readonly hours: Piece[];
  readonly rows: Piece[];
}

export const emptyCover = (): Cover => ({ days: [], hours: [], rows: [] });

/** Adds the pieces of `[from, to)`. */
export function addCover(cover: Cover, bucket: number, from: number, to: number, horizon: Horizon): void {
  // Where only days are left, one counts where it begins.
  const coarse = Math.min(to, horizon.hoursSince);
  if (from < coarse) addDays(cover, bucket, Math.ceil(from / DAY_MS), Math.ceil(coarse / DAY_MS));
  let begin = Math.max(from, horizon.hoursSince);
  if (begin >= to) return;
  if (begin % DAY_MS !== 0) {
    const midnight = Math.min(to, Math.ceil(begin / DAY_MS) * DAY_MS);
    addPart(cover, bucket, begin, midnight, horizon);
    begin = midnight;
  }
  const lastMidnight = Math.min(Math.floor(to / DAY_MS) * DAY_MS, horizon.daysUntil);
  if (begin < lastMidnight) addDays(cover, bucket, begin / DAY_MS, lastMidnight / DAY_MS);
  if (Math.max(begin, lastMidnight) < to) addPart(cover, bucket, Math.max(begin, lastMidnight), to, horizon);
}

function addDays(cover: Cover, bucket: number, from: number, to: number): void {
  if (from < to) cover.days.push([bucket, from, to, 1]);
}

/** Part of one day: its hours, or the day without the others, whatever is less to read. */
function addPart(cover: Cover, bucket: number, from: number, to: number, horizon: Horizon): void {
  if (to - from <= DAY_MS / 2 || from >= horizon.daysUntil) return addHours(cover, bucket, from, to, 1, horizon);
  const day = Math.floor(from / DAY_MS);
  cover.days.push([bucket, day, day + 1, 1]);
  addHours(cover, bucket, day * DAY_MS, from, -1, horizon);
  addHours(cover, bucket, to, (day + 1) * DAY_MS, -1, horizon);
}

function addHours(cover: Cover, bucket: number, from: number, to: number, sign: 1 | -1, { rowsSince }: Horizon): void {
  if (from >= to) return;
  if (from < rowsSince) {
    // Without rows an hour cannot be cut: it counts where it begins.
    const [first, last] = [Math.ceil(from / HOUR_MS), Math.ceil(to / HOUR_MS)];
    if (first < last) cover.hours.push([bucket, first, last, sign]);
    return;
  }
  const [first, last] = [Math.ceil(from / HOUR_MS), Math.floor(to / HOUR_MS)];
  if (first > last) return void cover.rows.push([bucket, from, to, sign]);
  if (first < last) cover.hours.push([bucket, first, last, sign]);
  if (from < first * HOUR_MS) cover.rows.push([bucket, from, first * HOUR_MS, sign]);
  if (last * HOUR_MS < to) cover.rows.push([bucket, last * HOUR_MS, to, sign]);
}
