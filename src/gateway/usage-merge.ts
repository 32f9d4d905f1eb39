import type { TokenUsage } from '../core/usage.ts';

/**
 * The later figures of a stream hold, side by side: Anthropic tells the input first and the output as it grows, others tell
 * both at the end, some on every chunk.
 */
export function laterUsage(known: TokenUsage | undefined, later: TokenUsage): TokenUsage {
  if (known === undefined) return later;
  const input = later.input > 0 ? later : known;
  const output = later.output > 0 ? later : known;
  return {
    input: input.input,
    cachedInput: input.cachedInput,
    cacheWrite: input.cacheWrite,
    cacheWrite1h: input.cacheWrite1h,
    inputAudio: input.inputAudio,
    output: output.output,
    reasoning: output.reasoning,
    outputAudio: output.outputAudio,
    inputImage: input.inputImage,
    outputImage: output.outputImage,
    units: later.units ?? known.units,
    tier: later.tier ?? known.tier,
  };
}
