import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts';
import { GEMINI_SIGNATURE, type Extensions, type Part, type RedactedThinkingPart, type ThinkingPart } from '../../canonical/part.ts';
import { ownMembers, type Fields } from '../fields.ts';
import { PROTOCOL } from './names.ts';
import { placeId, placeOf, type Place, type PlacedReasoning } from './place.ts';

/*
 * OpenAI's chat protocol has no reasoning text. Those who copied it put it into `reasoning_content` (DeepSeek) or `reasoning`
 * (OpenRouter, Groq), and what must be sent back unchanged (signatures, encrypted reasoning) into OpenRouter's `reasoning_details`.
 * We read all three and write the first and the last. Gemini's signatures stand in Google's `extra_content` as well.
 */
export const REASONING_FIELDS = ['reasoning_content', 'reasoning', 'reasoning_details'] as const;

/** Whether the reasoning of a message stands in what it said in this protocol, and goes back with it. */
export const holdsReasoning = (own: JsonObject | undefined): boolean =>
  own !== undefined && [...REASONING_FIELDS, 'extra_content'].some((name) => name in own);

const text = (value: Json | undefined): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);

/** The plain text of reasoning in a message or delta. */
export const plainReasoning = (holder: JsonObject): string | undefined => text(holder['reasoning_content']) ?? text(holder['reasoning']);

/** An id that a provider gave is kept for the same protocol: xAI's and OpenAI's encrypted reasoning is known by it. Gemini's is that of the call it signs. */
const keptId = (id: string | undefined, format: string | undefined): Extensions | undefined =>
  id === undefined || format === GEMINI_SIGNATURE || placeOf(id) !== undefined ? undefined : { [PROTOCOL]: { members: { id }, lost: [] } };

/** One entry of `reasoning_details`; undefined for kinds that say nothing we could carry. */
export function decodeDetail(detail: JsonObject): ThinkingPart | RedactedThinkingPart | undefined {
  const format = text(detail['format']);
  const data = text(detail['data']);
  if (detail['type'] === 'reasoning.encrypted') {
    if (data === undefined) return undefined;
    const extensions = keptId(text(detail['id']), format);
    return { type: 'redacted_thinking', data, format, ...(extensions === undefined ? {} : { extensions }) };
  }
  const words = text(detail['text']) ?? text(detail['summary']);
  const signature = text(detail['signature']);
  if (words === undefined && signature === undefined) return undefined;
  return { type: 'thinking', text: words ?? '', signature, format };
}

export const readDetails = (holder: JsonObject): readonly JsonObject[] => {
  const details = holder['reasoning_details'];
  return Array.isArray(details) ? (details as readonly Json[]).filter(isJsonObject) : [];
};

/** Google's place for a signature, on a tool call or a message. */
export function googleSignature(holder: JsonObject): RedactedThinkingPart | undefined {
  const extra = isJsonObject(holder['extra_content']) ? holder['extra_content']['google'] : undefined;
  const data = isJsonObject(extra) ? text(extra['thought_signature']) : undefined;
  return data === undefined ? undefined : { type: 'redacted_thinking', data, format: GEMINI_SIGNATURE };
}

export const googleContent = (signature: string | undefined): JsonObject =>
  signature === undefined ? {} : { extra_content: { google: { thought_signature: signature } } };

/** Clients keep the pieces of a streamed detail apart or join them: pieces of one index are one part until it is signed. */
function joined(details: readonly JsonObject[]): readonly PlacedReasoning[] {
  const placed: PlacedReasoning[] = [];
  let lastIndex: Json | undefined;
  for (const detail of details) {
    const part = decodeDetail(detail);
    if (part === undefined) continue;
    const last = placed.at(-1);
    const goesOn = typeof detail['index'] === 'number' && detail['index'] === lastIndex;
    if (goesOn && last?.part.type === 'thinking' && last.part.signature === undefined && part.type === 'thinking')
      placed[placed.length - 1] = { ...last, part: { ...last.part, text: last.part.text + part.text, signature: part.signature } };
    else placed.push({ part, place: placeOf(detail['id']), id: text(detail['id']) });
    lastIndex = detail['index'];
  }
  return placed;
}

/** The reasoning of a whole message. All members stay in the extension: their spelling differs from provider to provider. */
export function decodeReasoning(message: Fields): readonly PlacedReasoning[] {
  const holder: JsonObject = Object.fromEntries(REASONING_FIELDS.map((name) => [name, message.peek(name)]));
  const placed = joined(readDetails(holder));
  const plain = plainReasoning(holder);
  if (plain === undefined || placed.some(({ part }) => part.type === 'thinking' && part.text !== '')) return placed;
  // A signature without its text stands for the plain one.
  const signed = placed.findIndex(({ part }) => part.type === 'thinking');
  const bare = placed[signed];
  if (bare?.part.type === 'thinking') return placed.with(signed, { ...bare, part: { ...bare.part, text: plain } });
  return [{ part: { type: 'thinking', text: plain }, place: undefined, id: undefined }, ...placed];
}

export const encodeSigned = (part: ThinkingPart, index: number, id?: string): JsonObject => ({
  type: 'reasoning.text',
  ...(part.text === '' ? {} : { text: part.text }),
  signature: part.signature,
  format: part.format,
  index,
  ...(id === undefined ? {} : { id }),
});

export const encodeRedacted = (part: RedactedThinkingPart, index: number, id?: string): JsonObject => ({
  type: 'reasoning.encrypted',
  data: part.data,
  format: part.format,
  index,
  ...(id === undefined ? {} : { id }),
  ...ownMembers(part.extensions, PROTOCOL),
});

/** The id of a Gemini signature is that of the call it signs, as at OpenRouter; other reasoning bears its place. */
function detailId(part: Part, next: Part | undefined, place: Place): string | undefined {
  const signsCall = part.type === 'redacted_thinking' && part.format === GEMINI_SIGNATURE && next?.type === 'tool_call' && next.id !== '';
  return signsCall ? next.id : placeId(place);
}

/** A signature that came on its call goes back there. */
const standsOnCall = (next: Part | undefined): boolean =>
  next?.type === 'tool_call' && ownMembers(next.extensions, PROTOCOL)?.['extra_content'] !== undefined;

/** Reasoning parts as members of a message. `indices` count all parts of the message. */
export function encodeReasoning(parts: readonly Part[]): JsonObject {
  const details: JsonObject[] = [];
  let plain = '';
  let place: Place = { text: 0, calls: 0 };
  parts.forEach((part, index) => {
    const id = detailId(part, parts[index + 1], place);
    if (part.type === 'redacted_thinking' && !standsOnCall(parts[index + 1])) details.push(encodeRedacted(part, index, id));
    if (part.type === 'text') place = { ...place, text: place.text + part.text.length };
    if (part.type === 'tool_call') place = { ...place, calls: place.calls + 1 };
    if (part.type !== 'thinking') return;
    plain += part.text;
    if (part.signature !== undefined) details.push(encodeSigned(part, index, id));
  });
  return {
    reasoning_content: plain === '' ? undefined : plain,
    reasoning_details: details.length === 0 ? undefined : details,
  };
}
