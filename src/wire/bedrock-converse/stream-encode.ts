import type { JsonObject } from '../../core/json.ts';
import { NO_USAGE, type TokenUsage } from '../../core/usage.ts';
import type { CanonicalEvent, PartHead, PartStartEvent } from '../../canonical/event.ts';
import type { Finish } from '../../canonical/response.ts';
import { INPUT_CLOSES, INPUT_OPENS, inputPiece } from '../free-text-tool.ts';
import type { AnswerContext, SseEvent, StreamEncoder } from '../protocol.ts';
import { encodeCitation, encodeImage, encodeRedacted, encodeSignature, toolUseId } from './answer-encode.ts';
import { bedrockErrors } from './errors.ts';
import { encodeFinish } from './finish.ts';
import { PROTOCOL } from './names.ts';
import { encodeUsage } from './usage.ts';

/** What has been written of the open part. `silent`: it has no place here. `words`: nothing yet, since a text has no start of its own. */
type Open = 'none' | 'silent' | 'words' | 'begun' | 'call' | 'custom_call';

export interface EncodeState {
  readonly context: AnswerContext;
  /** Blocks ended so far: the index of the one being written. */
  readonly blocks: number;
  readonly open: Open;
  /** The open call has said something of its arguments. */
  readonly hasArguments: boolean;
  readonly tier: string | undefined;
  readonly usage: TokenUsage;
  readonly finish: Finish | undefined;
  readonly hasRefusal: boolean;
}

type Step = readonly [EncodeState, readonly SseEvent[]];

const NONE: readonly SseEvent[] = [];

const event = (name: string, body: JsonObject): SseEvent => ({ event: name, data: JSON.stringify(body) });

const deltaEvent = (state: EncodeState, delta: JsonObject): SseEvent =>
  event('contentBlockDelta', { contentBlockIndex: state.blocks, delta });

function delta(state: EncodeState, words: JsonObject): Step {
  if (state.open === 'silent' || state.open === 'none') return [state, NONE];
  return [state.open === 'words' ? { ...state, open: 'begun' } : state, [deltaEvent(state, words)]];
}

const blockStart = (state: EncodeState, start: JsonObject): SseEvent =>
  event('contentBlockStart', { contentBlockIndex: state.blocks, start });

function callStart(state: EncodeState, part: number, head: Extract<PartHead, { type: 'tool_call' }>): Step {
  const start = { toolUse: { toolUseId: toolUseId(head.id, part, state.context), name: head.name } };
  const open = head.kind === 'custom' ? 'custom_call' : 'call';
  return [{ ...state, open, hasArguments: false }, [blockStart(state, start)]];
}

/** Parts without a place here are silent. */
function partStart(state: EncodeState, { part, head }: PartStartEvent): Step {
  switch (head.type) {
    case 'text':
    case 'thinking':
      return [{ ...state, open: 'words' }, NONE];
    case 'refusal':
      return [{ ...state, open: 'words', hasRefusal: true }, NONE];
    case 'redacted_thinking': {
      const redactedContent = encodeRedacted(head.data, head.format);
      return [{ ...state, open: 'begun' }, [deltaEvent(state, { reasoningContent: { redactedContent } })]];
    }
    case 'tool_call':
      return callStart(state, part, head);
    case 'image': {
      const image = encodeImage(head);
      if (image === undefined) return [{ ...state, open: 'silent' }, NONE];
      const pieces = [blockStart(state, { image: { format: image['format'] } }), deltaEvent(state, { image: { source: image['source'] } })];
      return [{ ...state, open: 'begun' }, pieces];
    }
    case 'other':
      if (head.protocol !== PROTOCOL) return [{ ...state, open: 'silent' }, NONE];
      return [{ ...state, open: 'begun' }, [blockStart(state, head.value as JsonObject)]];
    case 'audio':
    case 'file':
      return [{ ...state, open: 'silent' }, NONE];
  }
}

const input = (state: EncodeState, text: string): SseEvent => deltaEvent(state, { toolUse: { input: text } });

/** The free text of a custom call is the one string of an object here, so its pieces are written as pieces of JSON text. */
function callArguments(state: EncodeState, text: string): Step {
  const next = state.hasArguments ? state : { ...state, hasArguments: true };
  if (state.open === 'call') return [next, [input(state, text)]];
  if (state.open !== 'custom_call') return [state, NONE];
  const piece = inputPiece(text);
  return [next, [input(state, state.hasArguments ? piece : INPUT_OPENS + piece)]];
}

/** A call without arguments says `{}`: clients parse what they get. */
function lastArguments({ open, hasArguments }: EncodeState): string | undefined {
  if (open === 'custom_call') return hasArguments ? INPUT_CLOSES : INPUT_OPENS + INPUT_CLOSES;
  return open === 'call' && !hasArguments ? '{}' : undefined;
}

function partEnd(state: EncodeState): Step {
  const closed: EncodeState = { ...state, open: 'none' };
  if (state.open === 'none' || state.open === 'silent' || state.open === 'words') return [closed, NONE];
  const last = lastArguments(state);
  const stop = event('contentBlockStop', { contentBlockIndex: state.blocks });
  return [{ ...closed, blocks: state.blocks + 1 }, last === undefined ? [stop] : [input(state, last), stop]];
}

/** The figures follow the end. What the provider took is not known here. */
function end(state: EncodeState): Step {
  const { finish, tier } = state;
  const stopReason = finish === undefined ? 'end_turn' : encodeFinish(finish, state.hasRefusal);
  const sequence = finish?.stopSequence;
  const additionalModelResponseFields = sequence === undefined ? undefined : { delta: { stop_sequence: sequence } };
  const serviceTier = tier === undefined ? undefined : { type: tier };
  return [
    state,
    [
      event('messageStop', { stopReason, additionalModelResponseFields }),
      event('metadata', { usage: encodeUsage(state.usage), metrics: { latencyMs: 0 }, serviceTier }),
    ],
  ];
}

const failure = (state: EncodeState, { kind, code, message }: Extract<CanonicalEvent, { type: 'error' }>): readonly SseEvent[] =>
  bedrockErrors.encodeStreamError({ status: 502, kind, code, message, param: null }, state.context.requestId);

function citation(state: EncodeState, cited: Extract<CanonicalEvent, { type: 'citation' }>): Step {
  const native = encodeCitation(cited.citation);
  return native === undefined ? [state, NONE] : delta(state, { citation: native });
}

function step(state: EncodeState, said: CanonicalEvent): Step {
  // An answer has one choice here; a client of this protocol cannot have asked for more.
  if ('choice' in said && said.choice !== 0) return [state, NONE];
  switch (said.type) {
    case 'start':
      return [{ ...state, tier: said.serviceTier }, [event('messageStart', { role: 'assistant' })]];
    case 'part_start':
      return partStart(state, said);
    case 'text_delta':
    case 'refusal_delta':
      return delta(state, { text: said.text });
    case 'thinking_delta':
      return delta(state, { reasoningContent: { text: said.text } });
    case 'signature':
      return delta(state, { reasoningContent: { signature: encodeSignature(said.signature, said.format) } });
    case 'arguments_delta':
      return callArguments(state, said.text);
    case 'citation':
      return citation(state, said);
    case 'other_delta':
      return said.protocol === PROTOCOL ? delta(state, said.value) : [state, NONE];
    case 'part_end':
      return partEnd(state);
    case 'logprobs':
      return [state, NONE];
    case 'usage':
      return [{ ...state, usage: said.usage }, NONE];
    case 'finish':
      return [{ ...state, finish: said.finish }, NONE];
    case 'error':
      return [state, failure(state, said)];
    case 'end':
      return end(state);
  }
}

export const streamEncoder: StreamEncoder<EncodeState> = {
  start: (context) => ({
    context,
    blocks: 0,
    open: 'none',
    hasArguments: false,
    tier: undefined,
    usage: NO_USAGE,
    finish: undefined,
    hasRefusal: false,
  }),
  step,
};
