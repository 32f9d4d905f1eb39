import type { ErrorKind } from '../../core/errors.ts';
import { isJsonObject, type JsonObject } from '../../core/json.ts';
import { kindOfStatus } from '../openai-chat/errors.ts';
import type { ErrorCodec, WireError } from '../protocol.ts';

/** Anthropic's `error.type` by class of error (platform.claude.com/docs/en/api/errors). */
const TYPES: Readonly<Record<ErrorKind, string>> = {
  invalid_request: 'invalid_request_error',
  authentication: 'authentication_error',
  permission: 'permission_error',
  not_found: 'not_found_error',
  too_large: 'request_too_large',
  rate_limit: 'rate_limit_error',
  budget: 'billing_error',
  upstream: 'api_error',
  timeout: 'timeout_error',
  unavailable: 'overloaded_error',
  conflict: 'invalid_request_error',
  internal: 'api_error',
};

const KINDS: ReadonlyMap<string, ErrorKind> = new Map([
  ['invalid_request_error', 'invalid_request'],
  ['authentication_error', 'authentication'],
  ['permission_error', 'permission'],
  ['not_found_error', 'not_found'],
  ['request_too_large', 'too_large'],
  ['rate_limit_error', 'rate_limit'],
  ['billing_error', 'budget'],
  ['timeout_error', 'timeout'],
  ['overloaded_error', 'unavailable'],
  ['api_error', 'upstream'],
]);

/** Inside a stream the status is 200 and only the type tells what happened. */
function decodeError(status: number, body: JsonObject | undefined): WireError {
  const part = isJsonObject(body?.['error']) ? body['error'] : {};
  const type = typeof part['type'] === 'string' ? part['type'] : null;
  return {
    status,
    kind: KINDS.get(type ?? '') ?? kindOfStatus(status < 400 ? 500 : status),
    code: type,
    message: typeof part['message'] === 'string' ? part['message'] : `The provider answered with status ${status}.`,
    param: null,
  };
}

// `code` is not part of Anthropic's error; its clients keep members they do not know.
const encodeError = ({ kind, code, message }: WireError, requestId: string): JsonObject => ({
  type: 'error',
  error: { type: TYPES[kind], message, code },
  request_id: requestId,
});

export const anthropicErrors: ErrorCodec = {
  decodeError,
  encodeError,
  encodeStreamError: (error, requestId) => [{ event: 'error', data: JSON.stringify(encodeError(error, requestId)) }],
};
