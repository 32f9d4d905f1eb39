import { BulkheadError } from '../core/errors.ts';
import type { Endpoint } from './endpoint.ts';
import { healthEndpoints, openaiEndpoints } from './openai.ts';

/** Every path that the gateway serves. A new endpoint is a row. */
export const ENDPOINTS: readonly Endpoint[] = [...openaiEndpoints, ...healthEndpoints];

const exact: ReadonlyMap<string, Endpoint> = new Map(
  ENDPOINTS.filter(({ path }) => !path.endsWith('/')).map((endpoint) => [endpoint.path, endpoint]),
);
const below = ENDPOINTS.filter(({ path }) => path.endsWith('/'));

/**
 * The endpoint of a checked path, without its query. HEAD is served where GET is.
 * Throws unknown_endpoint or method_not_allowed.
 */
export function findEndpoint(method: string, path: string): Endpoint {
  const endpoint = exact.get(path) ?? below.find((candidate) => path.length > candidate.path.length && path.startsWith(candidate.path));
  if (endpoint === undefined) throw new BulkheadError('unknown_endpoint', { method, path: shorten(path) });
  if (endpoint.method !== method && !(method === 'HEAD' && endpoint.method === 'GET')) {
    throw new BulkheadError('method_not_allowed', { method, path: shorten(path), allowed: endpoint.method });
  }
  return endpoint;
}

const shorten = (path: string): string => (path.length > 128 ? `${path.slice(0, 128)}…` : path);
