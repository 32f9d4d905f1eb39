import type { Principal } from '../access/principal.ts';
import type { Proof } from '../ipc/messages/vault.ts';

/** What a call shows the vault for its right to be made: the row as signed and the very text that the client presented. */
export const proofOf = ({ signed, issuer }: Principal, presented: string): Proof =>
  issuer === undefined ? { kind: 'key', row: signed, key: presented } : { kind: 'jwt', row: signed, issuer, token: presented };

/** The same as JSON, put together from what is encoded once per key. */
export const proofJson = ({ signedJson, issuerJson }: Principal, presented: string): string =>
  issuerJson === undefined
    ? `{"kind":"key","row":${signedJson},"key":${JSON.stringify(presented)}}`
    : `{"kind":"jwt","row":${signedJson},"issuer":${issuerJson},"token":${JSON.stringify(presented)}}`;
