import type { WholeAnswer } from './answer.ts';
import type { Inspected } from './steps.ts';

/** Finds earlier answers. An engine keeps tenants apart by key and by encryption (security.md §4). */
export interface AnswerCache {
  find(inspected: Inspected): WholeAnswer | undefined | Promise<WholeAnswer | undefined>;
}

/** Remembers nothing: every request goes to its provider. */
export const noCache: AnswerCache = { find: () => undefined };
