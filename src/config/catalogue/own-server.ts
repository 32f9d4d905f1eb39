import { CHAT, CHAT_MAX_TOKENS, COMPLETIONS, EMBEDDINGS, MESSAGES, RERANK, RESPONSES, TRANSCRIPTIONS, TRANSLATIONS } from './offers.ts';
import type { CatalogueRow } from './row.ts';

/** Servers of OpenAI's format that people run themselves. Their usual address is on the loopback interface, without a key. */

const OWN = {
  auth: { scheme: 'none' },
  priceList: 'none',
  environment: [],
  settings: [],
  place: 'own',
} as const satisfies Partial<CatalogueRow>;

export const OWN_SERVER_ROWS: readonly CatalogueRow[] = [
  {
    ...OWN,
    kind: 'openai-compatible',
    title: 'Anything in OpenAI’s format',
    baseUrl: null,
    remark: 'The address goes into `base_url`, up to and including the version.',
    auth: { scheme: 'bearer' },
    priceList: null,
    place: 'declared',
    proved: false,
    offers: { chat: CHAT, completions: COMPLETIONS, embeddings: EMBEDDINGS },
  },
  {
    ...OWN,
    kind: 'anthropic-compatible',
    title: 'Anything in Anthropic’s format',
    baseUrl: null,
    remark: 'The address goes into `base_url`, up to and including the version.',
    auth: { scheme: 'bearer' },
    priceList: null,
    place: 'declared',
    proved: true,
    offers: { messages: MESSAGES },
  },
  {
    ...OWN,
    kind: 'vllm',
    title: 'vLLM',
    baseUrl: 'http://127.0.0.1:8000/v1',
    remark: 'A server with `--api-key` wants `auth: bearer`.',
    proved: false,
    offers: {
      chat: CHAT,
      responses: RESPONSES,
      completions: COMPLETIONS,
      embeddings: EMBEDDINGS,
      rerank: RERANK,
      transcriptions: TRANSCRIPTIONS,
      translations: TRANSLATIONS,
    },
  },
  {
    ...OWN,
    kind: 'llamacpp',
    title: 'llama.cpp server',
    baseUrl: 'http://127.0.0.1:8080/v1',
    remark: 'A server with `--api-key` wants `auth: bearer`; rerank needs `--reranking`.',
    proved: true,
    offers: { chat: CHAT, completions: COMPLETIONS, embeddings: EMBEDDINGS, rerank: RERANK },
  },
  {
    ...OWN,
    kind: 'lmstudio',
    title: 'LM Studio',
    baseUrl: 'http://127.0.0.1:1234/v1',
    proved: true,
    offers: { chat: CHAT_MAX_TOKENS, responses: RESPONSES, completions: COMPLETIONS, embeddings: EMBEDDINGS },
  },
];
