/** Skeleton: filled in beside the codecs. */
export interface CanonicalResponse {
  readonly model: string;
}
