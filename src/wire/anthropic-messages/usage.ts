import { isJsonObject, type Json } from '../../core/json.ts';
import type { TokenUsage } from '../../core/usage.ts';
import { tokenCount, within } from '../openai-chat/usage.ts';
import { servedTier, unitCount, unitsOf, withServed } from '../served.ts';

/**
 * Anthropic's `usage`. `input_tokens` leaves out what was read from and written to the cache, so the three are added.
 * Undefined: these are no figures.
 */
export function anthropicUsage(value: Json | undefined): TokenUsage | undefined {
  if (!isJsonObject(value)) return undefined;
  if (typeof value['input_tokens'] !== 'number' && typeof value['output_tokens'] !== 'number') return undefined;
  const creation = isJsonObject(value['cache_creation']) ? value['cache_creation'] : {};
  const details = isJsonObject(value['output_tokens_details']) ? value['output_tokens_details'] : {};
  const read = tokenCount(value['cache_read_input_tokens']);
  const hour = tokenCount(creation['ephemeral_1h_input_tokens']);
  const short = Math.max(tokenCount(creation['ephemeral_5m_input_tokens']), tokenCount(value['cache_creation_input_tokens']) - hour);
  const output = tokenCount(value['output_tokens']);
  const tools = value['server_tool_use'];
  const searches = isJsonObject(tools) ? unitCount(tools['web_search_requests']) : 0;
  const usage = {
    input: tokenCount(value['input_tokens']) + read + hour + short,
    output,
    cachedInput: read,
    cacheWrite: short,
    cacheWrite1h: hour,
    reasoning: within(output, tokenCount(details['thinking_tokens'])),
    inputAudio: 0,
    outputAudio: 0,
  };
  // Fast mode is told beside the tier, and costs a multiple.
  const tier = value['speed'] === 'fast' ? 'fast' : servedTier(value['service_tier']);
  return withServed(usage, tier, unitsOf('search', searches));
}
