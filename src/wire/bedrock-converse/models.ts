/**
 * What the models on Bedrock take, by their names: `anthropic.claude-…`, with a region's prefix (`us.`, `eu.`, `global.`) or inside an ARN. A profile of one's own
 * (`application-inference-profile/…`) does not tell its model. Models that are not known yet count as the newest kind.
 * Source: Bedrock's user guide ("Supported foundation models", "Prompt caching", "Structured output") and recorded requests.
 */

export type Vendor = 'anthropic' | 'nova' | 'openai' | 'qwen' | 'other' | 'untold';

const BY_NAME: readonly (readonly [part: string, vendor: Vendor])[] = [
  ['anthropic.', 'anthropic'],
  ['amazon.nova', 'nova'],
  ['openai.', 'openai'],
  ['qwen.', 'qwen'],
  [':application-inference-profile/', 'untold'],
  [':provisioned-model/', 'untold'],
  [':custom-model', 'untold'],
  [':prompt-router/', 'untold'],
];

export const vendorOf = (model: string): Vendor => BY_NAME.find(([part]) => model.includes(part))?.[1] ?? 'other';

/** Whether reasoning can be sent back: to Anthropic's models with its signature, which the others do not have; those refuse reasoning or ignore it. */
export const keepsReasoning = (model: string): boolean => ['anthropic', 'untold'].includes(vendorOf(model));

export const takesCacheMarkers = (model: string): boolean => ['anthropic', 'nova', 'untold'].includes(vendorOf(model));
/** Nova caches prompts, but no tools, and for five minutes only. */
export const takesToolCacheMarkers = (model: string): boolean => ['anthropic', 'untold'].includes(vendorOf(model));

/** `toolResult.status` is known to these alone; others refuse it when it says `error`. */
export const takesResultStatus = (model: string): boolean => ['anthropic', 'nova', 'untold'].includes(vendorOf(model));

const WITHOUT_STRUCTURE =
  /claude-(instant|v?2|3|(opus|sonnet)-4-(1\b|20))|amazon\.|ai21\.|cohere\.|meta\.|deepseek\.r1|mistral\.(mistral|mixtral|pixtral)-|writer\./;

/** Whether an answer, or a tool's input, can be held to a schema. */
export const takesStructure = (model: string): boolean => !WITHOUT_STRUCTURE.test(model);
