import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts';
import type { Part } from '../../canonical/part.ts';
import type { CanonicalResponse, Choice } from '../../canonical/response.ts';
import { Fields, ownMembers } from '../fields.ts';
import { encodeAnswer } from './answer-encode.ts';
import { answerCallId } from './call-ids.ts';
import { decodeCitations, encodeCitations, type Placed } from './citations.ts';
import { decodeParts, type CallIds } from './content-decode.ts';
import { blockReasonOf, decodeBlock, decodeFinish, encodeFinish, finishWord } from './finish.ts';
import { decodeLogprobs, encodeLogprobs } from './logprobs.ts';
import { PROTOCOL } from './names.ts';
import { encodeUsage, geminiUsage, serviceTierOf } from './usage.ts';

/** Ids of an answer's calls. */
function answerCalls(responseId: string, choice: number): CallIds {
  let count = 0;
  const called = (_name: string, id: string | undefined): string => {
    count++;
    return id ?? answerCallId(responseId, choice, count);
  };
  return { called };
}

const textOf = (parts: readonly Part[]): string => parts.map((part) => (part.type === 'text' ? part.text : '')).join('');

/** The canonical form hangs citations on the last text; the originals stay in the extension. */
function withCitations(parts: readonly Part[], candidate: JsonObject): readonly Part[] {
  const last = parts.findLastIndex((part) => part.type === 'text');
  const text = parts[last];
  const citations = text === undefined ? [] : decodeCitations(candidate, textOf(parts));
  if (text?.type !== 'text' || citations.length === 0) return parts;
  return parts.with(last, { ...text, citations });
}

/** A content of another shape than what an encoder would write is kept whole. */
function decodeContent(candidate: Fields, ids: CallIds): Pick<Choice, 'parts' | 'messageExtensions'> {
  const content = candidate.fields('content');
  if (content === undefined) return { parts: [] };
  const parts = decodeParts(content, ids);
  if (content.value('role') !== 'model') content.respell('role');
  if (parts.length === 0 || content.peek('role') === undefined) candidate.respell('content');
  return { parts, messageExtensions: content.extensions(PROTOCOL) };
}

function decodeCandidate(value: Json, at: number, responseId: string): Choice {
  const candidate = new Fields(value, `candidates[${at}]`);
  const index = candidate.number('index') ?? at;
  candidate.respell('index', 'finishReason');
  const { parts, messageExtensions } = decodeContent(candidate, answerCalls(responseId, index));
  const raw = finishWord(candidate.value('finishReason'));
  const hasToolCalls = parts.some((part) => part.type === 'tool_call');
  return {
    index,
    parts: withCitations(parts, isJsonObject(value) ? value : {}),
    finish: raw === undefined ? undefined : decodeFinish(raw, hasToolCalls),
    logprobs: decodeLogprobs(candidate.peek('logprobsResult')),
    messageExtensions,
    extensions: candidate.extensions(PROTOCOL),
  };
}

/** Why there are no candidates. */
export function blockedIn(body: JsonObject): string | undefined {
  const feedback = body['promptFeedback'];
  const reason = isJsonObject(feedback) ? feedback['blockReason'] : undefined;
  return typeof reason === 'string' ? reason : undefined;
}

/** RFC 3339, as Vertex sends it. */
export function secondsOf(time: Json | undefined): number | undefined {
  const milliseconds = typeof time === 'string' ? Date.parse(time) : Number.NaN;
  return Number.isNaN(milliseconds) ? undefined : Math.floor(milliseconds / 1000);
}

function decodeChoices(value: JsonObject, body: Fields, responseId: string): readonly Choice[] {
  const candidates = body.array('candidates');
  if (candidates !== undefined && candidates.length > 0)
    return candidates.map((candidate, at) => decodeCandidate(candidate, at, responseId));
  const blocked = blockedIn(value);
  if (candidates === undefined && blocked === undefined && body.peek('usageMetadata') === undefined) body.missing('candidates', 'a list');
  body.respell('candidates');
  return [{ index: 0, parts: [], finish: blocked === undefined ? undefined : decodeBlock(blocked) }];
}

/** `usageMetadata` stays in the extension too: it says more than is counted. */
export function decodeResponse(value: JsonObject): CanonicalResponse {
  const body = new Fields(value, '');
  const id = body.string('responseId') ?? '';
  const response = {
    id,
    model: body.string('modelVersion') ?? '',
    created: secondsOf(body.peek('createTime')),
    choices: decodeChoices(value, body, id),
    usage: geminiUsage(body.peek('usageMetadata')),
    serviceTier: serviceTierOf(body.peek('usageMetadata')),
  };
  return { ...response, extensions: body.extensions(PROTOCOL) };
}

/** Citations with the place of the part that they stand on. */
function placedIn(parts: readonly Part[]): readonly Placed[] {
  const placed: Placed[] = [];
  let start = 0;
  for (const part of parts) {
    if (part.type !== 'text') continue;
    const end = start + part.text.length;
    for (const citation of part.citations ?? []) placed.push({ citation, start, end });
    start = end;
  }
  return placed;
}

function encodeCandidate(choice: Choice): JsonObject {
  const { parts, index, finish } = choice;
  const hasRefusal = parts.some((part) => part.type === 'refusal');
  const own = ownMembers(choice.extensions, PROTOCOL);
  const encoded = encodeAnswer(parts);
  return {
    content: encoded.length === 0 ? undefined : { parts: encoded, role: 'model', ...ownMembers(choice.messageExtensions, PROTOCOL) },
    finishReason: finish === undefined ? undefined : encodeFinish(finish, hasRefusal),
    index: index === 0 ? undefined : index,
    logprobsResult: encodeLogprobs(choice.logprobs),
    ...(own === undefined ? encodeCitations(placedIn(parts), textOf(parts)) : own),
  };
}

/** An answer without candidates says why, or that there were none. */
function encodeCandidates(choices: readonly Choice[]): JsonObject {
  const blocked = blockReasonOf(choices[0]?.finish);
  if (blocked !== undefined) return { promptFeedback: { blockReason: blocked } };
  const isEmpty = choices.every(({ parts, finish, extensions }) => parts.length === 0 && finish === undefined && extensions === undefined);
  return isEmpty ? {} : { candidates: choices.map(encodeCandidate) };
}

/** Undefined also for a second that no calendar has: a provider may send any number. */
export function timeOf(seconds: number | undefined): string | undefined {
  const time = new Date((seconds ?? Number.NaN) * 1000);
  return Number.isNaN(time.getTime()) ? undefined : time.toISOString();
}

/** Neither an id nor a model is made up: Google's clients can do without. */
export const encodeResponse = (response: CanonicalResponse): JsonObject => ({
  ...encodeCandidates(response.choices),
  usageMetadata: response.usage === undefined ? undefined : encodeUsage(response.usage, response.serviceTier),
  modelVersion: response.model || undefined,
  createTime: timeOf(response.created),
  responseId: response.id || undefined,
  ...ownMembers(response.extensions, PROTOCOL),
});
