import { parseCarried } from '../../core/exact-json.ts';
import { isJsonObject, type JsonObject } from '../../core/json.ts';
import type { ToolCallPart } from '../../canonical/part.ts';

/** The text as a JSON object; undefined: it is something else. */
export function objectIn(text: string): JsonObject | undefined {
  if (text.trimStart().charCodeAt(0) !== 0x7b) return undefined;
  try {
    const value: unknown = parseCarried(text);
    return isJsonObject(value) ? value : undefined;
  } catch {
    // Text that only looks like JSON is text.
    return undefined;
  }
}

/** A call's arguments must be an object here: free text goes under `input`, what a model wrote amiss under `INVALID_JSON`, as for Anthropic. */
export function encodeArguments(text: string, kind: ToolCallPart['kind']): JsonObject {
  if (kind === 'custom') return { input: text };
  if (text.trim() === '') return {};
  return objectIn(text) ?? { INVALID_JSON: text };
}
