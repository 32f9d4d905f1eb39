import { isJsonObject, type Json } from '../../core/json.ts';
import type { CacheMarker, MediaSource, Part } from '../../canonical/part.ts';
import { FieldFault, Fields } from '../fields.ts';
import { sourceOfUrl } from '../media.ts';
import { decodeAnnotations } from './annotations.ts';
import { PROTOCOL } from './names.ts';

/** Left in the extension as it was: only OpenAI's newest models know it. */
function decodeCache(part: Fields): CacheMarker | undefined {
  part.respell('prompt_cache_breakpoint');
  return isJsonObject(part.peek('prompt_cache_breakpoint')) ? {} : undefined;
}

function decodeText(part: Fields): Part {
  const text = part.requiredString('text');
  const cache = decodeCache(part);
  return { type: 'text', text, cache, extensions: part.extensions(PROTOCOL) };
}

/** A text of the model's own. Logprobs are read from the extension by who needs them. */
function decodeOutputText(part: Fields, base: number): Part {
  const text = part.requiredString('text');
  const citations = decodeAnnotations(part.array('annotations') ?? [], base);
  if (citations.length === 0) part.respell('annotations');
  part.respell('logprobs');
  return { type: 'text', text, citations: citations.length === 0 ? undefined : citations, extensions: part.extensions(PROTOCOL) };
}

function decodeRefusal(part: Fields): Part {
  const text = part.requiredString('refusal');
  return { type: 'refusal', text, extensions: part.extensions(PROTOCOL) };
}

function decodeImage(part: Fields): Part {
  const url = part.string('image_url');
  const id = url === undefined ? part.requiredString('file_id') : undefined;
  const detail = part.string('detail');
  const cache = decodeCache(part);
  const source: MediaSource = url === undefined ? { kind: 'file', id: id ?? '' } : sourceOfUrl(url);
  return { type: 'image', source, detail, cache, extensions: part.extensions(PROTOCOL) };
}

/** `file_data` is a data URI, or bare base64 of a kind that the name tells. */
function fileSource(part: Fields): MediaSource {
  const id = part.string('file_id');
  if (id !== undefined) return { kind: 'file', id };
  const url = part.string('file_url');
  if (url !== undefined) return { kind: 'url', url };
  const data = part.requiredString('file_data');
  if (data.startsWith('data:')) return sourceOfUrl(data);
  part.respell('file_data');
  const name = part.peek('filename');
  const isPdf = typeof name === 'string' && name.toLowerCase().endsWith('.pdf');
  return { kind: 'data', mediaType: isPdf ? 'application/pdf' : 'application/octet-stream', data };
}

function decodeFile(part: Fields): Part {
  const source = fileSource(part);
  const name = part.string('filename');
  const cache = decodeCache(part);
  return { type: 'file', source, name, cache, extensions: part.extensions(PROTOCOL) };
}

function decodeAudio(part: Fields): Part {
  const audio = part.fields('input_audio') ?? part.missing('input_audio', 'an object');
  const data = audio.requiredString('data');
  const format = audio.requiredString('format');
  part.within('input_audio', audio);
  return { type: 'audio', data, format, extensions: part.extensions(PROTOCOL) };
}

/** Where a content part stands: `text` is the type that its holder's texts have, `base` the length of the texts before it. */
interface ContentPlace {
  readonly text: 'input_text' | 'output_text';
  readonly base: number;
}

function decodeKnown(part: Fields, type: string, place: ContentPlace): Part | undefined {
  switch (type) {
    case 'input_text':
    case 'text':
      return decodeText(part);
    case 'output_text':
      return decodeOutputText(part, place.base);
    case 'refusal':
      return decodeRefusal(part);
    case 'input_image':
      return decodeImage(part);
    case 'input_file':
      return decodeFile(part);
    case 'input_audio':
      return decodeAudio(part);
    default:
      return undefined;
  }
}

/** A part of a message's or tool output's content. */
function decodePart(value: Json, path: string, place: ContentPlace): Part {
  const part = new Fields(value, path);
  const type = part.requiredString('type');
  const isText = type === 'text' || type === 'input_text' || type === 'output_text';
  if (isText && type !== place.text) part.respell('type');
  return decodeKnown(part, type, place) ?? { type: 'other', protocol: PROTOCOL, value };
}

/** Content is a string or a list of parts. */
export function decodeContent(holder: Fields, name: string, place: ContentPlace): readonly Part[] {
  const content = holder.value(name);
  if (typeof content === 'string') return [{ type: 'text', text: content }];
  if (!Array.isArray(content)) throw new FieldFault(holder.at(name), 'must be a string or a list');
  let { base } = place;
  return (content as readonly Json[]).map((value, index) => {
    const part = decodePart(value, `${holder.at(name)}[${index}]`, { text: place.text, base });
    if (part.type === 'text') base += part.text.length;
    return part;
  });
}
