import type { MediaSource } from '../canonical/part.ts';

/** `data:TYPE;base64,DATA` and nothing more: what has parameters stays a URL, so that it is written again as it came. */
const DATA_URI = /^data:([a-zA-Z0-9!#$&^_.+-]+\/[a-zA-Z0-9!#$&^_.+-]+);base64,/;

/** A URL as a source: base64 data URIs become data. */
export function sourceOfUrl(url: string): MediaSource {
  // The head is matched on a short slice, since the data may be megabytes long.
  const head = DATA_URI.exec(url.slice(0, 200));
  if (head === null) return { kind: 'url', url };
  return { kind: 'data', mediaType: head[1] ?? '', data: url.slice(head[0].length) };
}

export const dataUri = (mediaType: string, data: string): string => `data:${mediaType};base64,${data}`;
