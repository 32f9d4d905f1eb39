import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts';
import { NO_USAGE, type TokenUsage } from '../../core/usage.ts';
import { tokenCount, within } from '../openai-chat/usage.ts';
import { unitCount, unitsOf, withServed } from '../served.ts';

/**
 * `usage` of OpenAI's image and audio APIs: `{input_tokens, output_tokens, input_token(s)_details: {audio_tokens, cached_tokens, …}}`.
 * Undefined: there are no tokens.
 */
export function mediaUsage(value: Json | undefined): TokenUsage | undefined {
  if (!isJsonObject(value) || (typeof value['input_tokens'] !== 'number' && typeof value['output_tokens'] !== 'number')) return undefined;
  const told = value['input_tokens_details'] ?? value['input_token_details'];
  const details = isJsonObject(told) ? told : {};
  const made = value['output_tokens_details'];
  const input = tokenCount(value['input_tokens']);
  const output = tokenCount(value['output_tokens']);
  return {
    ...NO_USAGE,
    input,
    output,
    cachedInput: within(input, tokenCount(details['cached_tokens'])),
    inputAudio: within(input, tokenCount(details['audio_tokens'])),
    ...pictures('inputImage', input, details['image_tokens']),
    ...pictures('outputImage', output, isJsonObject(made) ? made['image_tokens'] : undefined),
  };
}

function pictures(part: 'inputImage' | 'outputImage', whole: number, value: Json | undefined): Partial<TokenUsage> {
  const count = within(whole, tokenCount(value));
  return count === 0 ? {} : { [part]: count };
}

/**
 * What an answer of these APIs says of itself: tokens, else the seconds of a transcript (`usage: {type: 'duration'}`, or `duration` of the
 * verbose form), else how many pictures it holds.
 */
export function answerUsage(body: JsonObject): TokenUsage | undefined {
  const { usage, data, duration } = body as { readonly [name: string]: Json | undefined };
  const tokens = mediaUsage(usage);
  if (tokens !== undefined) return tokens;
  const seconds = unitCount(isJsonObject(usage) && usage['type'] === 'duration' ? usage['seconds'] : duration);
  const units = unitsOf('second', seconds) ?? unitsOf('image', Array.isArray(data) ? data.length : 0);
  return units === undefined ? undefined : withServed(NO_USAGE, undefined, units);
}
