import { isJsonObject, type JsonObject } from '../../core/json.ts';
import { kindOfStatus } from '../openai-chat/errors.ts';
import type { ErrorCodec, WireError } from '../protocol.ts';

/** Cohere's errors are `{id, message}`; Azure and some gateways in front of it wrap them in `error`. `error_type` is its word for the kind where it has one. */
function decodeError(status: number, body: JsonObject | undefined): WireError {
  const part = isJsonObject(body?.['error']) ? body['error'] : (body ?? {});
  const { message, error_type: type } = part;
  return {
    status,
    kind: kindOfStatus(status < 400 ? 500 : status),
    code: typeof type === 'string' && type !== '' ? type : null,
    message: typeof message === 'string' && message !== '' ? message : `The provider answered with status ${status}.`,
    param: null,
  };
}

// Cohere's clients read `message` alone and keep the rest of the body.
const encodeError = ({ code, message }: WireError, requestId: string): JsonObject => ({
  id: requestId,
  message,
  ...(code === null ? {} : { error_type: code }),
});

export const cohereErrors: ErrorCodec = {
  decodeError,
  encodeError,
  // The protocol's own word for a failure after the first byte: an end of the message that names the error.
  encodeStreamError: ({ message }) => [
    { event: 'message-end', data: JSON.stringify({ type: 'message-end', delta: { finish_reason: 'ERROR', error: message } }) },
  ],
};
