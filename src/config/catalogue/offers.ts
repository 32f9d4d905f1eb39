import type { OfferRow } from './row.ts';

/** Offers that many hosts share, by OpenAI's own paths. */

export const CHAT: OfferRow = { path: '/chat/completions' };
/** Where only the older name of the limit is documented. */
export const CHAT_MAX_TOKENS: OfferRow = { ...CHAT, rename: { max_completion_tokens: 'max_tokens' } };
export const RESPONSES: OfferRow = { path: '/responses' };
export const MESSAGES: OfferRow = { path: '/messages' };
export const COMPLETIONS: OfferRow = { path: '/completions' };
export const EMBEDDINGS: OfferRow = { path: '/embeddings' };
export const RERANK: OfferRow = { path: '/rerank' };
export const IMAGES: OfferRow = { path: '/images/generations' };
export const TRANSCRIPTIONS: OfferRow = { path: '/audio/transcriptions' };
export const TRANSLATIONS: OfferRow = { path: '/audio/translations' };
export const SPEECH: OfferRow = { path: '/audio/speech' };
