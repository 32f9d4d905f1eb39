import type { JsonObject } from '../../core/json.ts';
import { ANTHROPIC_SIGNATURE } from '../../canonical/part.ts';
import type { CanonicalRequest, Message, Reasoning } from '../../canonical/request.ts';
import type { Dropped } from '../dropped.ts';
import { thinkingStyle } from './models.ts';
import { PROTOCOL } from './names.ts';

/** `thinking` and the effort for `output_config`. */
export interface Thinking {
  readonly config?: JsonObject;
  readonly effort?: string | undefined;
  readonly on: boolean;
}

const OFF: Thinking = { on: false };
/** Anthropic's least budget. */
const MIN_BUDGET = 1024;

/** What the API takes for each of OpenAI's efforts: Anthropic has no `minimal`. */
const effortWord = (effort: string): string => (effort === 'minimal' ? 'low' : effort);

function budgetOf(effort: string | undefined): number {
  switch (effort) {
    case 'minimal':
      return 1024;
    case 'low':
      return 2048;
    case 'high':
      return 16_384;
    case 'xhigh':
      return 24_576;
    case 'max':
      return 32_000;
    default:
      return 8192;
  }
}

/** Newer models take no budget: it becomes the effort that it is about. */
const effortOfBudget = (budget: number | undefined): string | undefined =>
  budget === undefined ? undefined : budget <= 2048 ? 'low' : budget <= 8192 ? 'medium' : 'high';

const isSigned = (message: Message): boolean =>
  message.parts.some(
    (part) =>
      (part.type === 'redacted_thinking' || (part.type === 'thinking' && part.signature !== undefined)) &&
      (part.format === undefined || part.format === ANTHROPIC_SIGNATURE),
  );

/**
 * With a budget, Anthropic refuses a tool result whose call was not preceded by its signed reasoning. A client that
 * did not keep the signatures goes on without thinking until its tools have answered.
 */
function lostSignature(messages: readonly Message[]): boolean {
  const last = messages.at(-1);
  if (last?.role !== 'tool') return false;
  const caller = messages.findLast((message) => message.role === 'assistant');
  return caller !== undefined && !isSigned(caller);
}

/** At most half of the answer's tokens, so that some are left to answer with. */
function withBudget(reasoning: Reasoning, maxTokens: number, messages: readonly Message[]): Thinking | undefined {
  const budget = Math.min(reasoning.budget ?? budgetOf(reasoning.effort), Math.floor(maxTokens / 2));
  if (budget < MIN_BUDGET || lostSignature(messages)) return undefined;
  return { config: { type: 'enabled', budget_tokens: budget, ...displayOf(reasoning) }, on: true };
}

/** Whether the reasoning is shown; nothing where the client left it to the model's habit. */
const displayOf = ({ summary }: Reasoning): JsonObject =>
  summary === undefined ? {} : { display: summary === 'none' ? 'omitted' : 'summarized' };

/** What the Anthropic client said itself. */
function native(reasoning: Reasoning): Thinking {
  const { mode, budget, effort } = reasoning;
  switch (mode) {
    case undefined:
      return { effort, on: false };
    case 'off':
      return { config: { type: 'disabled' }, effort, on: false };
    case 'auto':
      return { config: { type: 'adaptive', ...displayOf(reasoning) }, effort, on: true };
    case 'budget':
      return { config: { type: 'enabled', budget_tokens: budget, ...displayOf(reasoning) }, effort, on: true };
  }
}

/** Anthropic refuses thinking together with a tool that must be called: the tool is worth more, and the effort is reported as dropped. */
const forcesTool = (request: CanonicalRequest): boolean => request.toolChoice?.type === 'required' || request.toolChoice?.type === 'tool';

function translated(request: CanonicalRequest, reasoning: Reasoning, model: string, maxTokens: number): Thinking | undefined {
  const style = thinkingStyle(model);
  if (reasoning.mode === 'off') return style === 'none' ? OFF : { config: { type: 'disabled' }, on: false };
  if (style === 'none' || forcesTool(request)) return undefined;
  if (style === 'budget') return withBudget(reasoning, maxTokens, request.messages);
  const effort = reasoning.effort === undefined ? effortOfBudget(reasoning.budget) : effortWord(reasoning.effort);
  return { config: { type: 'adaptive', ...displayOf(reasoning) }, effort, on: true };
}

export function encodeThinking(request: CanonicalRequest, model: string, maxTokens: number, dropped: Dropped): Thinking {
  const { reasoning } = request;
  if (reasoning === undefined) return OFF;
  if (dropped.sourceIs(PROTOCOL)) return native(reasoning);
  const thinking = translated(request, reasoning, model, maxTokens);
  if (thinking === undefined) dropped.field('reasoning');
  return thinking ?? OFF;
}
