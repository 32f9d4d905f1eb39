import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts';
import type { ImagePart, Part, ToolCallPart } from '../../canonical/part.ts';
import { FieldFault, Fields } from '../fields.ts';
import { PROTOCOL } from './names.ts';

/** First letters of base64 by which pictures are known: Ollama takes them without a word about their type. */
const HEADS: readonly (readonly [string, string])[] = [
  ['/9j/', 'image/jpeg'],
  ['R0lG', 'image/gif'],
  ['UklGR', 'image/webp'],
];

const imageType = (data: string): string => HEADS.find(([head]) => data.startsWith(head))?.[1] ?? 'image/png';

function decodeImages(message: Fields): readonly ImagePart[] {
  return (message.array('images') ?? []).map((data, index) => {
    if (typeof data !== 'string') throw new FieldFault(`${message.at('images')}[${index}]`, 'must be a string');
    return { type: 'image', source: { kind: 'data', mediaType: imageType(data), data } };
  });
}

/** Arguments are an object here. `id` came late to this protocol and may be missing, `index` says no more than the place in the list. */
function decodeToolCall(value: Json, path: string, fallbackId: string): ToolCallPart {
  const call = new Fields(value, path);
  const id = call.string('id') ?? fallbackId;
  if (call.string('type') === undefined) call.respell('type');
  call.respell('type');
  const inner = call.fields('function') ?? call.missing('function', 'an object');
  const name = inner.requiredString('name');
  const args = inner.value('arguments');
  if (!isJsonObject(args)) call.respell('function');
  inner.value('index');
  if (inner.peek('index') !== undefined) call.respell('function');
  call.within('function', inner);
  const text = args === undefined ? '{}' : typeof args === 'string' ? args : JSON.stringify(args);
  return { type: 'tool_call', id, name, arguments: text, kind: 'function', extensions: call.extensions(PROTOCOL) };
}

/** `callId`: an id for the call at this place that has none. */
export type CallId = (index: number) => string;

/** What one message holds: reasoning, text, pictures, tool calls, in this order. An empty text stands only where there is nothing else. */
export function decodeMessageParts(message: Fields, callId: CallId): readonly Part[] {
  const thinking = message.string('thinking');
  if (thinking === '') message.respell('thinking');
  const text = message.string('content');
  const images = decodeImages(message);
  if (images.length === 0) message.respell('images');
  const calls = message.array('tool_calls') ?? [];
  if (calls.length === 0) message.respell('tool_calls');
  const others: readonly Part[] = [
    ...images,
    ...calls.map((call, index) => decodeToolCall(call, `${message.at('tool_calls')}[${index}]`, callId(index))),
  ];
  const hasThinking = thinking !== undefined && thinking !== '';
  const isSilent = text === undefined || (text === '' && (others.length > 0 || hasThinking));
  return [
    ...(hasThinking ? [{ type: 'thinking', text: thinking } as const] : []),
    ...(isSilent ? [] : [{ type: 'text', text } as const]),
    ...others,
  ];
}

export const objectOf = (value: Json | undefined): JsonObject => (isJsonObject(value) ? value : {});
