import type { Json } from '../../core/json.ts';
import type { CanonicalRequest, Reasoning, ResponseFormat } from '../../canonical/request.ts';
import { FieldFault, type Fields } from '../fields.ts';
import { jsonSchemaOf } from './schema.ts';
import { spelled } from './spelling.ts';

const number = (config: Fields, name: string): number | undefined => config.number(spelled(config, name));

export function strings(holder: Fields, name: string): readonly string[] | undefined {
  const member = spelled(holder, name);
  return holder.array(member)?.map((text: Json, index) => {
    if (typeof text !== 'string') throw new FieldFault(`${holder.at(member)}[${index}]`, 'must be a string');
    return text;
  });
}

/** A budget of 0 switches reasoning off, one of -1 leaves it to the model. Levels are the newer models' efforts. */
function decodeReasoning(config: Fields): Reasoning | undefined {
  const member = spelled(config, 'thinkingConfig');
  const thinking = config.fields(member);
  if (thinking === undefined) return undefined;
  const budget = number(thinking, 'thinkingBudget');
  const level = thinking.string(spelled(thinking, 'thinkingLevel'))?.toLowerCase();
  const shown = thinking.boolean(spelled(thinking, 'includeThoughts'));
  config.respell(member);
  config.within(member, thinking);
  const summary = shown === undefined ? undefined : shown ? 'auto' : 'none';
  const effort = level === 'thinking_level_unspecified' ? undefined : level;
  if (budget === undefined) return { effort, summary };
  if (budget <= 0) return { mode: budget === 0 ? 'off' : 'auto', effort, summary };
  return { mode: 'budget', budget, effort, summary };
}

/** Other media types than JSON and plain text (`text/x.enum`) stay as they are, with their schema. */
function decodeFormat(config: Fields): ResponseFormat | undefined {
  const member = spelled(config, 'responseMimeType');
  const mediaType = config.string(member);
  if (mediaType === 'text/plain') {
    config.respell(member);
    return { type: 'text' };
  }
  if (mediaType !== 'application/json') {
    config.untake(member);
    return undefined;
  }
  const openApi = spelled(config, 'responseSchema');
  const schema = config.object(openApi);
  config.respell(openApi);
  const jsonSchema = config.object(spelled(config, 'responseJsonSchema'));
  if (jsonSchema !== undefined) return { type: 'json_schema', schema: jsonSchema };
  return schema === undefined ? { type: 'json' } : { type: 'json_schema', schema: jsonSchemaOf(schema) };
}

/** An empty list says nothing, and others refuse it. */
function decodeStop(config: Fields): readonly string[] | undefined {
  const stop = strings(config, 'stopSequences');
  if (stop === undefined || stop.length > 0) return stop;
  config.respell(spelled(config, 'stopSequences'));
  return undefined;
}

function decodeModalities(config: Fields): readonly string[] | undefined {
  const modalities = strings(config, 'responseModalities');
  config.respell(spelled(config, 'responseModalities'));
  return modalities?.map((word) => word.toLowerCase());
}

/** `generationConfig`: what is asked of the answer. */
export function decodeConfig(body: Fields): Partial<CanonicalRequest> {
  const member = spelled(body, 'generationConfig');
  const config = body.fields(member);
  if (config === undefined) return {};
  const asked = {
    temperature: number(config, 'temperature'),
    topP: number(config, 'topP'),
    topK: number(config, 'topK'),
    frequencyPenalty: number(config, 'frequencyPenalty'),
    presencePenalty: number(config, 'presencePenalty'),
    seed: number(config, 'seed'),
    stop: decodeStop(config),
    candidates: number(config, 'candidateCount'),
    maxOutputTokens: number(config, 'maxOutputTokens'),
    logprobs: config.boolean(spelled(config, 'responseLogprobs')),
    topLogprobs: number(config, 'logprobs'),
    responseFormat: decodeFormat(config),
    reasoning: decodeReasoning(config),
    modalities: decodeModalities(config),
  };
  // An empty one says nothing, and an encoder would leave it out.
  if (Object.values(asked).every((value) => value === undefined)) body.respell(member);
  body.within(member, config);
  return asked;
}
