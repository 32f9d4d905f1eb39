import type { TokenUsage } from '../core/usage.ts';
/** Skeleton: filled in beside the codecs. */
export type CanonicalEvent = { readonly type: 'usage'; readonly usage: TokenUsage } | { readonly type: 'finish' };
