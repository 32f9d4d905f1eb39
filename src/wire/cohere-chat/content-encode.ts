import type { JsonObject } from '../../core/json.ts';
import type { FilePart, ImagePart, Part, ThinkingPart, ToolCallPart } from '../../canonical/part.ts';
import { argumentsOfInput } from '../free-text-tool.ts';
import type { Dropped } from '../dropped.ts';
import { ownMembers } from '../fields.ts';
import { dataUri } from '../media.ts';
import { PROTOCOL } from './names.ts';

function encodeImage({ source, detail }: ImagePart, dropped: Dropped): JsonObject | undefined {
  switch (source.kind) {
    case 'url':
      return { type: 'image_url', image_url: { url: source.url, detail } };
    case 'data':
      return { type: 'image_url', image_url: { url: dataUri(source.mediaType, source.data), detail } };
    case 'file':
    case 'text':
      dropped.field('image');
      return undefined;
  }
}

/** Cohere reads text alone, as one of `documents`. Undefined: the file is something else. */
export function asDocument({ source, name }: FilePart, index: number): JsonObject | undefined {
  const text =
    source.kind === 'text'
      ? source.text
      : source.kind === 'data' && source.mediaType.startsWith('text/')
        ? Buffer.from(source.data, 'base64').toString('utf8')
        : undefined;
  return text === undefined ? undefined : { id: `doc:${index}`, data: { ...(name === undefined ? {} : { title: name }), text } };
}

/** An item of content; undefined where this protocol has no such item, or has it elsewhere. */
function encodePart(part: Part, dropped: Dropped): JsonObject | undefined {
  switch (part.type) {
    case 'text':
      if (part.text === '' && !dropped.sourceIs(PROTOCOL)) return undefined;
      return { type: 'text', text: part.text };
    case 'refusal':
      return { type: 'text', text: part.text };
    case 'image':
      return encodeImage(part, dropped);
    case 'thinking':
      return { type: 'thinking', thinking: part.text };
    case 'audio':
    case 'video':
      dropped.field(part.type);
      return undefined;
    case 'other': {
      const value = part.value as JsonObject;
      if (part.protocol === PROTOCOL) return value;
      dropped.inside('part', String(value['type']));
      return undefined;
    }
    case 'file':
    case 'redacted_thinking':
    case 'tool_call':
    case 'tool_result':
      return undefined;
  }
}

/** A document keeps none of the members of the text that it was read as. */
const withOwn = (value: JsonObject, own: JsonObject | undefined): JsonObject =>
  own === undefined ? value : own['type'] === 'document' ? own : { ...value, ...own };

export const encodeParts = (parts: readonly Part[], dropped: Dropped): readonly JsonObject[] =>
  parts.flatMap((part) => {
    const value = encodePart(part, dropped);
    if (value === undefined) return [];
    if (part.type === 'other') return [value];
    if (part.cache !== undefined) dropped.field('cacheMarker');
    return [withOwn(value, dropped.extensions(part.extensions, 'part'))];
  });

/** A string where nothing but one plain text is said. */
export function asContent(items: readonly JsonObject[]): string | readonly JsonObject[] {
  const [only] = items;
  const isPlain = items.length === 1 && only?.['type'] === 'text' && Object.keys(only).length === 2 && typeof only['text'] === 'string';
  return isPlain ? (only['text'] as string) : items;
}

export function encodeToolCall(part: ToolCallPart, fallbackId: string): JsonObject {
  const text = part.kind === 'custom' ? argumentsOfInput(part.arguments) : part.arguments;
  return {
    id: part.id === '' ? fallbackId : part.id,
    type: 'function',
    function: { name: part.name, arguments: text },
    ...ownMembers(part.extensions, PROTOCOL),
  };
}

/** What an assistant said, sorted into Cohere's members. `contents[i]`: the item of `content` that part i became. */
export interface Sorted {
  readonly spoken: readonly Part[];
  readonly contents: readonly number[];
  readonly plan: string | undefined;
  readonly calls: readonly ToolCallPart[];
}

/** `planned`: which reasoning belongs into `tool_plan` rather than into the content. */
export function sortAssistant(parts: readonly Part[], planned: (part: ThinkingPart) => boolean): Sorted {
  const spoken: Part[] = [];
  const contents: number[] = [];
  const calls: ToolCallPart[] = [];
  let plan: string | undefined;
  for (const part of parts) {
    contents.push(spoken.length);
    if (part.type === 'tool_call') calls.push(part);
    else if (part.type === 'thinking' && planned(part)) plan = (plan ?? '') + part.text;
    else if (part.type === 'text' || part.type === 'refusal' || part.type === 'thinking' || part.type === 'other') spoken.push(part);
  }
  return { spoken, contents, plan, calls };
}
