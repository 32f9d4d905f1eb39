import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts';
import type { Part, ToolCallPart } from '../../canonical/part.ts';
import { FieldFault, Fields } from '../fields.ts';
import { sourceOfUrl } from '../media.ts';
import { audioFormat } from './audio.ts';
import { PROTOCOL } from './names.ts';

/** An address as it stands, or in an object with `detail`. */
function decodeImage(part: Fields): Part {
  const value = part.value('image_url');
  if (typeof value === 'string') {
    part.respell('image_url');
    return { type: 'image', source: sourceOfUrl(value), extensions: part.extensions(PROTOCOL) };
  }
  const image = new Fields(value, part.at('image_url'));
  const url = image.requiredString('url');
  const detail = image.string('detail');
  part.within('image_url', image);
  return { type: 'image', source: sourceOfUrl(url), detail, extensions: part.extensions(PROTOCOL) };
}

function decodeDocument(part: Fields): Part {
  const source = sourceOfUrl(part.requiredString('document_url'));
  const name = part.string('document_name');
  return { type: 'file', source, name, extensions: part.extensions(PROTOCOL) };
}

/** Bare base64; an address is Mistral's alone, and an object with `data` is what older clients send. */
function decodeAudio(part: Fields, value: Json): Part {
  const audio = part.value('input_audio');
  if (isJsonObject(audio)) {
    const inner = new Fields(audio, part.at('input_audio'));
    const data = inner.requiredString('data');
    const format = inner.string('format') ?? audioFormat(data);
    part.respell('input_audio');
    return { type: 'audio', data, format, extensions: part.extensions(PROTOCOL) };
  }
  if (typeof audio !== 'string') return part.missing('input_audio', 'a string');
  if (/^(https?|data):/.test(audio)) return { type: 'other', protocol: PROTOCOL, value };
  return { type: 'audio', data: audio, format: audioFormat(audio), extensions: part.extensions(PROTOCOL) };
}

/** The texts in a thinking chunk; references in between say nothing in words. */
export const thoughtOf = (chunks: Json | undefined): string =>
  typeof chunks === 'string'
    ? chunks
    : (Array.isArray(chunks) ? (chunks as readonly Json[]) : [])
        .map((chunk) => (isJsonObject(chunk) && chunk['type'] === 'text' && typeof chunk['text'] === 'string' ? chunk['text'] : ''))
        .join('');

/** Encoded again as one text: anything else is kept as it was. */
function isPlainThought(chunks: Json | undefined): boolean {
  const [only, ...others] = Array.isArray(chunks) ? (chunks as readonly Json[]) : [];
  return others.length === 0 && isJsonObject(only) && only['type'] === 'text' && Object.keys(only).length === 2;
}

function decodeThinking(part: Fields): Part {
  const chunks = part.value('thinking');
  if (!isPlainThought(chunks)) part.respell('thinking');
  // Whether the thought is at an end is for the provider that goes on with it.
  if (part.peek('closed') !== undefined) part.respell('closed');
  return { type: 'thinking', text: thoughtOf(chunks), extensions: part.extensions(PROTOCOL) };
}

function decodePart(value: Json, path: string): Part {
  const part = new Fields(value, path);
  switch (part.requiredString('type')) {
    case 'text': {
      const text = part.requiredString('text');
      return { type: 'text', text, extensions: part.extensions(PROTOCOL) };
    }
    case 'image_url':
      return decodeImage(part);
    case 'document_url':
      return decodeDocument(part);
    case 'file': {
      const id = part.string('file_id');
      if (id === undefined) return { type: 'other', protocol: PROTOCOL, value };
      return { type: 'file', source: { kind: 'file', id }, extensions: part.extensions(PROTOCOL) };
    }
    case 'input_audio':
      return decodeAudio(part, value);
    case 'thinking':
      return decodeThinking(part);
    default:
      return { type: 'other', protocol: PROTOCOL, value };
  }
}

/** `content`: a string, a list of chunks, or nothing. */
export function decodeContent(message: Fields): readonly Part[] {
  const content = message.value('content');
  if (content === undefined) return [];
  if (typeof content === 'string') return [{ type: 'text', text: content }];
  if (!Array.isArray(content)) throw new FieldFault(message.at('content'), 'must be a string or a list');
  return (content as readonly Json[]).map((part, index) => decodePart(part, `${message.at('content')}[${index}]`));
}

/** Arguments are a text, or the object that the text would be. */
function argumentsOf(call: Fields, inner: Fields): string {
  const args = inner.value('arguments');
  if (args === undefined || typeof args === 'string') return args ?? '';
  if (!isJsonObject(args)) throw new FieldFault(inner.at('arguments'), 'must be a string or an object');
  call.respell('function');
  return JSON.stringify(args);
}

function decodeToolCall(value: Json, path: string): ToolCallPart {
  const call = new Fields(value, path);
  const id = call.string('id') ?? '';
  if (call.string('type') === undefined) call.respell('type');
  const inner = call.fields('function') ?? call.missing('function', 'an object');
  const name = inner.requiredString('name');
  const args = argumentsOf(call, inner);
  call.within('function', inner);
  // A call's place among the others is its index already.
  call.value('index');
  call.respell('index');
  return { type: 'tool_call', id, name, arguments: args, kind: 'function', extensions: call.extensions(PROTOCOL) };
}

/** An assistant's message, in a request or an answer: content, then tool calls. */
export function decodeAssistant(message: Fields): readonly Part[] {
  const content = decodeContent(message);
  if (content.length === 0) message.respell('content');
  const calls = message.array('tool_calls') ?? [];
  if (calls.length === 0) message.respell('tool_calls');
  return [...content, ...calls.map((call, index) => decodeToolCall(call, `${message.at('tool_calls')}[${index}]`))];
}

export const objectOf = (value: Json | undefined): JsonObject => (isJsonObject(value) ? value : {});
