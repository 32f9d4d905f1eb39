import type { ProviderKind } from './provider-kind.ts';

/** OpenAI's own API, and the wire format most others copied. */
export const openai: ProviderKind = {
  kind: 'openai',
  baseUrl: 'https://api.openai.com/v1',
  auth: { scheme: 'bearer' },
  priceList: 'openai',
  headers: [],
  clientHeaders: ['openai-beta'],
  operations: {
    chat: { protocol: 'openai-chat', path: '/chat/completions' },
    completions: { protocol: 'openai-completions', path: '/completions' },
    embeddings: { protocol: 'openai-embeddings', path: '/embeddings' },
  },
  defaultMaxTokens: 4096,
  probe: { method: 'GET', path: '/models' },
  streamUsage: true,
  environment: ['OPENAI_API_KEY'],
};

/** Any server that speaks OpenAI's format: vLLM, Ollama, llama.cpp, Groq, Together … A row of the configuration gives its address. */
export const openaiCompatible: ProviderKind = {
  ...openai,
  kind: 'openai-compatible',
  baseUrl: null,
  priceList: null,
  clientHeaders: [],
  environment: [],
};

/** The built-in provider for trying things out. Its address comes from the supervisor. */
export const sandbox: ProviderKind = { ...openaiCompatible, kind: 'sandbox', auth: { scheme: 'none' }, priceList: 'sandbox' };
