import type { Json, JsonObject } from '../core/json.ts';
import type { Policy } from './policy-store.ts';

/** The models that a key may ask for, as each vendor's clients want to read them. Providers' own dates and limits are not known here. */
export type ModelShape = 'openai' | 'anthropic' | 'gemini';

/** Methods that Gemini's clients look for before they call a model. */
const GEMINI_METHODS = ['generateContent', 'streamGenerateContent', 'countTokens', 'embedContent', 'batchEmbedContents'];

/** Of the one page that there is. */
export function modelList(shape: ModelShape, policy: Policy, aliases: readonly string[]): JsonObject {
  const data = aliases.map((alias) => modelObject(shape, policy, alias));
  switch (shape) {
    case 'openai':
      return { object: 'list', data };
    case 'anthropic':
      return { data, has_more: false, first_id: aliases[0] ?? null, last_id: aliases.at(-1) ?? null };
    case 'gemini':
      return { models: data };
  }
}

/** `created` is when the policy was made. */
export function modelObject(shape: ModelShape, policy: Policy, id: string): { readonly [key: string]: Json } {
  const { madeAt } = policy.snapshot;
  switch (shape) {
    case 'openai':
      return {
        id,
        object: 'model',
        created: Math.floor(madeAt / 1000),
        owned_by: policy.models.resolve(id)?.targets[0]?.provider ?? 'bulkhead',
      };
    case 'anthropic':
      return { type: 'model', id, display_name: id, created_at: new Date(madeAt).toISOString() };
    case 'gemini':
      return { name: `models/${id}`, displayName: id, supportedGenerationMethods: GEMINI_METHODS };
  }
}
