import type { MediaSource, Part } from '../../canonical/part.ts';
import { Fields } from '../fields.ts';
import { AUDIO_FORMATS, documentFormats, type Formats, imageFormats, videoFormats } from './formats.ts';
import { PROTOCOL } from './names.ts';

type Rest = (block: Fields, name: string, inner?: Fields) => Fields;

/** What an image, a document or a video holds, looked at but not yet taken from its block. */
interface Medium {
  readonly inner: Fields;
  readonly format: string | undefined;
  readonly source: MediaSource;
}

/** Bytes are base64; a file in S3 is told by its address. Undefined: a source that only this protocol has, or a format that it did not have yet. */
function decodeMedium(block: Fields, name: string, formats: Formats): Medium | undefined {
  const inner = new Fields(block.peek(name), block.at(name));
  const format = inner.string('format');
  const holder = inner.fields('source');
  const mediaType = format === undefined ? undefined : formats.mediaTypeOf(format);
  if (holder === undefined) return undefined;
  const [bytes, text, place] = [holder.peek('bytes'), holder.peek('text'), holder.peek('s3Location')];
  let source: MediaSource | undefined;
  if (typeof bytes === 'string' && mediaType !== undefined) source = { kind: 'data', mediaType, data: holder.string('bytes') ?? '' };
  else if (typeof text === 'string') source = { kind: 'text', mediaType: mediaType ?? 'text/plain', text: holder.string('text') ?? '' };
  else if (place !== undefined && mediaType !== undefined) source = decodePlace(holder);
  if (source === undefined) return undefined;
  inner.within('source', holder);
  return { inner, format, source };
}

function decodePlace(holder: Fields): MediaSource | undefined {
  const place = new Fields(holder.value('s3Location'), holder.at('s3Location'));
  const url = place.string('uri');
  holder.within('s3Location', place);
  // The address does not tell the format, which an encoder of this protocol must name.
  holder.respell('s3Location');
  return url === undefined ? undefined : { kind: 'url', url };
}

function decodeVisual(block: Fields, rest: Rest, type: 'image' | 'video'): Part | undefined {
  const medium = decodeMedium(block, type, type === 'image' ? imageFormats : videoFormats);
  if (medium === undefined) return undefined;
  block.value(type);
  return { type, source: medium.source, extensions: rest(block, type, medium.inner).extensions(PROTOCOL) };
}

export const decodeImage = (block: Fields, rest: Rest): Part | undefined => decodeVisual(block, rest, 'image');
export const decodeVideo = (block: Fields, rest: Rest): Part | undefined => decodeVisual(block, rest, 'video');

export function decodeDocument(block: Fields, rest: Rest): Part | undefined {
  const medium = decodeMedium(block, 'document', documentFormats);
  if (medium === undefined) return undefined;
  const name = medium.inner.string('name');
  if (medium.format === undefined) medium.inner.respell('source');
  block.value('document');
  return { type: 'file', source: medium.source, name, extensions: rest(block, 'document', medium.inner).extensions(PROTOCOL) };
}

export function decodeAudio(block: Fields, rest: Rest): Part | undefined {
  const inner = new Fields(block.peek('audio'), block.at('audio'));
  const format = inner.string('format');
  const source = inner.fields('source');
  const data = source?.peek('bytes');
  if (source === undefined || typeof data !== 'string' || format === undefined || !AUDIO_FORMATS.has(format)) return undefined;
  source.value('bytes');
  inner.within('source', source);
  block.value('audio');
  return { type: 'audio', data, format, extensions: rest(block, 'audio', inner).extensions(PROTOCOL) };
}
