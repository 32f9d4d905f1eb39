import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts';
import type { CacheMarker, Citation, MediaSource, Part, ToolCallPart } from '../../canonical/part.ts';
import { Fields } from '../fields.ts';
import { sourceOfUrl } from '../media.ts';
import { PROTOCOL } from './names.ts';
import { decodeReasoning, REASONING_FIELDS } from './reasoning.ts';

/** OpenAI's `prompt_cache_breakpoint`, or Anthropic's `cache_control` that many OpenAI-shaped clients send. Left in the extension as it was. */
function decodeCache(part: Fields): CacheMarker | undefined {
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

/** `file_data` is a data URI at OpenAI, a URL at some others, or bare base64. */
function fileSource(file: Fields, part: Fields): MediaSource {
  const id = file.string('file_id');
  if (id !== undefined) return { kind: 'file', id };
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

/** A call without an id keeps an empty one; an encoder that needs one makes it. */
function decodeToolCall(value: Json, path: string): ToolCallPart {
  const call = new Fields(value, path);
  const id = call.string('id') ?? '';
  const isCustom = call.string('type') === 'custom';
  const inner = call.fields(isCustom ? 'custom' : 'function') ?? call.missing(isCustom ? 'custom' : 'function', 'an object');
  const name = inner.requiredString('name');
  const args = inner.string(isCustom ? 'input' : 'arguments') ?? '';
  call.within(isCustom ? 'custom' : 'function', inner);
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

/** An assistant's message, in a request or an answer: reasoning, text, refusal, tool calls, in this order. */
export function decodeAssistant(message: Fields): readonly Part[] {
  const content = withCitations(decodeContent(message), message.peek('annotations'));
  const refusal = message.string('refusal');
  if (refusal === '') message.respell('refusal');
  const calls = message.array('tool_calls') ?? [];
  if (calls.length === 0) message.respell('tool_calls');
  message.respell('annotations', ...REASONING_FIELDS);
  return [
    ...decodeReasoning(message),
    ...content,
    ...(refusal === undefined || refusal === '' ? [] : [{ type: 'refusal', text: refusal } as const]),
    ...calls.map((call, index) => decodeToolCall(call, `${message.at('tool_calls')}[${index}]`)),
  ];
}
