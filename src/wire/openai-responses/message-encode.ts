import type { Json, JsonObject } from '../../core/json.ts';
import type { Citation, TextPart } from '../../canonical/part.ts';
import { encodeAnnotation } from './annotations.ts';
import { emit, endItem, listed, NONE, place, run, type EncodeState, type Event, type OpenSpoken, type Step } from './encode-state.ts';
import { PROTOCOL } from './names.ts';
import { itemId, outputPart } from './output-encode.ts';

const contentPlace = (state: EncodeState): JsonObject => ({
  ...place(state),
  content_index: state.item?.kind === 'message' ? state.item.contents : 0,
});

/** Logprobs belong to the answer's first text. */
const logprobsHere = (state: EncodeState): readonly Json[] => (state.base === 0 ? listed(state.logprobs) : []);

function beginMessage(state: EncodeState): Step {
  if (state.item?.kind === 'message') return [state, NONE];
  return run(state, endItem, (ended) => {
    const begun: EncodeState = { ...ended, item: { kind: 'message', base: ended.base, ended: undefined, contents: 0, open: undefined } };
    const item = { id: itemId('msg', ended), type: 'message', status: 'in_progress', role: 'assistant', content: [] };
    return emit(begun, ['response.output_item.added', { output_index: ended.index, item }]);
  });
}

export function beginSpoken(before: EncodeState, type: OpenSpoken['type']): Step {
  return run(before, beginMessage, (state) => {
    if (state.item?.kind !== 'message') return [state, NONE];
    const part = type === 'text' ? { type: 'output_text', text: '', annotations: [], logprobs: [] } : { type: 'refusal', refusal: '' };
    const open = { type, text: '', citations: undefined, told: 0, waits: false } as const;
    return emit({ ...state, item: { ...state.item, open } }, ['response.content_part.added', { ...contentPlace(state), part }]);
  });
}

export function speak(state: EncodeState, text: string): Step {
  const { item } = state;
  if (item?.kind !== 'message' || item.open === undefined) return [state, NONE];
  const { open } = item;
  const next: EncodeState = { ...state, item: { ...item, open: { ...open, text: open.text + text } } };
  if (open.type === 'refusal') return emit(next, ['response.refusal.delta', { ...contentPlace(state), delta: text }]);
  return emit(next, ['response.output_text.delta', { ...contentPlace(state), delta: text, logprobs: [] }]);
}

/** Logprobs come behind their text here: they are told with a delta that says nothing more. */
export function tellLogprobs(state: EncodeState, logprobs: JsonObject): Step {
  const entries = Array.isArray(logprobs['content']) ? (logprobs['content'] as readonly Json[]) : [];
  if (state.item?.kind !== 'message' || state.item.open?.type !== 'text' || entries.length === 0) return [state, NONE];
  let chain = state.logprobs;
  for (const entry of entries) chain = { value: entry, before: chain };
  return emit({ ...state, logprobs: chain }, ['response.output_text.delta', { ...contentPlace(state), delta: '', logprobs: entries }]);
}

const annotationEvent = (state: EncodeState, annotation: JsonObject, index: number): Event => [
  'response.output_text.annotation.added',
  { ...contentPlace(state), annotation_index: index, annotation },
];

export function cite(state: EncodeState, citation: Citation): Step {
  const { item } = state;
  if (item?.kind !== 'message' || item.open?.type !== 'text') return [state, NONE];
  const { open } = item;
  const waits = open.waits || (citation.protocol !== PROTOCOL && citation.end === undefined);
  const annotation = encodeAnnotation(citation, state.base, open.text.length);
  if (annotation === undefined) return [state, NONE];
  const citations = { value: citation, before: open.citations };
  const next: EncodeState = { ...state, item: { ...item, open: { ...open, citations, waits, told: waits ? open.told : open.told + 1 } } };
  return waits ? [next, NONE] : emit(next, annotationEvent(state, annotation, open.told));
}

function spokenDone(open: OpenSpoken, part: JsonObject): Event {
  if (open.type === 'refusal') return ['response.refusal.done', { refusal: open.text }];
  return ['response.output_text.done', { text: open.text, logprobs: part['logprobs'] }];
}

export function endSpoken(state: EncodeState): Step {
  const { item } = state;
  if (item?.kind !== 'message' || item.open === undefined) return [state, NONE];
  const { open } = item;
  const citations = listed(open.citations);
  const ended: TextPart = { type: 'text', text: open.text, citations: citations.length === 0 ? undefined : citations };
  const spoken = open.type === 'text' ? ended : ({ type: 'refusal', text: open.text } as const);
  const part = outputPart(spoken, state.base, item.contents === 0 ? logprobsHere(state) : []);
  const late = citations.slice(open.told).map((citation) => encodeAnnotation(citation, state.base, open.text.length));
  const where = contentPlace(state);
  const [type, members] = spokenDone(open, part);
  const after = { ...item, open: undefined, contents: item.contents + 1, ended: { value: spoken, before: item.ended } };
  const base = open.type === 'text' ? state.base + open.text.length : state.base;
  return emit(
    { ...state, base, item: after },
    ...late.flatMap((annotation, at) => (annotation === undefined ? [] : [annotationEvent(state, annotation, open.told + at)])),
    [type, { ...where, ...members }],
    ['response.content_part.done', { ...where, part }],
  );
}
