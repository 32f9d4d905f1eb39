import type { ErrorKind } from '../../core/errors.ts';
import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts';
import type { ErrorCodec, WireError } from '../protocol.ts';

/** OpenAI's `error.type` by class of error (platform.openai.com/docs/guides/error-codes and recorded answers). */
const TYPES: Readonly<Record<ErrorKind, string>> = {
  invalid_request: 'invalid_request_error',
  authentication: 'authentication_error',
  permission: 'permission_error',
  not_found: 'not_found_error',
  too_large: 'invalid_request_error',
  rate_limit: 'rate_limit_error',
  budget: 'insufficient_quota',
  upstream: 'api_error',
  timeout: 'timeout_error',
  unavailable: 'service_unavailable_error',
  conflict: 'invalid_request_error',
  internal: 'server_error',
};

/** The class of an error that a provider answered with a status. */
export function kindOfStatus(status: number): ErrorKind {
  switch (status) {
    case 401:
      return 'authentication';
    case 402:
      return 'budget';
    case 403:
      return 'permission';
    case 404:
      return 'not_found';
    case 408:
    case 504:
      return 'timeout';
    case 409:
      return 'conflict';
    case 413:
      return 'too_large';
    case 429:
      return 'rate_limit';
    case 503:
    case 529:
      return 'unavailable';
    default:
      return status >= 500 ? 'upstream' : 'invalid_request';
  }
}

const text = (value: Json | undefined): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);
const word = (value: Json | undefined): string | null => text(value) ?? (typeof value === 'number' ? String(value) : null);

/** FastAPI's list of faults (Mistral): `loc` is the path, `msg` the sentence. */
const fault = (detail: Json | undefined): string | undefined => {
  const first = Array.isArray(detail) ? (detail[0] as Json | undefined) : undefined;
  if (!isJsonObject(first)) return undefined;
  const path = Array.isArray(first['loc']) ? first['loc'].join('.') : '';
  return `${path}: ${text(first['msg']) ?? 'not valid'}`;
};

/** The error object under the names that OpenAI and those who copied it use for it. */
function errorPart(body: JsonObject | undefined): JsonObject {
  if (body === undefined) return {};
  const { error, detail } = body;
  if (isJsonObject(error)) return error;
  const message = text(error) ?? text(detail) ?? fault(detail);
  return message === undefined ? body : { ...body, message };
}

function decodeError(status: number, body: JsonObject | undefined): WireError {
  const part = errorPart(body);
  return {
    status,
    kind: kindOfStatus(status),
    code: word(part['code']) ?? word(part['type']),
    message: text(part['message']) ?? `The provider answered with status ${status}.`,
    param: text(part['param']) ?? null,
  };
}

const encodeError = ({ kind, code, message, param }: WireError, requestId: string): JsonObject => ({
  error: { message, type: TYPES[kind], param, code, request_id: requestId },
});

/** Used by every endpoint that speaks OpenAI's format. */
export const openaiErrors: ErrorCodec = {
  decodeError,
  encodeError,
  // OpenAI's clients raise an error on an event whose data has `error`; no [DONE] follows, so it cannot be taken for an end.
  encodeStreamError: (error, requestId) => [{ data: JSON.stringify(encodeError(error, requestId)) }],
};
