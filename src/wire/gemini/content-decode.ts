import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts';
import type { MediaSource, Part } from '../../canonical/part.ts';
import { FieldFault, Fields } from '../fields.ts';
import type { ConversationCalls } from './call-ids.ts';
import { audioFormatOf, audioTypeOf, isFilmPage, kindOfMedia, sourceOfUri } from './media.ts';
import { PROTOCOL, tagged } from './names.ts';
import { readSignature } from './signature.ts';
import { memberOf, spelled } from './spelling.ts';

/** How calls get their ids. In an answer there are no results of the client's: those are of functions that Google called itself. */
export type CallIds = Pick<ConversationCalls, 'called'> & Partial<Pick<ConversationCalls, 'answered'>>;

/** Members that say what a part is. The others describe it. */
const KINDS = ['functionCall', 'functionResponse', 'inlineData', 'fileData', 'text'] as const;

const isThought = (value: JsonObject): boolean => value['thought'] === true;

const kindOf = (value: JsonObject): (typeof KINDS)[number] | undefined =>
  KINDS.find((kind) => memberOf(value, kind) !== undefined && memberOf(value, kind) !== null);

/** A part without a neutral meaning (code that Google ran, its own tools, pictures of its reasoning) stays whole, signature included. */
export const isOwn = (value: JsonObject): boolean => {
  const kind = kindOf(value);
  return kind === undefined || (isThought(value) && kind !== 'text');
};

function decodeText(part: Fields): Part {
  const text = part.requiredString('text');
  if (part.peek('thought') === false) part.value('thought');
  part.respell('thought');
  return { type: 'text', text, extensions: part.extensions(PROTOCOL) };
}

export function decodeThought(part: Fields): Part {
  const text = part.string('text') ?? '';
  part.value('thought');
  const signature = part.string(spelled(part, 'thoughtSignature'));
  if (signature === undefined || signature === '') return { type: 'thinking', text, extensions: part.extensions(PROTOCOL) };
  const { data, format } = readSignature(signature);
  return { type: 'thinking', text, signature: data, format, extensions: part.extensions(PROTOCOL) };
}

/** What of a call's arguments is not said as an object is kept: none at all, or pieces of them (`partialArgs`). */
function decodeCall(part: Fields, ids: CallIds): Part {
  const member = spelled(part, 'functionCall');
  const call = part.fields(member) ?? part.missing(member, 'an object');
  const name = call.requiredString('name');
  const id = call.string('id');
  const args = call.object('args');
  if (args === undefined || id === '') part.respell(member);
  part.within(member, call);
  const callId = ids.called(name, id === '' ? undefined : id);
  const extensions = part.extensions(PROTOCOL);
  return { type: 'tool_call', id: callId, name, arguments: JSON.stringify(args ?? {}), kind: 'function', extensions };
}

const wordsOf = (value: Json): string => (typeof value === 'string' ? value : JSON.stringify(value));

/** Google's own words for a result: `output`, or `error`, alone; any other object is the result itself. */
function decodeResult(response: JsonObject): { readonly text: string; readonly isError?: true } {
  const [[name, value] = ['', undefined], ...more] = Object.entries(response);
  if (more.length === 0 && value !== undefined && name === 'output') return { text: wordsOf(value) };
  if (more.length === 0 && value !== undefined && name === 'error') return { text: wordsOf(value), isError: true };
  return { text: JSON.stringify(response) };
}

/** Kept as it came, since a result has more spellings than one. */
function decodeResponse(part: Fields, ids: CallIds): Part {
  const member = spelled(part, 'functionResponse');
  const result = part.fields(member) ?? part.missing(member, 'an object');
  part.respell(member);
  const name = result.requiredString('name');
  const callId = ids.answered?.(name, result.string('id') || undefined) ?? '';
  const response = result.object('response');
  const { text, isError } = response === undefined ? { text: '' } : decodeResult(response);
  const media = (result.array('parts') ?? []).flatMap((value, index) => decodePart(value, `${result.at('parts')}[${index}]`, ids));
  part.within(member, result);
  const words: readonly Part[] = text === '' ? [] : [{ type: 'text', text }];
  return { type: 'tool_result', callId, parts: [...words, ...media], isError, extensions: part.extensions(PROTOCOL) };
}

const mediaPart = (kind: Exclude<ReturnType<typeof kindOfMedia>, 'audio'>, source: MediaSource, part: Fields, name?: string): Part =>
  kind === 'file'
    ? { type: kind, source, name, extensions: part.extensions(PROTOCOL) }
    : { type: kind, source, extensions: part.extensions(PROTOCOL) };

function decodeInline(part: Fields): Part {
  const member = spelled(part, 'inlineData');
  const blob = part.fields(member) ?? part.missing(member, 'an object');
  const data = blob.requiredString('data');
  const mediaType = blob.string(spelled(blob, 'mimeType')) ?? '';
  const name = blob.string(spelled(blob, 'displayName'));
  if (mediaType === '' || name !== undefined) part.respell(member);
  part.within(member, blob);
  const kind = kindOfMedia(mediaType);
  if (kind !== 'audio') return mediaPart(kind, { kind: 'data', mediaType, data }, part, name);
  const format = audioFormatOf(mediaType);
  if (audioTypeOf(format) !== mediaType) part.respell(member);
  return { type: 'audio', data, format, extensions: part.extensions(PROTOCOL) };
}

/** Sound has no address in the canonical form: by address it is a file. The media type has no place there and is kept as it came. */
function decodeFile(part: Fields): Part {
  const member = spelled(part, 'fileData');
  const file = part.fields(member) ?? part.missing(member, 'an object');
  const uri = file.requiredString(spelled(file, 'fileUri'));
  const mediaType = file.string(spelled(file, 'mimeType'));
  const name = file.string(spelled(file, 'displayName'));
  part.respell(member);
  part.within(member, file);
  const kind = mediaType === undefined ? (isFilmPage(uri) ? 'video' : 'file') : kindOfMedia(mediaType);
  return mediaPart(kind === 'audio' ? 'file' : kind, sourceOfUri(uri), part, name);
}

function decodeKnown(value: JsonObject, part: Fields, ids: CallIds): Part {
  switch (kindOf(value)) {
    case 'functionCall':
      return decodeCall(part, ids);
    case 'functionResponse':
      return decodeResponse(part, ids);
    case 'inlineData':
      return decodeInline(part);
    case 'fileData':
      return decodeFile(part);
    case 'text':
      return decodeText(part);
    case undefined:
      return { type: 'other', protocol: PROTOCOL, value: tagged(value) };
  }
}

/** One part, behind the signature that it carries. */
export function decodePart(value: Json, path: string, ids: CallIds): readonly Part[] {
  const part = new Fields(value, path);
  const isGoogles = isJsonObject(value) && (isOwn(value) || (kindOf(value) === 'functionResponse' && ids.answered === undefined));
  if (!isJsonObject(value) || isGoogles) return [{ type: 'other', protocol: PROTOCOL, value: tagged(isJsonObject(value) ? value : {}) }];
  if (isThought(value)) return [decodeThought(part)];
  const signature = part.string(spelled(part, 'thoughtSignature'));
  if (signature === undefined || signature === '') return [decodeKnown(value, part, ids)];
  const { data, format } = readSignature(signature);
  return [{ type: 'redacted_thinking', data, format }, decodeKnown(value, part, ids)];
}

/** A signature on an empty text behind all other parts signs them, and the text says nothing. */
function withoutLastEmpty(parts: readonly Part[]): readonly Part[] {
  const [signature, last] = [parts.at(-2), parts.at(-1)];
  if (signature?.type !== 'redacted_thinking' || last?.type !== 'text' || last.text !== '') return parts;
  return [...parts.slice(0, -2), { ...signature, extensions: last.extensions }];
}

/** `parts` of a content. Google takes a single part for a list of one. */
export function decodeParts(content: Fields, ids: CallIds): readonly Part[] {
  const parts = content.value('parts');
  if (parts === undefined) return [];
  if (isJsonObject(parts)) content.respell('parts');
  else if (!Array.isArray(parts)) throw new FieldFault(content.at('parts'), 'must be a list');
  const list = isJsonObject(parts) ? [parts] : (content.array('parts') ?? []);
  return withoutLastEmpty(list.flatMap((part, index) => decodePart(part, `${content.at('parts')}[${index}]`, ids)));
}
