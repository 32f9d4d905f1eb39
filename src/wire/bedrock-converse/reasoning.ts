import type { JsonObject } from '../../core/json.ts';
import type { CanonicalRequest, Reasoning } from '../../canonical/request.ts';
import { encodeThinking } from '../anthropic-messages/thinking.ts';
import type { Dropped } from '../dropped.ts';
import { vendorOf } from './models.ts';
import { PROTOCOL } from './names.ts';

/** How a model is told to reason: in its vendor's own words (`fields`, for `additionalModelRequestFields`) and in Bedrock's (`effort`, for `outputConfig`). */
export interface ReasoningFields {
  readonly fields: JsonObject;
  readonly effort?: string | undefined;
  readonly on: boolean;
}

const NONE: ReasoningFields = { fields: {}, on: false };

/** OpenAI's and Amazon's models know three. */
function threeEfforts({ effort, budget }: Reasoning): 'low' | 'medium' | 'high' {
  switch (effort) {
    case 'minimal':
    case 'low':
      return 'low';
    case 'high':
    case 'xhigh':
    case 'max':
      return 'high';
    case undefined:
      return budget === undefined || budget > 8192 ? (budget === undefined ? 'medium' : 'high') : budget <= 2048 ? 'low' : 'medium';
    default:
      return 'medium';
  }
}

/** What the client of this protocol said itself. */
function native({ mode, budget, effort }: Reasoning): ReasoningFields {
  switch (mode) {
    case undefined:
      return { fields: {}, effort, on: false };
    case 'off':
      return { fields: { thinking: { type: 'disabled' } }, effort, on: false };
    case 'auto':
      return { fields: { thinking: { type: 'adaptive' } }, effort, on: true };
    case 'budget':
      return { fields: { thinking: { type: 'enabled', budget_tokens: budget } }, effort, on: true };
  }
}

function anthropic(request: CanonicalRequest, model: string, maxTokens: number, dropped: Dropped): ReasoningFields {
  const { config, effort, on } = encodeThinking(request, model, maxTokens, dropped);
  return { fields: config === undefined ? {} : { thinking: config }, effort, on };
}

export function encodeReasoning(request: CanonicalRequest, model: string, maxTokens: number, dropped: Dropped): ReasoningFields {
  const { reasoning } = request;
  if (reasoning === undefined) return NONE;
  if (dropped.sourceIs(PROTOCOL)) return native(reasoning);
  const isOff = reasoning.mode === 'off';
  switch (vendorOf(model)) {
    case 'anthropic':
      return anthropic(request, model, maxTokens, dropped);
    case 'openai':
      // These always reason; `low` is the least.
      if (isOff) dropped.field('reasoning');
      return { fields: { reasoning_effort: isOff ? 'low' : threeEfforts(reasoning) }, on: !isOff };
    case 'qwen':
      return isOff ? NONE : { fields: { reasoning_config: threeEfforts(reasoning) }, on: true };
    case 'nova':
      // Of Amazon's models only the second generation reasons.
      if (!model.includes('nova-2') || isOff) break;
      return { fields: { reasoningConfig: { type: 'enabled', maxReasoningEffort: threeEfforts(reasoning) } }, on: true };
    case 'other':
    case 'untold':
      break;
  }
  if (!isOff) dropped.field('reasoning');
  return NONE;
}
