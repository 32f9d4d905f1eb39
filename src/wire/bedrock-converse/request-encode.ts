import type { JsonObject } from '../../core/json.ts';
import type { CanonicalRequest, ResponseFormat } from '../../canonical/request.ts';
import { takesSampling } from '../anthropic-messages/models.ts';
import { Dropped } from '../dropped.ts';
import type { Encoded, EncodeTarget } from '../protocol.ts';
import { reportUnsupported } from '../unsupported.ts';
import { DocumentNames } from './media-encode.ts';
import { encodeConversation } from './messages-encode.ts';
import { takesStructure, vendorOf } from './models.ts';
import { PROTOCOL } from './names.ts';
import { encodeReasoning, type ReasoningFields } from './reasoning.ts';
import { encodeToolConfig } from './tools.ts';

const TIERS: ReadonlySet<string> = new Set(['default', 'priority', 'flex', 'reserved']);

/** An object without members that are undefined; undefined if none is left. */
function filled(members: JsonObject): JsonObject | undefined {
  const present = Object.entries(members).filter(([, value]) => value !== undefined);
  return present.length === 0 ? undefined : Object.fromEntries(present);
}

/** Bedrock refuses empty stop sequences, and Anthropic's models those of white space alone. */
function encodeStop({ stop }: CanonicalRequest, dropped: Dropped): readonly string[] | undefined {
  if (stop === undefined || dropped.sourceIs(PROTOCOL)) return stop;
  const kept = stop.filter((text) => text.trim() !== '');
  if (kept.length < stop.length) dropped.field('stop');
  return kept.length === 0 ? undefined : kept;
}

/**
 * Bedrock's temperature ends at 1. Anthropic's newer models refuse one beside `topP`, those after Opus 4.6 any of the caller's choice, and reasoning leaves them
 * no other value than 1; nothing is clamped, what does not fit is left out and reported.
 */
function encodeSampling(request: CanonicalRequest, model: string, reasons: boolean, dropped: Dropped): JsonObject {
  const { temperature, topP } = request;
  if (dropped.sourceIs(PROTOCOL)) return { temperature, topP };
  const isAnthropic = vendorOf(model) === 'anthropic';
  const isFree = !isAnthropic || (takesSampling(model) && !reasons);
  const keepsTemperature = temperature !== undefined && (temperature === 1 || (isFree && temperature < 1));
  const keepsTopP = topP !== undefined && ((isAnthropic && topP >= 0.99) || (isFree && (!isAnthropic || temperature === undefined)));
  if (!keepsTemperature) dropped.fieldIf('temperature', temperature);
  if (!keepsTopP) dropped.fieldIf('topP', topP);
  return { temperature: keepsTemperature ? temperature : undefined, topP: keepsTopP ? topP : undefined };
}

/** `top_k` has no place of its own: each vendor has another name for it. */
function encodeTopK({ topK }: CanonicalRequest, model: string, reasons: boolean, dropped: Dropped): JsonObject {
  if (topK === undefined) return {};
  if (dropped.sourceIs(PROTOCOL)) return { top_k: topK };
  const vendor = vendorOf(model);
  if (vendor === 'nova') return { inferenceConfig: { topK } };
  if (vendor === 'anthropic' && takesSampling(model) && !reasons) return { top_k: topK };
  dropped.field('topK');
  return {};
}

/** The schema stands there as text. Bedrock always holds the model to it. */
function encodeFormat(format: ResponseFormat | undefined, model: string, dropped: Dropped): JsonObject | undefined {
  if (format === undefined || format.type === 'text') return undefined;
  if (format.type === 'json' || (!takesStructure(model) && !dropped.sourceIs(PROTOCOL))) {
    dropped.field('responseFormat');
    return undefined;
  }
  if (format.strict === false) dropped.field('responseFormatStrict');
  const { schema, name, description } = format;
  const jsonSchema = { schema: JSON.stringify(schema), name, description };
  return { type: 'json_schema', structure: { jsonSchema } };
}

function encodeServiceTier(tier: string | undefined, dropped: Dropped): JsonObject | undefined {
  if (tier === undefined || (tier === 'auto' && !dropped.sourceIs(PROTOCOL))) return undefined;
  if (TIERS.has(tier) || dropped.sourceIs(PROTOCOL)) return { type: tier };
  dropped.field('serviceTier');
  return undefined;
}

const MAX_METADATA = 16;
const METADATA_TEXT = /^[a-zA-Z0-9\s:_@$#=/+,.-]{0,256}$/;

/** Up to 16 plain texts of Bedrock's letters (API reference, `requestMetadata`). */
function encodeMetadata(metadata: JsonObject | undefined, dropped: Dropped): JsonObject | undefined {
  if (metadata === undefined || dropped.sourceIs(PROTOCOL)) return metadata;
  const fits = Object.entries(metadata).filter(
    ([name, value]) => name !== '' && METADATA_TEXT.test(name) && typeof value === 'string' && METADATA_TEXT.test(value),
  );
  if (fits.length < Object.keys(metadata).length || fits.length > MAX_METADATA) dropped.field('metadata');
  return fits.length === 0 ? undefined : Object.fromEntries(fits.slice(0, MAX_METADATA));
}

const UNKNOWN = [
  'candidates',
  'logprobs',
  'topLogprobs',
  'logitBias',
  'user',
  'verbosity',
  'promptCacheKey',
  'safetyIdentifier',
  'modalities',
] as const;

/** Fields that have no counterpart, unless they say what holds anyway. */
function reportUnknown(request: CanonicalRequest, dropped: Dropped): void {
  dropped.fieldIf('frequencyPenalty', request.frequencyPenalty || undefined);
  dropped.fieldIf('presencePenalty', request.presencePenalty || undefined);
  dropped.fieldIf('seed', request.seed);
  reportUnsupported(request, UNKNOWN, dropped);
}

/** Reasoning must end before the answer's limit, so that one is named where reasoning has a budget. */
const needsLimit = ({ fields }: ReasoningFields): boolean => fields['thinking'] !== undefined;

/** Anthropic's clients ask for no tokens at all to fill a cache; one is the least here. */
const atLeastOne = (maxTokens: number | undefined, dropped: Dropped): number | undefined =>
  maxTokens === 0 && !dropped.sourceIs(PROTOCOL) ? 1 : maxTokens;

/** Neither the model nor whether to stream is said in the body: both stand in the path. */
export function encodeRequest(request: CanonicalRequest, target: EncodeTarget): Encoded {
  const dropped = new Dropped(request, PROTOCOL);
  const { model } = target;
  const isOwn = dropped.sourceIs(PROTOCOL);
  const reasoning = encodeReasoning(request, model, request.maxOutputTokens ?? target.defaultMaxTokens, dropped);
  const maxTokens = request.maxOutputTokens ?? (!isOwn && needsLimit(reasoning) ? target.defaultMaxTokens : undefined);
  const { system, messages } = encodeConversation(request, { model, dropped, names: new DocumentNames() });
  const { toolConfig, toolChoice } = encodeToolConfig(request, model, dropped);
  reportUnknown(request, dropped);
  const sampling = encodeSampling(request, model, reasoning.on, dropped);
  const own = dropped.extensions(request.extensions);
  const added = { ...reasoning.fields, ...encodeTopK(request, model, reasoning.on, dropped), tool_choice: toolChoice };
  const body = {
    system,
    messages: messages.length === 0 ? undefined : messages,
    inferenceConfig: filled({ maxTokens: atLeastOne(maxTokens, dropped), ...sampling, stopSequences: encodeStop(request, dropped) }),
    toolConfig,
    additionalModelRequestFields: filled(added),
    outputConfig: filled({ textFormat: encodeFormat(request.responseFormat, model, dropped), effort: reasoning.effort }),
    requestMetadata: encodeMetadata(request.metadata, dropped),
    serviceTier: encodeServiceTier(request.serviceTier, dropped),
    ...own,
  };
  return { body, dropped: dropped.paths };
}
