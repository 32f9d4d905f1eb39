import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts';
import type { CanonicalEvent } from '../../canonical/event.ts';
import type { Finish } from '../../canonical/response.ts';
import { understood } from '../fields.ts';
import { parseData } from '../openai-chat/pass-through.ts';
import { CUT, type StreamDecoder } from '../protocol.ts';
import { finishCandidate, newCandidate, stepCandidate, type CandidateState } from './candidate-decode.ts';
import { geminiErrors } from './errors.ts';
import { decodeBlock } from './finish.ts';
import { blockedIn, secondsOf } from './response.ts';
import { answerUsage, serviceTierOf } from './usage.ts';

/** `candidates` in order of appearance. `closed`: an error was given, and nothing after it counts. */
export interface DecodeState {
  readonly started: boolean;
  readonly closed: boolean;
  readonly candidates: readonly CandidateState[];
  /** The question was blocked: there will be no candidates. */
  readonly blocked: Finish | undefined;
}

type Step = readonly [DecodeState, readonly CanonicalEvent[]];

const NONE: readonly CanonicalEvent[] = [];
const words = (value: Json | undefined): string => (typeof value === 'string' ? value : '');

const broken = (state: DecodeState, message: string): Step => [
  { ...state, closed: true },
  [{ type: 'error', kind: 'upstream', code: null, message, cut: false }],
];

const startOf = (body: JsonObject): CanonicalEvent => ({
  type: 'start',
  id: words(body['responseId']),
  model: words(body['modelVersion']),
  created: secondsOf(body['createTime']),
  serviceTier: serviceTierOf(body['usageMetadata']),
});

/** Runs one chunk's candidate through its state, which is made when the candidate first appears. */
function stepOne(
  candidates: readonly CandidateState[],
  chunk: JsonObject,
  responseId: string,
  events: CanonicalEvent[],
): readonly CandidateState[] {
  const index = typeof chunk['index'] === 'number' ? chunk['index'] : 0;
  const at = candidates.findIndex((candidate) => candidate.index === index);
  const before = candidates[at] ?? newCandidate(index, responseId);
  const after = stepCandidate(before, chunk, events);
  if (at === -1) return [...candidates, after];
  return after === before ? candidates : candidates.with(at, after);
}

/** Every chunk is an answer of its own, with what came since the one before. */
function decodeChunk(state: DecodeState, body: JsonObject): Step {
  const events: CanonicalEvent[] = state.started ? [] : [startOf(body)];
  const responseId = words(body['responseId']);
  const chunks = Array.isArray(body['candidates']) ? (body['candidates'] as readonly Json[]).filter(isJsonObject) : [];
  const stepped = understood(() => {
    let { candidates } = state;
    for (const chunk of chunks) candidates = stepOne(candidates, chunk, responseId, events);
    return candidates;
  });
  if (!stepped.ok) return broken(state, `The provider sent a part that is not valid: ${stepped.error.field} ${stepped.error.reason}.`);
  const usage = answerUsage(body);
  if (usage !== undefined) events.push({ type: 'usage', usage });
  const reason = blockedIn(body);
  const blocked = reason === undefined ? state.blocked : decodeBlock(reason);
  return [{ started: true, closed: false, candidates: stepped.value, blocked }, events];
}

function failure(state: DecodeState, body: JsonObject): Step {
  const { kind, code, message } = geminiErrors.decodeError(500, body);
  return [{ ...state, closed: true }, [{ type: 'error', kind, code, message, cut: false }]];
}

export const streamDecoder: StreamDecoder<DecodeState> = {
  start: () => ({ started: false, closed: false, candidates: [], blocked: undefined }),

  step(state, event) {
    if (state.closed) return [state, NONE];
    const body = parseData(event.data);
    if (body === undefined) return broken(state, 'The provider sent an event that is not a JSON object.');
    return isJsonObject(body['error']) ? failure(state, body) : decodeChunk(state, body);
  },

  /** No event says that a stream is whole: it is when all candidates have said why they stopped, or when there are none to come. */
  finish({ closed, candidates, blocked }) {
    if (closed) return NONE;
    const isWhole = candidates.length > 0 && candidates.every(({ rawFinish }) => rawFinish !== undefined);
    if (!isWhole && blocked === undefined) return [CUT];
    const refused: readonly CanonicalEvent[] = blocked === undefined || isWhole ? NONE : [{ type: 'finish', choice: 0, finish: blocked }];
    return [...candidates.flatMap(finishCandidate), ...refused, { type: 'end' }];
  },
};
