import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts';
import type { AudioPart, CacheMarker, Citation, MediaSource, Part, ToolCallPart } from '../../canonical/part.ts';
import { Fields } from '../fields.ts';
import { sourceOfUrl } from '../media.ts';
import { PROTOCOL } from './names.ts';
import { audioFormat } from './audio.ts';
import { decodeImages } from './images.ts';
import { arrange, type PlacedReasoning } from './place.ts';
import { decodeReasoning, googleSignature, REASONING_FIELDS } from './reasoning.ts';

/** OpenAI's `prompt_cache_breakpoint`, or Anthropic's `cache_control` that many OpenAI-shaped clients send. Left in the extension as it was. */
export function decodeCache(part: Fields): CacheMarker | undefined {
  part.respell('cache_control', 'prompt_cache_breakpoint');
  const control = part.peek('cache_control');
  if (isJsonObject(control)) return { ttl: control['ttl'] === '1h' ? 3600 : control['ttl'] === '5m' ? 300 : undefined };
  return isJsonObject(part.peek('prompt_cache_breakpoint')) ? {} : undefined;
}

function decodeText(part: Fields): Part {
  const text = part.requiredString('text');
  const cache = decodeCache(part);
  return { type: 'text', text, cache, extensions: part.extensions(PROTOCOL) };
}

function decodeRefusal(part: Fields): Part {
  const text = part.requiredString('refusal');
  return { type: 'refusal', text, extensions: part.extensions(PROTOCOL) };
}

function decodeImage(part: Fields): Part {
  const value = part.value('image_url');
  const isUrl = typeof value === 'string';
  const image = isUrl ? undefined : new Fields(value, part.at('image_url'));
  const url = isUrl ? value : image?.requiredString('url');
  const detail = image?.string('detail');
  if (isUrl) part.respell('image_url');
  if (image !== undefined) part.within('image_url', image);
  const cache = decodeCache(part);
  return { type: 'image', source: sourceOfUrl(url ?? ''), detail, cache, extensions: part.extensions(PROTOCOL) };
}

/** `file_data` is a data URI at OpenAI, a URL at some others, or bare base64; others again say `file_url`. */
function fileSource(file: Fields, part: Fields): MediaSource {
  const id = file.string('file_id');
  if (id !== undefined) return { kind: 'file', id };
  const url = file.peek('file_data') === undefined ? file.string('file_url') : undefined;
  if (url !== undefined) {
    part.respell('file');
    return sourceOfUrl(url);
  }
  const data = file.requiredString('file_data');
  if (/^(data|https?):/.test(data)) return sourceOfUrl(data);
  part.respell('file');
  const name = file.peek('filename');
  const isPdf = typeof name === 'string' && name.toLowerCase().endsWith('.pdf');
  return { kind: 'data', mediaType: isPdf ? 'application/pdf' : 'application/octet-stream', data };
}

function decodeFile(part: Fields): Part {
  const file = part.fields('file') ?? part.missing('file', 'an object');
  const source = fileSource(file, part);
  const name = file.string('filename');
  part.within('file', file);
  const cache = decodeCache(part);
  return { type: 'file', source, name, cache, extensions: part.extensions(PROTOCOL) };
}

function decodeAudio(part: Fields): Part {
  const audio = part.fields('input_audio') ?? part.missing('input_audio', 'an object');
  const data = audio.requiredString('data');
  const format = audio.requiredString('format');
  part.within('input_audio', audio);
  const cache = decodeCache(part);
  return { type: 'audio', data, format, cache, extensions: part.extensions(PROTOCOL) };
}

/** Film by its address, which OpenRouter, Alibaba and vLLM take. */
function decodeVideo(part: Fields, value: Json): Part {
  const holder = part.peek('video_url');
  if (!isJsonObject(holder) || typeof holder['url'] !== 'string') return { type: 'other', protocol: PROTOCOL, value };
  const video = part.fields('video_url') ?? part.missing('video_url', 'an object');
  const source = sourceOfUrl(video.requiredString('url'));
  part.within('video_url', video);
  const cache = decodeCache(part);
  return { type: 'video', source, cache, extensions: part.extensions(PROTOCOL) };
}

function decodePart(value: Json, path: string): Part {
  const part = new Fields(value, path);
  const type = part.requiredString('type');
  switch (type) {
    case 'text':
      return decodeText(part);
    case 'image_url':
      return decodeImage(part);
    case 'file':
      return decodeFile(part);
    case 'input_audio':
      return decodeAudio(part);
    case 'video_url':
      return decodeVideo(part, value);
    case 'refusal':
      return decodeRefusal(part);
    default:
      return { type: 'other', protocol: PROTOCOL, value };
  }
}

/** `content`: a string, a list of parts, or nothing. */
export function decodeContent(message: Fields): readonly Part[] {
  const content = message.value('content');
  if (content === undefined) return [];
  if (typeof content === 'string') return [{ type: 'text', text: content }];
  return (message.array('content') ?? []).map((part, index) => decodePart(part, `${message.at('content')}[${index}]`));
}

/** A call without an id keeps an empty one; an encoder that needs one makes it. Before it stands Google's signature, if there is one. */
function decodeToolCall(value: Json, path: string): { readonly id: string; readonly parts: readonly Part[] } {
  const signature = isJsonObject(value) ? googleSignature(value) : undefined;
  const call = decodeCall(value, path, signature !== undefined);
  return { id: call.id, parts: signature === undefined ? [call] : [signature, call] };
}

function decodeCall(value: Json, path: string, isSigned: boolean): ToolCallPart {
  const call = new Fields(value, path);
  const id = call.string('id') ?? '';
  const isCustom = call.string('type') === 'custom';
  const inner = call.fields(isCustom ? 'custom' : 'function') ?? call.missing(isCustom ? 'custom' : 'function', 'an object');
  const name = inner.requiredString('name');
  const args = inner.string(isCustom ? 'input' : 'arguments') ?? '';
  call.within(isCustom ? 'custom' : 'function', inner);
  if (isSigned) call.respell('extra_content');
  return { type: 'tool_call', id, name, arguments: args, kind: isCustom ? 'custom' : 'function', extensions: call.extensions(PROTOCOL) };
}

const offset = (value: Json | undefined): number | undefined => (typeof value === 'number' ? value : undefined);
const words = (value: Json | undefined): string | undefined => (typeof value === 'string' ? value : undefined);

/** OpenAI nests the citation in `url_citation`; some that copied it do not. */
export function decodeAnnotation(native: JsonObject): Citation {
  const inner = isJsonObject(native['url_citation']) ? native['url_citation'] : native;
  return {
    url: words(inner['url']),
    title: words(inner['title']),
    start: offset(inner['start_index']),
    end: offset(inner['end_index']),
    protocol: PROTOCOL,
    native,
  };
}

/** Annotations stand on the message; the canonical form hangs them on its last text. The originals stay in the extension. */
function withCitations(parts: readonly Part[], annotations: Json | undefined): readonly Part[] {
  const native = Array.isArray(annotations) ? (annotations as readonly Json[]).filter(isJsonObject) : [];
  const last = parts.findLastIndex((part) => part.type === 'text');
  const text = parts[last];
  if (native.length === 0 || text?.type !== 'text') return parts;
  return parts.with(last, { ...text, citations: native.map(decodeAnnotation) });
}

/** A spoken answer; one that a client sends back has nothing but its id, which only OpenAI knows. */
function decodeSpoken(message: Fields): readonly AudioPart[] {
  const audio = message.peek('audio');
  const data = isJsonObject(audio) ? audio['data'] : undefined;
  if (typeof data !== 'string' || data === '') return [];
  message.respell('audio');
  return [{ type: 'audio', data, format: audioFormat(data) }];
}

/** A signature of the message as a whole signs its text. */
function decodeSignature(message: Fields): readonly PlacedReasoning[] {
  const part = googleSignature({ extra_content: message.peek('extra_content') });
  if (part === undefined) return [];
  message.respell('extra_content');
  return [{ part, place: undefined, id: undefined }];
}

function decodeRefusals(message: Fields): readonly Part[] {
  const text = message.string('refusal');
  if (text === '') message.respell('refusal');
  return text === undefined || text === '' ? [] : [{ type: 'refusal', text }];
}

/** An assistant's message, in a request or an answer: reasoning where it stood, text, refusal, images, sound, tool calls, in this order. */
export function decodeAssistant(message: Fields): readonly Part[] {
  const content = withCitations(decodeContent(message), message.peek('annotations'));
  const refusals = decodeRefusals(message);
  const calls = message.array('tool_calls') ?? [];
  if (calls.length === 0) message.respell('tool_calls');
  const images = decodeImages(message.peek('images'));
  message.respell('annotations', ...REASONING_FIELDS, ...(images.length === 0 ? [] : ['images']));
  const { parts, divided } = arrange(
    [...decodeReasoning(message), ...decodeSignature(message)],
    [...content, ...refusals, ...images, ...decodeSpoken(message)],
    calls.map((call, index) => decodeToolCall(call, `${message.at('tool_calls')}[${index}]`)),
  );
  if (divided) message.respell('content');
  return parts;
}
