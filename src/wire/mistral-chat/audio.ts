/** First letters of base64 by which sound is known: Mistral takes it without a word about its format. */
const HEADS: readonly (readonly [string, string])[] = [
  ['UklGR', 'wav'],
  ['SUQz', 'mp3'],
  ['T2dnUw', 'ogg'],
  ['ZkxhQw', 'flac'],
  ['//F', 'aac'],
  ['//k', 'aac'],
  ['//l', 'aac'],
  ['//', 'mp3'],
];

/** `wav` where nothing is known: of all formats that is the one that every other provider takes. */
export const audioFormat = (data: string): string => HEADS.find(([head]) => data.startsWith(head))?.[1] ?? 'wav';
