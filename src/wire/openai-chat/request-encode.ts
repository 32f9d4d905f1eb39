import type { JsonObject } from '../../core/json.ts';
import type { CanonicalRequest, ResponseFormat } from '../../canonical/request.ts';
import { Dropped } from '../dropped.ts';
import { isStrictSchema } from '../json-schema.ts';
import type { Encoded, EncodeTarget } from '../protocol.ts';
import { encodeMessages } from './messages-encode.ts';
import { traitsOf, type ModelTraits } from './models.ts';
import { PROTOCOL } from './names.ts';
import { encodeEffort } from './reasoning-settings.ts';
import { encodeTool, encodeToolChoice } from './tools.ts';

/** OpenAI takes four; more are left out and reported. */
const MAX_STOP = 4;

/** A schema needs a name here. Where none came, it is the schema's title in the letters that OpenAI allows. */
const schemaName = (title: unknown): string =>
  (typeof title === 'string' ? title.replaceAll(/[^a-zA-Z0-9_-]/g, '_').slice(0, 64) : '') || 'response';

function encodeFormat(format: ResponseFormat | undefined, dropped: Dropped): JsonObject | undefined {
  switch (format?.type) {
    case undefined:
      return undefined;
    case 'text':
      return { type: 'text' };
    case 'json':
      return { type: 'json_object' };
    case 'json_schema': {
      const { name, description, schema } = format;
      const strict = format.strict ?? (!dropped.sourceIs(PROTOCOL) && isStrictSchema(schema) ? true : undefined);
      return {
        type: 'json_schema',
        json_schema: { name: name ?? (dropped.sourceIs(PROTOCOL) ? undefined : schemaName(schema['title'])), description, schema, strict },
      };
    }
  }
}

function encodeStop(stop: readonly string[] | undefined, dropped: Dropped): readonly string[] | undefined {
  if (stop === undefined || dropped.sourceIs(PROTOCOL)) return stop;
  if (stop.length <= MAX_STOP) return stop.length === 0 ? undefined : stop;
  dropped.field('stop');
  return stop.slice(0, MAX_STOP);
}

/** `top_k` is no field of OpenAI's; who sends it here in this protocol talks to a provider that knows it. */
function encodeTopK(topK: number | undefined, dropped: Dropped): number | undefined {
  if (dropped.sourceIs(PROTOCOL)) return topK;
  dropped.fieldIf('topK', topK);
  return undefined;
}

const encodeSampling = (request: CanonicalRequest, dropped: Dropped): JsonObject => ({
  max_completion_tokens: request.maxOutputTokens,
  temperature: request.temperature,
  top_p: request.topP,
  top_k: encodeTopK(request.topK, dropped),
  frequency_penalty: request.frequencyPenalty,
  presence_penalty: request.presencePenalty,
  seed: request.seed,
  stop: encodeStop(request.stop, dropped),
  n: request.candidates,
  logprobs: request.logprobs,
  top_logprobs: request.topLogprobs,
  logit_bias: request.logitBias,
});

/** OpenAI answers in text and sound; images are an addition of those who serve other vendors' models. */
function encodeModalities(request: CanonicalRequest, dropped: Dropped, model: ModelTraits): JsonObject {
  const { modalities, stream } = request;
  if (modalities === undefined || dropped.sourceIs(PROTOCOL)) return { modalities };
  const taken = modalities.filter((word) => word === 'text' || word === 'audio' || (word === 'image' && model.extended));
  if (taken.length < modalities.length) dropped.field('modalities');
  // OpenAI speaks with text or not at all, wants a voice named, and streams `pcm16` alone.
  if (taken.includes('audio')) return { modalities: ['text', 'audio'], audio: { voice: 'alloy', format: stream ? 'pcm16' : 'wav' } };
  return { modalities: taken.length === 0 || taken.join() === 'text' ? undefined : taken };
}

const encodeTools = (request: CanonicalRequest, dropped: Dropped, model: ModelTraits): JsonObject => {
  const tools = request.tools?.map((tool) => encodeTool(tool, dropped, model)).filter((tool) => tool !== undefined);
  const hasTools = dropped.sourceIs(PROTOCOL) || (tools !== undefined && tools.length > 0);
  if (!hasTools) return {};
  return { tools, tool_choice: encodeToolChoice(request, dropped, model), parallel_tool_calls: request.parallelToolCalls };
};

export function encodeRequest(request: CanonicalRequest, target: EncodeTarget): Encoded {
  const dropped = new Dropped(request, PROTOCOL);
  const model = traitsOf(target.model);
  const own = dropped.extensions(request.extensions);
  const body = {
    model: target.model,
    messages: encodeMessages(request.messages, dropped, model),
    ...encodeTools(request, dropped, model),
    response_format: encodeFormat(request.responseFormat, dropped),
    reasoning_effort: encodeEffort(request.reasoning, own),
    ...encodeSampling(request, dropped),
    ...encodeModalities(request, dropped, model),
    stream: request.stream ? true : undefined,
    stream_options: request.stream && request.includeUsage ? { include_usage: true } : undefined,
    user: request.user,
    metadata: request.metadata,
    verbosity: request.verbosity,
    prompt_cache_key: request.promptCacheKey,
    safety_identifier: request.safetyIdentifier,
    service_tier: request.serviceTier,
    ...own,
  };
  return { body, dropped: dropped.paths };
}
