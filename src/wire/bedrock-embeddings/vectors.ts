import { isJsonObject, type Json } from '../../core/json.ts';
import { NO_USAGE, type TokenUsage } from '../../core/usage.ts';
import { FieldFault } from '../fields.ts';
import { tokenCount } from '../openai-chat/usage.ts';

/** One vector. Throws FieldFault for anything that is no list of numbers. */
export function numbers(value: Json | undefined, path: string): readonly number[] {
  if (Array.isArray(value) && (value as readonly Json[]).every((item) => typeof item === 'number')) return value as readonly number[];
  throw new FieldFault(path, 'must be a list of numbers');
}

export function vectors(value: Json | undefined, path: string): readonly (readonly number[])[] {
  if (!Array.isArray(value)) throw new FieldFault(path, 'must be a list');
  return (value as readonly Json[]).map((vector, index) => numbers(vector, `${path}[${index}]`));
}

export const callUsage = (input: Json | undefined): TokenUsage | undefined =>
  typeof input === 'number' ? { ...NO_USAGE, input: tokenCount(input) } : undefined;

/** Cohere's newer answers count in `meta.billed_units`, the older not at all (Bedrock tells the count in a header). */
export function billedUsage(meta: Json | undefined): TokenUsage | undefined {
  const units = isJsonObject(meta) ? meta['billed_units'] : undefined;
  return isJsonObject(units) ? callUsage(units['input_tokens']) : undefined;
}
