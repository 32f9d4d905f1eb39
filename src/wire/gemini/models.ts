/** What Gemini's models take, by their names. Models that are not known yet count as the newest kind. Source: ai.google.dev/gemini-api/docs/thinking and /openai. */

/** `budget`: reasoning is led by a number of tokens. `level`: by a word. */
export type ThinkingStyle = 'none' | 'budget' | 'level';

const WITHOUT_THINKING = /gemma|gemini-(1\.|2\.0|pro-vision)/;
const WITH_BUDGET = /gemini-2\.5|robotics-er-1\.5/;

export function thinkingStyle(model: string): ThinkingStyle {
  if (WITHOUT_THINKING.test(model)) return 'none';
  return WITH_BUDGET.test(model) ? 'budget' : 'level';
}

/** Pro models cannot be kept from reasoning. */
export const alwaysThinks = (model: string): boolean => /pro/.test(model);

/** Gemini 3.0 Pro knows two levels, `low` and `high`; no Pro knows `minimal`. */
export const knowsMedium = (model: string): boolean => !/gemini-3-pro/.test(model);

/** Tokens that a model with a budget may reason with: least and most. */
export function budgetRange(model: string): readonly [number, number] {
  if (alwaysThinks(model)) return [128, 32_768];
  return [model.includes('lite') ? 512 : 1, 24_576];
}
