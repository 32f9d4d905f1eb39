/** Bedrock names formats by a word where others name a media type. One list for each kind of media. */

const IMAGES: readonly (readonly [format: string, mediaType: string])[] = [
  ['png', 'image/png'],
  ['jpeg', 'image/jpeg'],
  ['gif', 'image/gif'],
  ['webp', 'image/webp'],
];

const DOCUMENTS: readonly (readonly [format: string, mediaType: string])[] = [
  ['pdf', 'application/pdf'],
  ['csv', 'text/csv'],
  ['doc', 'application/msword'],
  ['docx', 'application/vnd.openxmlformats-officedocument.wordprocessingml.document'],
  ['xls', 'application/vnd.ms-excel'],
  ['xlsx', 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet'],
  ['html', 'text/html'],
  ['txt', 'text/plain'],
  ['md', 'text/markdown'],
];

const VIDEOS: readonly (readonly [format: string, mediaType: string])[] = [
  ['mp4', 'video/mp4'],
  ['mkv', 'video/x-matroska'],
  ['mov', 'video/quicktime'],
  ['webm', 'video/webm'],
  ['flv', 'video/x-flv'],
  ['mpeg', 'video/mpeg'],
  ['mpg', 'video/mpg'],
  ['wmv', 'video/x-ms-wmv'],
  ['three_gp', 'video/3gpp'],
];

export const AUDIO_FORMATS: ReadonlySet<string> = new Set([
  'mp3',
  'opus',
  'wav',
  'aac',
  'flac',
  'mp4',
  'ogg',
  'mkv',
  'mka',
  'x-aac',
  'm4a',
  'mpeg',
  'mpga',
  'pcm',
  'webm',
]);

export interface Formats {
  mediaTypeOf(format: string): string | undefined;
  formatOf(mediaType: string): string | undefined;
}

function formats(list: readonly (readonly [format: string, mediaType: string])[]): Formats {
  const types = new Map(list);
  const words = new Map(list.map(([format, mediaType]) => [mediaType, format]));
  return { mediaTypeOf: (format) => types.get(format), formatOf: (mediaType) => words.get(mediaType) };
}

export const imageFormats = formats(IMAGES);
export const documentFormats = formats(DOCUMENTS);
export const videoFormats = formats(VIDEOS);
