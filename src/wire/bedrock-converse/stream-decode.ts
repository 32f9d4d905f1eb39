import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts';
import type { CanonicalEvent, PartHead } from '../../canonical/event.ts';
import { parseData } from '../openai-chat/pass-through.ts';
import { CUT, type SseEvent, type StreamDecoder } from '../protocol.ts';
import { decodeCitation, decodeRedacted, decodeSignature } from './content-decode.ts';
import { failureOf, kindOfException } from './errors.ts';
import { decodeFinish } from './finish.ts';
import { imageFormats } from './formats.ts';
import { PROTOCOL } from './names.ts';
import { stopSequenceOf } from './response.ts';
import { answerUsage } from './usage.ts';

/** The part that deltas go to. `image`: it is given whole by its delta, in this format. */
interface Block {
  readonly index: number;
  readonly part: number;
  readonly type: PartHead['type'];
  readonly format?: string;
}

export interface DecodeState {
  readonly started: boolean;
  /** `messageStop` came: the answer is whole, whether its figures follow or not. */
  readonly stopped: boolean;
  /** `end` or `error` was given, and nothing after it counts. */
  readonly closed: boolean;
  readonly parts: number;
  readonly open: Block | undefined;
}

type Step = readonly [DecodeState, readonly CanonicalEvent[]];

const NONE: readonly CanonicalEvent[] = [];
const str = (value: Json | undefined): string => (typeof value === 'string' ? value : '');
const object = (value: Json | undefined): JsonObject => (isJsonObject(value) ? value : {});

const broken = (state: DecodeState, message: string): Step => [
  { ...state, closed: true },
  [{ type: 'error', kind: 'upstream', code: null, message, cut: false }],
];

function closeBlock(state: DecodeState): Step {
  if (state.open === undefined) return [state, NONE];
  const { part, type } = state.open;
  const end: readonly CanonicalEvent[] = type === 'image' ? NONE : [{ type: 'part_end', choice: 0, part }];
  return [{ ...state, open: undefined }, end];
}

function openBlock(before: DecodeState, index: number, head: PartHead): Step {
  const [state, ended] = closeBlock(before);
  const part = state.parts;
  const open = { index, part, type: head.type };
  return [{ ...state, parts: part + 1, open }, [...ended, { type: 'part_start', choice: 0, part, head }]];
}

/** A part that is whole in its head. */
function wholePart(before: DecodeState, head: PartHead): Step {
  const [state, ended] = closeBlock(before);
  const part = state.parts;
  return [{ ...state, parts: part + 1 }, [...ended, { type: 'part_start', choice: 0, part, head }, { type: 'part_end', choice: 0, part }]];
}

/** Only tools, their results and images say that they begin; what the provider's own tools say stays whole. */
function blockStart(state: DecodeState, body: JsonObject): Step {
  const start = object(body['start']);
  const index = Number(body['contentBlockIndex'] ?? -1);
  const { toolUse, image } = start;
  if (isJsonObject(toolUse) && (toolUse['type'] === undefined || toolUse['type'] === 'tool_use')) {
    const head = { type: 'tool_call', id: str(toolUse['toolUseId']), name: str(toolUse['name']), kind: 'function' } as const;
    return openBlock(state, index, head);
  }
  if (!isJsonObject(image)) return openBlock(state, index, { type: 'other', protocol: PROTOCOL, value: start });
  const [closed, events] = closeBlock(state);
  return [{ ...closed, open: { index, part: closed.parts, type: 'image', format: str(image['format']) } }, events];
}

/** The open part if the delta can go to it, else a new one: a text or a reasoning begins with its first piece. */
function partFor(state: DecodeState, index: number, type: 'text' | 'thinking'): Step {
  const { open } = state;
  return open?.index === index && open.type === type ? [state, NONE] : openBlock(state, index, { type });
}

const partOf = (state: DecodeState): number => state.open?.part ?? state.parts;

function textDelta(before: DecodeState, index: number, text: string): Step {
  const [state, opened] = partFor(before, index, 'text');
  return [state, [...opened, { type: 'text_delta', choice: 0, part: partOf(state), text }]];
}

function citationDelta(before: DecodeState, index: number, native: JsonObject): Step {
  const [state, opened] = partFor(before, index, 'text');
  return [state, [...opened, { type: 'citation', choice: 0, part: partOf(state), citation: decodeCitation(native) }]];
}

function reasoningDelta(before: DecodeState, index: number, delta: JsonObject): Step {
  const { text, signature, redactedContent } = delta;
  if (typeof redactedContent === 'string') return wholePart(before, decodeRedacted(redactedContent));
  const [state, opened] = partFor(before, index, 'thinking');
  const part = partOf(state);
  const said: readonly CanonicalEvent[] = typeof text === 'string' ? [{ type: 'thinking_delta', choice: 0, part, text }] : NONE;
  if (typeof signature !== 'string') return [state, [...opened, ...said]];
  const signed = { type: 'signature', choice: 0, part, signature, ...decodeSignature(signature) } as const;
  return [state, [...opened, ...said, signed]];
}

function imageDelta(state: DecodeState, open: Block, delta: JsonObject): Step {
  const data = object(delta['source'])['bytes'];
  const mediaType = imageFormats.mediaTypeOf(open.format ?? '');
  if (typeof data !== 'string' || mediaType === undefined) return [state, NONE];
  const [next, events] = wholePart(state, { type: 'image', source: { kind: 'data', mediaType, data } });
  return [{ ...next, open: { ...open, part: next.parts } }, events];
}

/** Deltas of a block that says that it begins need that block. */
function deltaOfOpen(state: DecodeState, index: number, delta: JsonObject): Step {
  const { open } = state;
  if (open?.index !== index) return broken(state, 'The provider sent a piece of a block that it had not begun.');
  const { part } = open;
  if (open.type === 'image') return imageDelta(state, open, object(delta['image']));
  if (open.type !== 'tool_call') return [state, [{ type: 'other_delta', choice: 0, part, protocol: PROTOCOL, value: delta }]];
  const text = str(object(delta['toolUse'])['input']);
  return [state, text === '' ? NONE : [{ type: 'arguments_delta', choice: 0, part, text }]];
}

function blockDelta(state: DecodeState, body: JsonObject): Step {
  const delta = object(body['delta']);
  const index = Number(body['contentBlockIndex'] ?? -1);
  const { text, reasoningContent, citation } = delta;
  if (typeof text === 'string') return textDelta(state, index, text);
  if (isJsonObject(reasoningContent)) return reasoningDelta(state, index, reasoningContent);
  if (isJsonObject(citation)) return citationDelta(state, index, citation);
  return deltaOfOpen(state, index, delta);
}

function messageStop(state: DecodeState, body: JsonObject): Step {
  const [closed, events] = closeBlock(state);
  const raw = body['stopReason'];
  const finish = typeof raw === 'string' ? decodeFinish(raw, stopSequenceOf(body['additionalModelResponseFields'])) : undefined;
  return [{ ...closed, stopped: true }, finish === undefined ? events : [...events, { type: 'finish', choice: 0, finish }]];
}

/** The figures come last, after `messageStop`. */
function metadata(state: DecodeState, body: JsonObject): Step {
  const usage = answerUsage(body);
  const events: readonly CanonicalEvent[] = usage === undefined ? NONE : [{ type: 'usage', usage }];
  return state.stopped ? [{ ...state, closed: true }, [...events, { type: 'end' }]] : [state, events];
}

function failure(state: DecodeState, { name, message }: { readonly name: string; readonly message: string }): Step {
  const kind = kindOfException(name) ?? 'upstream';
  return [{ ...state, closed: true }, [{ type: 'error', kind, code: name, message, cut: false }]];
}

/** Events of unknown names are passed over: the list of them is open. After `messageStop` only the figures count. */
function decodeEvent(state: DecodeState, name: string | undefined, body: JsonObject): Step {
  if (name === 'metadata') return metadata(state, body);
  if (state.stopped) return [state, NONE];
  if (name === 'messageStart') {
    if (state.started) return broken(state, 'The provider began its answer twice.');
    return [{ ...state, started: true }, [{ type: 'start', id: '', model: '' }]];
  }
  if (!state.started) return [state, NONE];
  switch (name) {
    case 'contentBlockStart':
      return blockStart(state, body);
    case 'contentBlockDelta':
      return blockDelta(state, body);
    case 'contentBlockStop':
      return closeBlock(state);
    case 'messageStop':
      return messageStop(state, body);
    default:
      return [state, NONE];
  }
}

function step(state: DecodeState, event: SseEvent): Step {
  if (state.closed) return [state, NONE];
  const failed = failureOf(event);
  if (failed !== undefined) return failure(state, failed);
  const body = parseData(event.data);
  return body === undefined
    ? broken(state, 'The provider sent an event that is not a JSON object.')
    : decodeEvent(state, event.event, body);
}

export const streamDecoder: StreamDecoder<DecodeState> = {
  start: () => ({ started: false, stopped: false, closed: false, parts: 0, open: undefined }),
  step,
  finish: (state) => (state.closed ? NONE : state.stopped ? [{ type: 'end' }] : [CUT]),
};
