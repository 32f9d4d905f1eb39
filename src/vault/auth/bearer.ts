/** `Authorization: Bearer <secret>` (RFC 6750 §2.1). */
export const bearer = (): string => 'authorization: Bearer ';
