import { PRICED_CLAUDE } from './priced-claude.ts';
import { PRICED_GEMINI } from './priced-gemini.ts';
import { PRICED_MORE } from './priced-more.ts';
import { PRICED_OPENAI } from './priced-openai.ts';
import { SOURCES, type PricedAnswer, type Witness } from './priced-sources.ts';

/**
 * Recorded answers and what they cost: the sum by hand (tokens × dollars per million, fees: units × dollars per million units; times 10⁶
 * picodollars), its result as a literal, and who witnesses the prices.
 */
export const PRICED_ANSWERS: readonly PricedAnswer[] = [...PRICED_OPENAI, ...PRICED_CLAUDE, ...PRICED_GEMINI, ...PRICED_MORE];

export const witnessedBy = (by: Witness): readonly PricedAnswer[] => PRICED_ANSWERS.filter(([, , , , source]) => SOURCES[source].by === by);
