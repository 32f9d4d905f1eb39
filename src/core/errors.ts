/** Errors with the words for people: what every process but the vault throws and reads. */
import { speakWith } from './error.ts';
import { ERRORS } from './error-table.ts';

export { BulkheadError } from './error.ts';
export { ERRORS, type ErrorCode, type ErrorKind, type ErrorRow } from './error-table.ts';

speakWith(ERRORS);
