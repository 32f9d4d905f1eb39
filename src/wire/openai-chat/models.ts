import { ANTHROPIC_SIGNATURE, GEMINI_SIGNATURE, OPENAI_SIGNATURE, type SignatureFormat } from '../../canonical/part.ts';

/** What stands behind this protocol, as far as a model's name tells. Those who serve many vendors (OpenRouter, Vercel) put the vendor in front: `anthropic/claude-…`. */
export interface ModelTraits {
  /** Whose signatures the model can read. */
  readonly signatures: SignatureFormat | undefined;
  /** Takes OpenRouter's `reasoning_details` in a message; Google's own endpoint takes `extra_content` on calls alone. */
  readonly details: boolean;
  /** Takes what OpenRouter added: Anthropic's `cache_control`, files by their address, answers with images. */
  readonly extended: boolean;
  /** Has free-text tools. */
  readonly customTools: boolean;
}

const VENDOR = /^(anthropic|google|openai|x-ai|xai)\//;
/** Custom tools came with GPT-5. */
const WITH_CUSTOM_TOOLS = /(^|\/)gpt-([5-9]|[1-9]\d)/;

function signaturesOf(model: string): SignatureFormat | undefined {
  if (model.includes('claude')) return ANTHROPIC_SIGNATURE;
  if (model.includes('gemini')) return GEMINI_SIGNATURE;
  // OpenAI's own chat completions take no reasoning back: only OpenRouter does for its models.
  if (model.startsWith('openai/')) return OPENAI_SIGNATURE;
  return /^x-?ai\//.test(model) ? 'xai-responses-v1' : undefined;
}

export function traitsOf(model: string): ModelTraits {
  const extended = VENDOR.test(model);
  const signatures = signaturesOf(model);
  return {
    signatures,
    details: signatures !== undefined && (extended || signatures !== GEMINI_SIGNATURE),
    extended,
    customTools: WITH_CUSTOM_TOOLS.test(model),
  };
}

/** Nothing but what OpenAI itself describes. */
export const PLAIN: ModelTraits = { signatures: undefined, details: false, extended: false, customTools: false };
