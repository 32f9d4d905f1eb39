import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts';
import type { TokenUsage } from '../../core/usage.ts';

/**
 * The running `usage` of a stream: `message_delta` repeats or corrects what `message_start` said and leaves out what it does not correct
 * (a `null` corrects nothing), so the members are merged before they are counted.
 */
export function mergeUsage(before: JsonObject | undefined, now: Json | undefined): JsonObject | undefined {
  if (!isJsonObject(now)) return before;
  return { ...before, ...Object.fromEntries(Object.entries(now).filter(([, value]) => value !== null)) };
}

/** Our counts in Anthropic's words: its `input_tokens` leaves out what was read from and written to the cache. */
export function encodeUsage(usage: TokenUsage): JsonObject {
  const written = usage.cacheWrite + usage.cacheWrite1h;
  return {
    input_tokens: Math.max(usage.input - usage.cachedInput - written, 0),
    cache_creation_input_tokens: written,
    cache_read_input_tokens: usage.cachedInput,
    cache_creation: { ephemeral_5m_input_tokens: usage.cacheWrite, ephemeral_1h_input_tokens: usage.cacheWrite1h },
    output_tokens: usage.output,
    output_tokens_details: usage.reasoning > 0 ? { thinking_tokens: usage.reasoning } : undefined,
    server_tool_use: usage.units?.search === undefined ? undefined : { web_search_requests: usage.units.search },
  };
}
