import type { Json } from '../../core/json.ts';
import { NO_USAGE, type TokenUsage } from '../../core/usage.ts';
import { FieldFault } from '../fields.ts';

/** The numbers of one vector. */
export function vectorOf(values: readonly Json[], path: string): readonly number[] {
  for (const [index, value] of values.entries())
    if (typeof value !== 'number') throw new FieldFault(`${path}[${index}]`, 'must be a number');
  return values as readonly number[];
}

/** What is embedded is read, and nothing is written. */
export const readTokens = (input: number): TokenUsage => ({ ...NO_USAGE, input });
