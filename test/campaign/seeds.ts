import { createHash } from 'node:crypto';
import { seeded } from '../replay/random.ts';

/** Numbers of one part of the campaign, by the campaign's seed and the part's name: leaving out another part changes none of them. */
export const seededFor = (seed: number, part: string): (() => number) =>
  seeded(createHash('sha256').update(`${seed} ${part}`).digest().readInt32LE(0));

/** A whole number from `least` up to, and without, `most`. */
export const between = (least: number, most: number, random: () => number): number => least + Math.floor(random() * (most - least));

/** All of them, in an order by the next numbers. */
export function shuffled<T>(of: readonly T[], random: () => number): readonly T[] {
  const list = [...of];
  for (let left = list.length; left > 1; left--) {
    const at = Math.floor(random() * left);
    [list[left - 1], list[at]] = [list[at] as T, list[left - 1] as T];
  }
  return list;
}
