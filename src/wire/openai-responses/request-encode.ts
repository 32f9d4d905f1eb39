import type { JsonObject } from '../../core/json.ts';
import type { CanonicalRequest, Message } from '../../canonical/request.ts';
import { Dropped } from '../dropped.ts';
import { ownMembers } from '../fields.ts';
import type { Encoded, EncodeTarget } from '../protocol.ts';
import { customCallsOf, encodeItems } from './items-encode.ts';
import { PROTOCOL } from './names.ts';
import { LOGPROBS } from './request-decode.ts';
import { encodeSettings } from './settings-encode.ts';

const ENCRYPTED = 'reasoning.encrypted_content';

/** The text of a message that came as `instructions`; undefined: it came as an item, or in another protocol. */
export function instructionsOf(message: Message | undefined): string | undefined {
  if (message === undefined || ownMembers(message.extensions, PROTOCOL)?.['instructions'] !== true) return undefined;
  return message.parts.map((part) => (part.type === 'text' ? part.text : '')).join('');
}

/** Models that write no reasoning refuse to be asked for it. Names that say nothing (deployments) are asked only where the client wants reasoning. */
const isReasoner = (model: string): boolean =>
  /(^|[/.])(o\d|gpt-[5-9]|codex|gpt-oss|grok)/i.test(model.slice(0, 200)) && !/chat|non-reasoning/i.test(model.slice(0, 200));

/** What a client of a protocol without these words means: nothing is kept at the provider, so the reasoning has to travel. */
function stateless(request: CanonicalRequest, model: string): JsonObject {
  const wantsReasoning = request.reasoning !== undefined && request.reasoning.mode !== 'off';
  const include = [...(isReasoner(model) || wantsReasoning ? [ENCRYPTED] : []), ...(request.logprobs === true ? [LOGPROBS] : [])];
  return { store: false, include: include.length === 0 ? undefined : include };
}

/** Fields that have no counterpart, unless they say what holds anyway. */
function reportUnknown(request: CanonicalRequest, dropped: Dropped): void {
  dropped.fieldIf('topK', request.topK);
  dropped.fieldIf('frequencyPenalty', request.frequencyPenalty || undefined);
  dropped.fieldIf('presencePenalty', request.presencePenalty || undefined);
  dropped.fieldIf('seed', request.seed);
  dropped.fieldIf('stop', request.stop?.length === 0 ? undefined : request.stop);
  dropped.fieldIf('candidates', request.candidates === 1 ? undefined : request.candidates);
  dropped.fieldIf('logitBias', request.logitBias);
  dropped.fieldIf('modalities', request.modalities?.some((modality) => modality !== 'text') === true ? request.modalities : undefined);
}

export function encodeRequest(request: CanonicalRequest, target: EncodeTarget): Encoded {
  const dropped = new Dropped(request, PROTOCOL);
  const isOwn = dropped.sourceIs(PROTOCOL);
  const instructions = instructionsOf(request.messages[0]);
  const messages = instructions === undefined ? request.messages : request.messages.slice(1);
  reportUnknown(request, dropped);
  const body = {
    model: target.model,
    instructions,
    input: encodeItems(messages, { dropped, model: target.model, customCalls: customCallsOf(messages) }),
    ...encodeSettings(request, dropped),
    ...(isOwn ? {} : stateless(request, target.model)),
    stream: request.stream ? true : undefined,
    ...dropped.extensions(request.extensions),
  };
  // A stored prompt may say all there is: then the client sent no input.
  return {
    body: isOwn && messages.length === 0 ? { ...body, input: ownMembers(request.extensions, PROTOCOL)?.['input'] } : body,
    dropped: dropped.paths,
  };
}
