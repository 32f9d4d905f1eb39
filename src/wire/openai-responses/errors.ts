import type { ErrorKind } from '../../core/errors.ts';
import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts';
import { openaiErrors } from '../openai-chat/errors.ts';
import type { ErrorCodec, SseEvent, WireError } from '../protocol.ts';

/** Words of `response.error.code` (and of `error` events) that say more than the status of a stream, which is 200. */
function kindOfCode(code: string | null): ErrorKind | undefined {
  switch (code) {
    case 'rate_limit_exceeded':
      return 'rate_limit';
    case 'insufficient_quota':
      return 'budget';
    case 'invalid_prompt':
    case 'context_length_exceeded':
    case 'invalid_image':
      return 'invalid_request';
    default:
      return undefined;
  }
}

/** What OpenAI's description allows in `response.error.code`. */
function codeOfKind(kind: ErrorKind): string {
  switch (kind) {
    case 'rate_limit':
      return 'rate_limit_exceeded';
    case 'invalid_request':
      return 'invalid_prompt';
    default:
      return 'server_error';
  }
}

const holder = (body: JsonObject): JsonObject => {
  const response: Json | undefined = body['response'];
  return isJsonObject(response) ? response : body;
};

/** The error of an `error` event, flat as described or nested as sent, or of a `response.failed`. */
export function decodeStreamError(body: JsonObject): Pick<WireError, 'kind' | 'code' | 'message'> {
  const { kind, code, message } = openaiErrors.decodeError(500, holder(body));
  const word = code === 'error' || code === 'response.failed' ? null : code;
  return { kind: kindOfCode(word) ?? kind, code: word, message };
}

/** `error` of a response that failed. */
export const responseError = ({ code, kind, message }: Pick<WireError, 'kind' | 'code' | 'message'>): JsonObject => ({
  code: code ?? codeOfKind(kind),
  message,
});

/** OpenAI's clients raise the `error` event; agents that read on look for the failed response. `sequence` counts on from the stream before. */
export function failureEvents(
  error: Pick<WireError, 'kind' | 'code' | 'message' | 'param'>,
  response: JsonObject,
  sequence: number,
): readonly SseEvent[] {
  const { code, message } = responseError(error);
  const told = { type: 'error', sequence_number: sequence, code, message, param: error.param };
  const failed = { type: 'response.failed', sequence_number: sequence + 1, response };
  return [
    { event: 'error', data: JSON.stringify(told) },
    { event: 'response.failed', data: JSON.stringify(failed) },
  ];
}

export const openaiResponsesErrors: ErrorCodec = {
  decodeError: (status, body) => openaiErrors.decodeError(status, body),
  encodeError: (error, requestId) => openaiErrors.encodeError(error, requestId),
  encodeStreamError: (error, requestId) =>
    failureEvents(
      error,
      {
        id: `resp_${requestId}`,
        object: 'response',
        status: 'failed',
        error: responseError(error),
        incomplete_details: null,
        output: [],
        usage: null,
      },
      0,
    ),
};
