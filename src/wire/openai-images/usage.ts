import { isJsonObject, type Json } from '../../core/json.ts';
import { NO_USAGE, type TokenUsage } from '../../core/usage.ts';
import { tokenCount, within } from '../openai-chat/usage.ts';

/**
 * `usage` of OpenAI's image and audio APIs: `{input_tokens, output_tokens, input_token(s)_details: {audio_tokens, cached_tokens, …}}`.
 * Undefined: there are no tokens (`{type: 'duration', seconds}` of whisper, or nothing).
 */
export function mediaUsage(value: Json | undefined): TokenUsage | undefined {
  if (!isJsonObject(value) || (typeof value['input_tokens'] !== 'number' && typeof value['output_tokens'] !== 'number')) return undefined;
  const told = value['input_tokens_details'] ?? value['input_token_details'];
  const details = isJsonObject(told) ? told : {};
  const input = tokenCount(value['input_tokens']);
  return {
    ...NO_USAGE,
    input,
    output: tokenCount(value['output_tokens']),
    cachedInput: within(input, tokenCount(details['cached_tokens'])),
    inputAudio: within(input, tokenCount(details['audio_tokens'])),
  };
}
