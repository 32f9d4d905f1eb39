/** Wall time for stamps, monotonic time for limits and timeouts. Never mix the two. */
export interface Clock {
  /** Unix time in whole milliseconds. */
  now(): number;
  /** Milliseconds since an arbitrary start, with fractions; never goes back. */
  monotonic(): number;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
};
