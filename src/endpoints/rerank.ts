import type { Endpoint } from './endpoint.ts';

const rerank = { kind: 'forward', method: 'POST', protocol: 'cohere-rerank', operation: 'rerank', stream: 'never' } as const;

/** Cohere's shape, which most others copied, under both of its paths. */
export const rerankEndpoints: readonly Endpoint[] = [
  { ...rerank, id: 'rerank', path: '/v1/rerank' },
  { ...rerank, id: 'rerank-v2', path: '/v2/rerank' },
];
