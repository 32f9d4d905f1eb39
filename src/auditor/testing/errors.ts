import { BulkheadError, type ErrorCode } from '../../core/errors.ts';

/** Test code: whether something thrown is one row of the error table. */
export const isBulkheadError = (error: unknown, code: ErrorCode): boolean => error instanceof BulkheadError && error.code === code;
