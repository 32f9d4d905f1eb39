import type { Unit } from '../core/usage.ts';
import type { Rates } from './catalogue.ts';

/** Every rate that is charged per token. */
export const TOKEN_RATES = [
  'input',
  'output',
  'cachedInput',
  'cacheWrite',
  'cacheWrite1h',
  'reasoning',
  'inputAudio',
  'outputAudio',
  'cachedAudio',
  'inputImage',
  'outputImage',
  'cachedImage',
] as const satisfies readonly (keyof Rates)[];
export type TokenRate = (typeof TOKEN_RATES)[number];

/** The same in the words of bulkhead.yaml: dollars per million tokens. */
export const TOKEN_WORDS = {
  input: 'input',
  output: 'output',
  cached_input: 'cachedInput',
  cache_write: 'cacheWrite',
  cache_write_1h: 'cacheWrite1h',
  reasoning: 'reasoning',
  input_audio: 'inputAudio',
  output_audio: 'outputAudio',
  cached_audio: 'cachedAudio',
  input_image: 'inputImage',
  output_image: 'outputImage',
  cached_image: 'cachedImage',
} as const satisfies Readonly<Record<string, TokenRate>>;

/** Fees in the words of bulkhead.yaml: dollars each. */
export const FEE_WORDS = {
  per_image: 'image',
  per_second: 'second',
  per_character: 'character',
  per_page: 'page',
  per_search: 'search',
  per_file_search: 'file_search',
  per_container: 'container',
} as const satisfies Readonly<Record<string, Unit>>;
