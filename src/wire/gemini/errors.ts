import type { ErrorKind } from '../../core/errors.ts';
import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts';
import { kindOfStatus } from '../openai-chat/errors.ts';
import type { ErrorCodec, WireError } from '../protocol.ts';

/** Google's canonical codes by class of error (google.rpc.Code). */
const STATUSES: Readonly<Record<ErrorKind, string>> = {
  invalid_request: 'INVALID_ARGUMENT',
  authentication: 'UNAUTHENTICATED',
  permission: 'PERMISSION_DENIED',
  not_found: 'NOT_FOUND',
  too_large: 'INVALID_ARGUMENT',
  rate_limit: 'RESOURCE_EXHAUSTED',
  budget: 'RESOURCE_EXHAUSTED',
  upstream: 'INTERNAL',
  timeout: 'DEADLINE_EXCEEDED',
  unavailable: 'UNAVAILABLE',
  conflict: 'ABORTED',
  internal: 'INTERNAL',
};

const KINDS: ReadonlyMap<string, ErrorKind> = new Map([
  ['INVALID_ARGUMENT', 'invalid_request'],
  ['FAILED_PRECONDITION', 'invalid_request'],
  ['OUT_OF_RANGE', 'invalid_request'],
  ['UNIMPLEMENTED', 'invalid_request'],
  ['UNAUTHENTICATED', 'authentication'],
  ['PERMISSION_DENIED', 'permission'],
  ['NOT_FOUND', 'not_found'],
  ['RESOURCE_EXHAUSTED', 'rate_limit'],
  ['ABORTED', 'conflict'],
  ['ALREADY_EXISTS', 'conflict'],
  ['UNAVAILABLE', 'unavailable'],
  ['DEADLINE_EXCEEDED', 'timeout'],
  ['INTERNAL', 'upstream'],
  ['UNKNOWN', 'upstream'],
  ['DATA_LOSS', 'upstream'],
]);

/** A wrong key is a wrong argument to Google (400); only the reason in the details tells. */
const KEY_REASONS: ReadonlySet<string> = new Set(['API_KEY_INVALID', 'API_KEY_EXPIRED', 'ACCESS_TOKEN_EXPIRED', 'CREDENTIALS_MISSING']);

const text = (value: Json | undefined): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);

const objects = (value: Json | undefined): readonly JsonObject[] =>
  Array.isArray(value) ? (value as readonly Json[]).filter(isJsonObject) : [];

/** `BadRequest` names the fields that were wrong. */
const fieldOf = (details: readonly JsonObject[]): string | null =>
  details.flatMap((detail) => objects(detail['fieldViolations'])).map((violation) => text(violation['field']))[0] ?? null;

/** `{error: {code, message, status, details}}`. Inside a stream only its own words tell what happened. */
function decodeError(status: number, body: JsonObject | undefined): WireError {
  const part = isJsonObject(body?.['error']) ? body['error'] : {};
  const details = objects(part['details']);
  const word = text(part['status']);
  const reason = details.map((detail) => text(detail['reason'])).find((found) => found !== undefined);
  const known = KINDS.get(word ?? '');
  return {
    status,
    kind: KEY_REASONS.has(reason ?? '') ? 'authentication' : (known ?? kindOfStatus(status < 400 ? 500 : status)),
    code: reason ?? word ?? null,
    message: text(part['message']) ?? `The provider answered with status ${status}.`,
    param: fieldOf(details),
  };
}

/** Our code and the request's id are details, in Google's words for them. A client takes an event for an error only by a `code` that is one of HTTP's for errors. */
function encodeError({ status, kind, code, message, param }: WireError, requestId: string): JsonObject {
  const violations =
    param === null
      ? []
      : [{ '@type': 'type.googleapis.com/google.rpc.BadRequest', fieldViolations: [{ field: param, description: message }] }];
  const info = code === null ? [] : [{ '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: code, domain: 'bulkhead' }];
  const request = { '@type': 'type.googleapis.com/google.rpc.RequestInfo', requestId };
  return {
    error: {
      code: status >= 400 && status < 600 ? status : 502,
      message,
      status: STATUSES[kind],
      details: [...violations, ...info, request],
    },
  };
}

export const geminiErrors: ErrorCodec = {
  decodeError,
  encodeError,
  // Google's clients raise an error on a chunk that has `error`.
  encodeStreamError: (error, requestId) => [{ data: JSON.stringify(encodeError(error, requestId)) }],
};
