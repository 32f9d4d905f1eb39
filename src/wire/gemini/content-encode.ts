import type { JsonObject } from '../../core/json.ts';
import type { MediaSource, Part, ToolCallPart, ToolResultPart } from '../../canonical/part.ts';
import type { Dropped } from '../dropped.ts';
import { encodeArguments, objectIn } from './arguments.ts';
import { isMadeUp } from './call-ids.ts';
import { audioTypeOf, mediaTypeOfUrl } from './media.ts';
import { thinkingStyle } from './models.ts';
import { PROTOCOL, untagged } from './names.ts';
import { signForProvider } from './signature.ts';
import { over } from './spelling.ts';

/** What the parts of a conversation are written with. */
export interface Writing {
  readonly dropped: Dropped;
  readonly model: string;
  /** Names of the functions called so far, by the ids of their calls: a result is known by both here. */
  readonly called: Map<string, string>;
}

export const inlineData = (mimeType: string, data: string): JsonObject => ({ inlineData: { mimeType, data } });

/** An upload is known to its own provider alone; undefined for those of others. */
export function encodeSource(source: MediaSource, takesUploads: boolean): JsonObject | undefined {
  switch (source.kind) {
    case 'data':
      return inlineData(source.mediaType, source.data);
    case 'text':
      return inlineData(source.mediaType, Buffer.from(source.text).toString('base64'));
    case 'url':
      return { fileData: { mimeType: mediaTypeOfUrl(source.url), fileUri: source.url } };
    case 'file':
      return takesUploads ? { fileData: { fileUri: source.id } } : undefined;
  }
}

function encodeMedia(part: Extract<Part, { type: 'image' | 'file' | 'video' }>, { dropped }: Writing): readonly JsonObject[] {
  const encoded = encodeSource(part.source, dropped.sourceIs(PROTOCOL));
  if (encoded === undefined) dropped.field(part.type);
  if (part.type === 'image' && part.detail !== undefined && part.detail !== 'auto') dropped.field('imageDetail');
  return encoded === undefined ? [] : [encoded];
}

function encodeCall(part: ToolCallPart, { called }: Writing): readonly JsonObject[] {
  called.set(part.id, part.name);
  return [{ functionCall: callMembers(part) }];
}

export const callMembers = ({ id, name, arguments: text, kind }: Pick<ToolCallPart, 'id' | 'name' | 'arguments' | 'kind'>): JsonObject => ({
  id: isMadeUp(id) ? undefined : id,
  name,
  args: encodeArguments(text, kind),
});

/** Google's words for a result that is no object: `output` and `error`. */
function responseOf(text: string, isError: boolean): JsonObject {
  if (isError) return { error: text };
  return objectIn(text) ?? { output: text };
}

const isSaid = (part: Part): boolean => part.type === 'text' || part.type === 'refusal';

/** Media that Gemini 3 and later take inside a result. */
const fitsResult = (media: JsonObject): boolean => media['inlineData'] !== undefined;

/** The function's answer; older models get its media behind it, in the same content. */
function encodeResult(part: ToolResultPart, writing: Writing): readonly JsonObject[] {
  const { dropped, model, called } = writing;
  const text = part.parts.map((inner) => (inner.type === 'text' || inner.type === 'refusal' ? inner.text : '')).join('');
  const media = part.parts.filter((inner) => !isSaid(inner)).flatMap((inner) => encodePart(inner, writing));
  const inside = thinkingStyle(model) === 'level' ? media.filter(fitsResult) : [];
  const functionResponse = {
    id: isMadeUp(part.callId) ? undefined : part.callId,
    name: called.get(part.callId) ?? 'unknown_function',
    response: responseOf(text, part.isError === true),
    parts: inside.length === 0 ? undefined : inside,
  };
  if (part.cache !== undefined) dropped.field('cacheMarker');
  // A result that came in this protocol is written again as it came, with its media inside.
  const outside = dropped.sourceIs(PROTOCOL) ? [] : media.filter((value) => !inside.includes(value));
  return [{ functionResponse }, ...outside];
}

function encodeText(text: string, { dropped }: Writing): readonly JsonObject[] {
  return text === '' && !dropped.sourceIs(PROTOCOL) ? [] : [{ text }];
}

/** Signatures of other vendors are left out, the reasoning itself is not. */
function encodeThought(part: Extract<Part, { type: 'thinking' }>): readonly JsonObject[] {
  const thoughtSignature = signForProvider(part.signature, part.format);
  return part.text === '' && thoughtSignature === undefined ? [] : [{ text: part.text, thought: true, thoughtSignature }];
}

function encodeKnown(part: Part, writing: Writing): readonly JsonObject[] {
  const { dropped } = writing;
  switch (part.type) {
    case 'text':
      if (part.citations !== undefined) dropped.field('citations');
      return encodeText(part.text, writing);
    case 'refusal':
      return encodeText(part.text, writing);
    case 'image':
    case 'file':
    case 'video':
      return encodeMedia(part, writing);
    case 'audio':
      return [inlineData(audioTypeOf(part.format), part.data)];
    case 'thinking':
      return encodeThought(part);
    case 'tool_call':
      return encodeCall(part, writing);
    case 'tool_result':
      return encodeResult(part, writing);
    case 'other':
      if (part.protocol === PROTOCOL) return [untagged(part.value)];
      dropped.inside('part', String((part.value as JsonObject)['type']));
      return [];
    // Put on the part that it signs, by `encodeSigned`.
    case 'redacted_thinking':
      return [];
  }
}

/** One part of the conversation: none where it has no place here, several for a result with media. */
export function encodePart(part: Part, writing: Writing): readonly JsonObject[] {
  const [first, ...rest] = encodeKnown(part, writing);
  if (part.type === 'other' || first === undefined) return first === undefined ? [] : [first];
  if (part.cache !== undefined && part.type !== 'tool_result') writing.dropped.field('cacheMarker');
  return [over(first, writing.dropped.extensions(part.extensions, 'part')), ...rest];
}
