import type { ProviderAuth } from './config.ts';

/** What a provider kind means where bulkhead.yaml leaves something out. The protocols themselves are in `providers/`. */
interface KindDefaults {
  /** Null: `base_url` is required. */
  readonly baseUrl: string | null;
  readonly auth: ProviderAuth;
  /** Null: the provider's name. */
  readonly priceList: string | null;
}

export const PROVIDER_KINDS = ['openai', 'anthropic', 'openai-compatible'] as const;
export type ProviderKind = (typeof PROVIDER_KINDS)[number];

export const KIND_DEFAULTS: Readonly<Record<ProviderKind, KindDefaults>> = {
  openai: { baseUrl: 'https://api.openai.com/v1', auth: { scheme: 'bearer' }, priceList: 'openai' },
  anthropic: { baseUrl: 'https://api.anthropic.com/v1', auth: { scheme: 'header', name: 'x-api-key' }, priceList: 'anthropic' },
  'openai-compatible': { baseUrl: null, auth: { scheme: 'bearer' }, priceList: null },
};

/** Providers that exist without being declared, named like their kind. */
export const BUILT_IN_KINDS = ['openai', 'anthropic'] as const;

/** The built-in provider that answers by itself; it is no upstream, so no file may declare it. */
export const SANDBOX = 'sandbox';
/** What the bare alias `sandbox` stands for. */
export const SANDBOX_MODEL = 'echo';
