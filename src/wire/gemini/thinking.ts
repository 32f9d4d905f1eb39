import type { JsonObject } from '../../core/json.ts';
import type { CanonicalRequest, Reasoning } from '../../canonical/request.ts';
import type { Dropped } from '../dropped.ts';
import { alwaysThinks, budgetRange, knowsMedium, thinkingStyle } from './models.ts';

/** Google's own table for OpenAI's efforts (ai.google.dev/gemini-api/docs/openai, "Thinking"). */
function budgetOf(effort: string | undefined): number {
  switch (effort) {
    case 'minimal':
    case 'low':
      return 1024;
    case 'medium':
      return 8192;
    case 'high':
    case 'xhigh':
    case 'max':
      return 24_576;
    default:
      return -1;
  }
}

/** Undefined: the model could not be kept from it. */
function encodeBudget({ mode, budget, effort }: Reasoning, model: string): number | undefined {
  const [least, most] = budgetRange(model);
  if (mode === 'off') return alwaysThinks(model) ? undefined : 0;
  const asked = budget ?? budgetOf(effort);
  return asked === -1 ? asked : Math.min(Math.max(asked, least), most);
}

const effortOf = (budget: number): string => (budget <= 1024 ? 'low' : budget <= 8192 ? 'medium' : 'high');

/** Undefined: the model's habit. */
function encodeLevel({ mode, budget, effort }: Reasoning, model: string): string | undefined {
  const word = mode === 'off' ? 'minimal' : (effort ?? (budget === undefined ? undefined : effortOf(budget)));
  switch (word) {
    case 'minimal':
      return alwaysThinks(model) ? 'low' : 'minimal';
    case 'low':
      return 'low';
    case 'medium':
      return knowsMedium(model) ? 'medium' : 'high';
    case 'high':
    case 'xhigh':
    case 'max':
      return 'high';
    default:
      return undefined;
  }
}

/** Google leaves it out unless asked. Who asks for an effort alone asks for no reasoning to read; Anthropic's clients see what they switch on. */
function isShown({ mode, summary }: Reasoning): true | undefined {
  if (mode === 'off' || summary === 'none') return undefined;
  return summary !== undefined || mode !== undefined ? true : undefined;
}

/** `thinkingConfig`; undefined where nothing is to be said. */
export function encodeThinking(request: CanonicalRequest, model: string, dropped: Dropped): JsonObject | undefined {
  const { reasoning } = request;
  if (reasoning === undefined) return undefined;
  const style = thinkingStyle(model);
  if (style === 'none') {
    if (reasoning.mode !== 'off') dropped.field('reasoning');
    return undefined;
  }
  if (reasoning.mode === 'off' && alwaysThinks(model)) dropped.field('reasoning');
  const includeThoughts = isShown(reasoning);
  const config =
    style === 'budget'
      ? { thinkingBudget: encodeBudget(reasoning, model), includeThoughts }
      : { thinkingLevel: encodeLevel(reasoning, model)?.toUpperCase(), includeThoughts };
  return Object.values(config).every((value) => value === undefined) ? undefined : config;
}
