import type { MediaSource } from '../../canonical/part.ts';

/** What a media type shows to a model. */
type MediaKind = 'image' | 'audio' | 'video' | 'file';

export function kindOfMedia(mediaType: string): MediaKind {
  const [family] = mediaType.toLowerCase().split('/', 1);
  return family === 'image' || family === 'audio' || family === 'video' ? family : 'file';
}

/** OpenAI's words for sound; other formats go by their subtype, with what parameters they have. */
export const audioFormatOf = (mediaType: string): string => {
  const subtype = mediaType.slice('audio/'.length);
  return subtype === 'mpeg' ? 'mp3' : subtype === 'x-wav' ? 'wav' : subtype;
};

export const audioTypeOf = (format: string): string => `audio/${format}`;

const BY_ENDING: ReadonlyMap<string, string> = new Map([
  ['png', 'image/png'],
  ['jpg', 'image/jpeg'],
  ['jpeg', 'image/jpeg'],
  ['gif', 'image/gif'],
  ['webp', 'image/webp'],
  ['heic', 'image/heic'],
  ['heif', 'image/heif'],
  ['pdf', 'application/pdf'],
  ['txt', 'text/plain'],
  ['mp4', 'video/mp4'],
  ['webm', 'video/webm'],
  ['mov', 'video/quicktime'],
  ['mp3', 'audio/mpeg'],
  ['wav', 'audio/wav'],
  ['ogg', 'audio/ogg'],
  ['flac', 'audio/flac'],
]);

/** By the path's ending; undefined: only who fetches it can know. */
export function mediaTypeOfUrl(url: string): string | undefined {
  const path = URL.parse(url)?.pathname ?? '';
  return BY_ENDING.get(path.slice(path.lastIndexOf('.') + 1).toLowerCase());
}

const FILM_HOSTS: ReadonlySet<string> = new Set(['youtube.com', 'www.youtube.com', 'm.youtube.com', 'youtu.be']);

/** Pages of films that Gemini opens by itself. */
export const isFilmPage = (url: string): boolean => FILM_HOSTS.has(URL.parse(url)?.hostname ?? '');

/** Google's own uploads and buckets; no other provider can open them. */
const isUpload = (uri: string): boolean =>
  uri.startsWith('gs://') || URL.parse(uri)?.hostname === 'generativelanguage.googleapis.com' || !/^https?:\/\//.test(uri);

export const sourceOfUri = (uri: string): MediaSource => (isUpload(uri) ? { kind: 'file', id: uri } : { kind: 'url', url: uri });
