/** Skeleton: the canonical form is filled in beside the codecs. */
export interface CanonicalRequest {
  readonly model: string;
  readonly stream: boolean;
}
