import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts';
import type { TokenUsage, Units } from '../../core/usage.ts';
import { tokenCount, within } from '../openai-chat/usage.ts';
import { servedTier, unitCount, withServed } from '../served.ts';

const details = (value: Json | undefined): JsonObject => (isJsonObject(value) ? value : {});

/** `usage` of a response: its input holds what was cached, its output what was reasoned, as ours do. Undefined: these are no figures. */
export function responsesUsage(value: Json | undefined): TokenUsage | undefined {
  if (!isJsonObject(value) || typeof value['input_tokens'] !== 'number') return undefined;
  const inputDetails = details(value['input_tokens_details']);
  const input = tokenCount(value['input_tokens']);
  const output = tokenCount(value['output_tokens']);
  const cachedInput = within(input, tokenCount(inputDetails['cached_tokens']));
  return {
    input,
    output,
    cachedInput,
    cacheWrite: within(input - cachedInput, tokenCount(inputDetails['cache_write_tokens'])),
    cacheWrite1h: 0,
    reasoning: within(output, tokenCount(details(value['output_tokens_details'])['reasoning_tokens'])),
    inputAudio: 0,
    outputAudio: 0,
  };
}

/** Calls of its own tools in `output`; a container is charged once, however often it is used. */
function callsIn(output: readonly Json[]): Units {
  const items = output.filter(isJsonObject);
  const count = (type: string): number => items.filter((item) => item['type'] === type).length;
  const containers = new Set(items.filter(({ type }) => type === 'code_interpreter_call').map((item) => item['container_id']));
  return { search: count('web_search_call'), file_search: count('file_search_call'), container: containers.size };
}

/** What the tools used: by the items where they are at hand, searches else by `tool_usage`, which is small and stands beside `usage`. */
function toolUnits(response: JsonObject): Units | undefined {
  const { output, tool_usage: tools } = response as { readonly [name: string]: Json | undefined };
  const search = isJsonObject(tools) && isJsonObject(tools['web_search']) ? unitCount(tools['web_search']['num_requests']) : 0;
  const calls = Array.isArray(output) ? callsIn(output) : {};
  const found = Object.entries({ ...calls, search: Math.max(search, calls.search ?? 0) }).filter(([, count]) => count > 0);
  return found.length === 0 ? undefined : Object.fromEntries(found);
}

/** What a response says of itself: the figures, its `service_tier`, and what its tools used. */
export function answerUsage(response: JsonObject): TokenUsage | undefined {
  const usage = responsesUsage(response['usage']);
  return usage === undefined ? undefined : withServed(usage, servedTier(response['service_tier']), toolUnits(response));
}

export const encodeUsage = (usage: TokenUsage): JsonObject => ({
  input_tokens: usage.input,
  input_tokens_details: { cached_tokens: usage.cachedInput, cache_write_tokens: usage.cacheWrite + usage.cacheWrite1h },
  output_tokens: usage.output,
  output_tokens_details: { reasoning_tokens: usage.reasoning },
  total_tokens: usage.input + usage.output,
});
