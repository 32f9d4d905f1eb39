import type { ProviderPolicy } from '../config/policy.ts';
import type { RawPath } from '../endpoints/endpoint.ts';

/** Clients write the provider's base path or leave it out; both mean the same path below it. */
export const rawPathBelow = ({ basePath }: ProviderPolicy, { path }: RawPath): string =>
  basePath !== '' && path.startsWith(`${basePath}/`) ? path.slice(basePath.length) : path;
