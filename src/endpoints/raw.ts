import type { ForwardEndpoint, Found, Method } from './endpoint.ts';
import { ENDPOINTS } from './registry.ts';

const METHODS: readonly Method[] = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'];

const rawEndpoint = (method: Method): ForwardEndpoint => ({
  kind: 'forward',
  id: 'raw',
  method,
  path: '/{provider}/…',
  protocol: 'raw',
  operation: 'raw',
  body: 'any',
});

const RAW_ENDPOINTS: ReadonlyMap<string, ForwardEndpoint> = new Map(METHODS.map((method) => [method, rawEndpoint(method)]));

/** First segments of our own paths, whatever a provider is called. */
const OWN: ReadonlySet<string> = new Set(ENDPOINTS.map(({ path }) => path.split('/')[1] ?? ''));

/** `/{provider}/…`, for paths that are no endpoint of ours. Undefined: the first segment is no provider, or the method is none that passes. */
export function findRaw(method: string, path: string, isProvider: (name: string) => boolean): Found<ForwardEndpoint> | undefined {
  const slash = path.indexOf('/', 1);
  const endpoint = RAW_ENDPOINTS.get(method);
  if (slash === -1 || endpoint === undefined) return undefined;
  const provider = path.slice(1, slash);
  return !OWN.has(provider) && isProvider(provider) ? { endpoint, raw: { provider, path: path.slice(slash) } } : undefined;
}
