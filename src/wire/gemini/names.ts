import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts';
import type { FieldNames } from '../../canonical/request.ts';

export const PROTOCOL = 'gemini';

export const NAMES: FieldNames = {
  message: 'contents[]',
  part: 'contents[].parts[]',
  tool: 'tools[]',
  temperature: 'generationConfig.temperature',
  topP: 'generationConfig.topP',
  topK: 'generationConfig.topK',
  frequencyPenalty: 'generationConfig.frequencyPenalty',
  presencePenalty: 'generationConfig.presencePenalty',
  seed: 'generationConfig.seed',
  stop: 'generationConfig.stopSequences',
  logprobs: 'generationConfig.responseLogprobs',
  topLogprobs: 'generationConfig.logprobs',
  candidates: 'generationConfig.candidateCount',
  logitBias: 'generationConfig.logitBias',
  responseFormat: 'generationConfig.responseMimeType',
  responseFormatStrict: 'generationConfig.responseSchema',
  toolChoice: 'toolConfig.functionCallingConfig',
  parallelToolCalls: 'toolConfig.functionCallingConfig',
  reasoning: 'generationConfig.thinkingConfig',
  user: 'user',
  metadata: 'labels',
  serviceTier: 'serviceTier',
  cacheMarker: 'cachedContent',
  participant: 'contents[].role',
  thinking: 'contents[].parts[].thought',
  toolResultError: 'contents[].parts[].functionResponse.response.error',
  image: 'contents[].parts[].inlineData (image)',
  imageDetail: 'contents[].parts[].mediaResolution',
  file: 'contents[].parts[].fileData',
  audio: 'contents[].parts[].inlineData (audio)',
  citations: 'contents[].parts[].citations',
  video: 'contents[].parts[].inlineData (video)',
  verbosity: 'verbosity',
  promptCacheKey: 'promptCacheKey',
  safetyIdentifier: 'safetyIdentifier',
  modalities: 'generationConfig.responseModalities',
};

/** Parts and tools that only Gemini has carry no `type`: their kind is the name of their member. It is put in front, so that other encoders can name what they drop. */
export const tagged = (value: JsonObject): JsonObject => ({ type: Object.keys(value)[0] ?? 'empty', value });

export function untagged(tag: Json): JsonObject {
  const value = isJsonObject(tag) ? tag['value'] : undefined;
  return isJsonObject(value) ? value : {};
}

/** A model as it is named inside a body. */
export const modelPath = (model: string): string => (model.includes('/') ? model : `models/${model}`);
