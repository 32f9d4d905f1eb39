import type { CanonicalRequest } from '../canonical/request.ts';

/** What a translated request meant: the way back needs it, since some answers repeat it. */
export type Understood =
  | { readonly kind: 'conversation'; readonly request: CanonicalRequest }
  /** Of a call codec: only that codec knows its shape. */
  | { readonly kind: 'call'; readonly request: unknown };
