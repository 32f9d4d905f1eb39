import { BulkheadError } from '../core/errors.ts';
import { anthropicEndpoints } from './anthropic.ts';
import type { Endpoint, Found } from './endpoint.ts';
import { geminiEndpoints } from './gemini.ts';
import { healthEndpoints, openaiEndpoints } from './openai.ts';
import { rerankEndpoints } from './rerank.ts';

/** Every path that the gateway serves. A new endpoint is a row. */
export const ENDPOINTS: readonly Endpoint[] = [
  ...openaiEndpoints,
  ...anthropicEndpoints,
  ...geminiEndpoints,
  ...rerankEndpoints,
  ...healthEndpoints,
];

/** Their names in usage rows, logs and metrics, with that of paths that are a provider's own. */
export const ENDPOINT_IDS: readonly string[] = [...ENDPOINTS.map(({ id }) => id), 'raw'];

const exact: ReadonlyMap<string, readonly Endpoint[]> = new Map(
  Object.entries(
    Object.groupBy(
      ENDPOINTS.filter(({ path }) => !path.endsWith('/') && !path.includes('{')),
      ({ path }) => path,
    ),
  ).map(([path, endpoints]) => [path, endpoints ?? []]),
);

/** What stands before and behind the name in a path; longer tails first, so that `…/{id}/cancel` is no `…/{id}`. */
const named = ENDPOINTS.flatMap((endpoint) => {
  const [before = '', after = ''] = endpoint.path.endsWith('/') ? [endpoint.path] : endpoint.path.split(/\{[a-z]+\}/);
  return before === endpoint.path && !endpoint.path.endsWith('/') ? [] : [{ endpoint, before, after }];
}).sort((a, b) => b.after.length - a.after.length);

/**
 * The endpoint of a checked path, without its query. HEAD is served where GET is.
 * Throws unknown_endpoint or method_not_allowed.
 */
export function findEndpoint(method: string, path: string): Found {
  const candidates = exact.get(path)?.map((endpoint) => ({ endpoint })) ?? findNamed(path);
  const found = candidates.find(({ endpoint }) => takes(endpoint, method));
  if (found !== undefined) return found;
  if (candidates.length === 0) throw new BulkheadError('unknown_endpoint', { method, path: shorten(path) });
  const allowed = candidates.map(({ endpoint }) => endpoint.method).join(', ');
  throw new BulkheadError('method_not_allowed', { method, path: shorten(path), allowed });
}

const takes = (endpoint: Endpoint, method: string): boolean =>
  endpoint.method === method || (method === 'HEAD' && endpoint.method === 'GET');

/** All with the longest tail that fits. */
function findNamed(path: string): readonly Found[] {
  const fits = named.filter(
    ({ before, after }) => path.length > before.length + after.length && path.startsWith(before) && path.endsWith(after),
  );
  const [first] = fits;
  if (first === undefined) return [];
  const name = decodeName(path.slice(first.before.length, path.length - first.after.length));
  if (name === undefined || (first.endpoint.kind === 'stored' && name.includes('/'))) return [];
  return fits
    .filter(({ after, before }) => after.length === first.after.length && before === first.before)
    .map(({ endpoint }) => ({ endpoint, name }));
}

function decodeName(encoded: string): string | undefined {
  try {
    return decodeURIComponent(encoded);
  } catch {
    // No UTF-8 behind the percent signs: there is no such name.
    return undefined;
  }
}

const shorten = (path: string): string => (path.length > 128 ? `${path.slice(0, 128)}…` : path);
