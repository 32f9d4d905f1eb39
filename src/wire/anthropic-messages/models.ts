/**
 * What Anthropic's models take, by their names (as on its own API, Bedrock and Vertex). Models that are not known yet count as the newest kind.
 * Source: the request schema's remarks on `thinking`, `temperature`, `top_p` and `top_k`, and recorded requests.
 */

/** `budget`: thinking is switched on with a number of tokens. `adaptive`: the model decides, led by an effort. */
export type ThinkingStyle = 'none' | 'budget' | 'adaptive';

const BEFORE_THINKING = /claude-(instant|v?2|3)(?!-7)/;
const WITH_BUDGET = /claude-(3-7|(opus|sonnet|haiku)-4(?!-[6-9]|-[1-9]\d(?!\d)))/;
const WITH_SAMPLING = /claude-(instant|v?2|3|(opus|sonnet|haiku)-4(?!-[7-9]|-[1-9]\d(?!\d)))/;
const SYSTEM_IN_PLACE = /claude-(opus-4-8|[a-z]+-([5-9]|[1-9]\d)(?!\d))/;

export function thinkingStyle(model: string): ThinkingStyle {
  if (BEFORE_THINKING.test(model)) return 'none';
  return WITH_BUDGET.test(model) ? 'budget' : 'adaptive';
}

/** Models after Claude Opus 4.6 refuse a `temperature`, `top_p` or `top_k` of the caller's choice. */
export const takesSampling = (model: string): boolean => WITH_SAMPLING.test(model);

/** Whether a `system` message may stand between the others; elsewhere it moves to the top. */
export const takesSystemInPlace = (model: string): boolean => SYSTEM_IN_PLACE.test(model);
