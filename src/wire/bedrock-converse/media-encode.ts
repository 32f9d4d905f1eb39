import type { JsonObject } from '../../core/json.ts';
import type { AudioPart, FilePart, ImagePart, MediaSource, VideoPart } from '../../canonical/part.ts';
import type { Dropped } from '../dropped.ts';
import { AUDIO_FORMATS, documentFormats, type Formats, imageFormats, videoFormats } from './formats.ts';
import { PROTOCOL } from './names.ts';

/** Bedrock reads a file's format from its word alone, so an address in S3 must end in it. */
function formatOfAddress(url: string, formats: Formats): string | undefined {
  const ending = url.slice(url.lastIndexOf('.') + 1).toLowerCase();
  const word = ending === 'jpg' ? 'jpeg' : ending === '3gp' ? 'three_gp' : ending;
  return formats.mediaTypeOf(word) === undefined ? undefined : word;
}

/** Format and source; undefined: Bedrock fetches from S3 alone, and knows no uploads. */
function encodeMedium(source: MediaSource, formats: Formats): JsonObject | undefined {
  if (source.kind === 'data') {
    const format = formats.formatOf(source.mediaType === 'image/jpg' ? 'image/jpeg' : source.mediaType);
    return format === undefined ? undefined : { format, source: { bytes: source.data } };
  }
  if (source.kind !== 'url' || !source.url.startsWith('s3://')) return undefined;
  const format = formatOfAddress(source.url, formats);
  return format === undefined ? undefined : { format, source: { s3Location: { uri: source.url } } };
}

export function encodeImage({ source, detail }: ImagePart, dropped: Dropped): JsonObject | undefined {
  const image = encodeMedium(source, imageFormats);
  if (image === undefined) dropped.field('image');
  if (detail !== undefined && detail !== 'auto') dropped.field('imageDetail');
  return image === undefined ? undefined : { image };
}

export function encodeVideo({ source }: VideoPart, dropped: Dropped): JsonObject | undefined {
  const video = encodeMedium(source, videoFormats);
  if (video === undefined) dropped.field('video');
  return video === undefined ? undefined : { video };
}

export function encodeAudio({ data, format }: AudioPart, dropped: Dropped): JsonObject | undefined {
  if (AUDIO_FORMATS.has(format)) return { audio: { format, source: { bytes: data } } };
  dropped.field('audio');
  return undefined;
}

/**
 * A document needs a name, of letters, digits, single spaces, hyphens and brackets only, and each name once in a request
 * (API reference, DocumentBlock; Bedrock refuses a request with a name twice).
 */
export class DocumentNames {
  readonly #used = new Set<string>();

  take(wanted: string | undefined): string {
    const plain = (wanted ?? '').replaceAll(/[^a-zA-Z0-9\s\-()[\]]/g, '-').replaceAll(/\s+/g, ' ');
    const name = plain.trim().slice(0, 180) || 'document';
    let free = name;
    for (let count = 2; this.#used.has(free); count++) free = `${name} ${count}`;
    this.#used.add(free);
    return free;
  }
}

const textDocument = (mediaType: string, data: string): JsonObject => ({
  format: documentFormats.formatOf(mediaType) ?? 'txt',
  source: { bytes: data },
});

function encodeDocument(source: MediaSource): JsonObject | undefined {
  if (source.kind === 'text') return textDocument(source.mediaType, Buffer.from(source.text).toString('base64'));
  if (source.kind === 'data' && source.mediaType.startsWith('text/')) return textDocument(source.mediaType, source.data);
  return encodeMedium(source, documentFormats);
}

/** An image or a film that was sent as a file is one. */
export function encodeFile({ source, name }: FilePart, names: DocumentNames, dropped: Dropped): JsonObject | undefined {
  if (dropped.sourceIs(PROTOCOL)) return { document: { ...nativeDocument(source), name } };
  const image = encodeMedium(source, imageFormats);
  if (image !== undefined) return { image };
  const video = encodeMedium(source, videoFormats);
  if (video !== undefined) return { video };
  const document = encodeDocument(source);
  if (document === undefined) dropped.field('file');
  return document === undefined ? undefined : { document: { ...document, name: names.take(name) } };
}

/** As the client said it: text may stand in a document as text. */
const nativeDocument = (source: MediaSource): JsonObject | undefined =>
  source.kind === 'text'
    ? { format: documentFormats.formatOf(source.mediaType), source: { text: source.text } }
    : encodeMedium(source, documentFormats);
