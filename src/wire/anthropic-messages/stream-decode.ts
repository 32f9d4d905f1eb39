import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts';
import type { CanonicalEvent, PartHead } from '../../canonical/event.ts';
import { ANTHROPIC_SIGNATURE } from '../../canonical/part.ts';
import { parseData } from '../openai-chat/pass-through.ts';
import { CUT, type StreamDecoder } from '../protocol.ts';
import { decodeCitation } from './content-decode.ts';
import { anthropicErrors } from './errors.ts';
import { decodeFinish } from './finish.ts';
import { PROTOCOL } from './names.ts';
import { serviceTierOf } from './response.ts';
import { mergeUsage } from './usage-encode.ts';
import { anthropicUsage } from './usage.ts';

/** The block that deltas go to. `initial`: a tool's input that came with its start, which counts unless deltas follow. */
interface Block {
  readonly part: number;
  readonly type: PartHead['type'];
  readonly initial: string;
}

export interface DecodeState {
  readonly started: boolean;
  /** `end` or `error` was given, and nothing after it counts. */
  readonly closed: boolean;
  readonly parts: number;
  readonly open: Block | undefined;
  /** Members of `usage` as far as they were sent. */
  readonly usage: JsonObject | undefined;
  readonly finish: CanonicalEvent | undefined;
}

type Step = readonly [DecodeState, readonly CanonicalEvent[]];

const NONE: readonly CanonicalEvent[] = [];
const str = (value: Json | undefined): string => (typeof value === 'string' ? value : '');

const broken = (state: DecodeState, message: string): Step => [
  { ...state, closed: true },
  [{ type: 'error', kind: 'upstream', code: null, message, cut: false }],
];

const usageEvents = (usage: JsonObject | undefined): readonly CanonicalEvent[] => {
  const counted = anthropicUsage(usage);
  return counted === undefined ? NONE : [{ type: 'usage', usage: counted }];
};

function messageStart(state: DecodeState, body: JsonObject): Step {
  const message = isJsonObject(body['message']) ? body['message'] : {};
  const usage = mergeUsage(state.usage, message['usage']);
  const start = { type: 'start', id: str(message['id']), model: str(message['model']), serviceTier: serviceTierOf(usage) } as const;
  return [{ ...state, started: true, usage }, [start, ...usageEvents(usage)]];
}

/** What a block is, by its start. Those without a neutral meaning stay whole. */
function blockHead(block: JsonObject): PartHead {
  switch (block['type']) {
    case 'text':
      return { type: 'text' };
    case 'thinking':
      return { type: 'thinking', format: ANTHROPIC_SIGNATURE };
    case 'redacted_thinking':
      return { type: 'redacted_thinking', data: str(block['data']), format: ANTHROPIC_SIGNATURE };
    case 'tool_use':
      return { type: 'tool_call', id: str(block['id']), name: str(block['name']), kind: 'function' };
    default:
      return { type: 'other', protocol: PROTOCOL, value: block };
  }
}

const initialInput = (block: JsonObject): string => {
  const { type, input } = block;
  return type === 'tool_use' && isJsonObject(input) && Object.keys(input).length > 0 ? JSON.stringify(input) : '';
};

/** A start may carry first words; Anthropic's own are empty. */
function firstWords(block: JsonObject, part: number): readonly CanonicalEvent[] {
  const [text, thinking, signature] = [str(block['text']), str(block['thinking']), str(block['signature'])];
  const citations = Array.isArray(block['citations']) ? (block['citations'] as readonly Json[]).filter(isJsonObject) : [];
  return [
    ...(block['type'] === 'text' && text !== '' ? [{ type: 'text_delta', choice: 0, part, text } as const] : []),
    ...(block['type'] === 'text'
      ? citations.map((native) => ({ type: 'citation', choice: 0, part, citation: decodeCitation(native) }) as const)
      : []),
    ...(block['type'] === 'thinking' && thinking !== '' ? [{ type: 'thinking_delta', choice: 0, part, text: thinking } as const] : []),
    ...(block['type'] === 'thinking' && signature !== ''
      ? [{ type: 'signature', choice: 0, part, signature, format: ANTHROPIC_SIGNATURE } as const]
      : []),
  ];
}

function closeBlock(state: DecodeState): Step {
  const { open } = state;
  if (open === undefined) return [state, NONE];
  const end = { type: 'part_end', choice: 0, part: open.part } as const;
  const late = open.initial === '' ? NONE : [{ type: 'arguments_delta', choice: 0, part: open.part, text: open.initial } as const];
  return [{ ...state, open: undefined }, [...late, end]];
}

function blockStart(state: DecodeState, body: JsonObject): Step {
  const [closed, before] = closeBlock(state);
  const block = isJsonObject(body['content_block']) ? body['content_block'] : {};
  const part = closed.parts;
  const head = blockHead(block);
  const open = { part, type: head.type, initial: initialInput(block) };
  return [{ ...closed, parts: part + 1, open }, [...before, { type: 'part_start', choice: 0, part, head }, ...firstWords(block, part)]];
}

function inputDelta(state: DecodeState, open: Block, delta: JsonObject): Step {
  const text = str(delta['partial_json']);
  if (open.type === 'other') return [state, [{ type: 'other_delta', choice: 0, part: open.part, protocol: PROTOCOL, value: delta }]];
  if (text === '') return [state, NONE];
  const next = open.initial === '' ? state : { ...state, open: { ...open, initial: '' } };
  return [next, [{ type: 'arguments_delta', choice: 0, part: open.part, text }]];
}

/** Deltas of unknown kinds, and deltas of blocks that only this protocol has, are carried as they are. */
function blockDelta(state: DecodeState, body: JsonObject): Step {
  const { open } = state;
  const delta = body['delta'];
  if (open === undefined || !isJsonObject(delta)) return broken(state, 'The provider sent a piece of a block that it had not begun.');
  const { part } = open;
  switch (delta['type']) {
    case 'text_delta':
      return [state, [{ type: 'text_delta', choice: 0, part, text: str(delta['text']) }]];
    case 'thinking_delta':
      return [state, [{ type: 'thinking_delta', choice: 0, part, text: str(delta['thinking']) }]];
    case 'signature_delta':
      return [state, [{ type: 'signature', choice: 0, part, signature: str(delta['signature']), format: ANTHROPIC_SIGNATURE }]];
    case 'input_json_delta':
      return inputDelta(state, open, delta);
    case 'citations_delta':
      return [
        state,
        isJsonObject(delta['citation']) ? [{ type: 'citation', choice: 0, part, citation: decodeCitation(delta['citation']) }] : NONE,
      ];
    default:
      return [state, [{ type: 'other_delta', choice: 0, part, protocol: PROTOCOL, value: delta }]];
  }
}

/** The reason is held back to the end: a gateway between may send it more than once. */
function messageDelta(state: DecodeState, body: JsonObject): Step {
  const usage = mergeUsage(state.usage, body['usage']);
  const delta = isJsonObject(body['delta']) ? body['delta'] : {};
  const { stop_reason: raw, stop_sequence: sequence } = delta;
  const finish: CanonicalEvent | undefined =
    typeof raw === 'string'
      ? { type: 'finish', choice: 0, finish: decodeFinish(raw, typeof sequence === 'string' ? sequence : undefined) }
      : state.finish;
  return [{ ...state, usage, finish }, usage === state.usage ? NONE : usageEvents(usage)];
}

function messageStop(state: DecodeState): Step {
  const [closed, events] = closeBlock(state);
  return [{ ...closed, closed: true }, [...events, ...(state.finish === undefined ? [] : [state.finish]), { type: 'end' }]];
}

function failure(state: DecodeState, body: JsonObject): Step {
  const { kind, code, message } = anthropicErrors.decodeError(500, body);
  return [{ ...state, closed: true }, [{ type: 'error', kind, code, message, cut: false }]];
}

/** Events of unknown types are passed over, as Anthropic asks of its clients ("Versions": new event types may be added). */
function decodeEvent(state: DecodeState, body: JsonObject): Step {
  const type = body['type'];
  if (type === 'error') return failure(state, body);
  if (type === 'message_start') return state.started ? broken(state, 'The provider began its answer twice.') : messageStart(state, body);
  if (!state.started) return [state, NONE];
  switch (type) {
    case 'content_block_start':
      return blockStart(state, body);
    case 'content_block_delta':
      return blockDelta(state, body);
    case 'content_block_stop':
      return closeBlock(state);
    case 'message_delta':
      return messageDelta(state, body);
    case 'message_stop':
      return messageStop(state);
    default:
      return [state, NONE];
  }
}

export const streamDecoder: StreamDecoder<DecodeState> = {
  start: () => ({ started: false, closed: false, parts: 0, open: undefined, usage: undefined, finish: undefined }),

  step(state, event) {
    // Some gateways end this protocol with OpenAI's mark as well; it says nothing here.
    if (state.closed || event.data.trim() === '[DONE]') return [state, NONE];
    const body = parseData(event.data);
    return body === undefined ? broken(state, 'The provider sent an event that is not a JSON object.') : decodeEvent(state, body);
  },

  finish: (state) => (state.closed ? NONE : [CUT]),
};
