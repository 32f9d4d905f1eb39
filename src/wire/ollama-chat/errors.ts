import { isJsonObject, type JsonObject } from '../../core/json.ts';
import { kindOfStatus } from '../openai-chat/errors.ts';
import type { ErrorCodec, WireError } from '../protocol.ts';

/** Ollama's errors are `{error: sentence}`, in answers and in streams. */
function decodeError(status: number, body: JsonObject | undefined): WireError {
  const { error } = body ?? {};
  const words = isJsonObject(error) ? error['message'] : error;
  return {
    status,
    kind: kindOfStatus(status < 400 ? 500 : status),
    code: null,
    message: typeof words === 'string' && words !== '' ? words : `The provider answered with status ${status}.`,
    param: null,
  };
}

// Ollama's clients read `error` alone; the id is for who looks at the bytes.
const encodeError = ({ message }: WireError, requestId: string): JsonObject => ({ error: message, request_id: requestId });

export const ollamaErrors: ErrorCodec = {
  decodeError,
  encodeError,
  encodeStreamError: (error, requestId) => [{ data: JSON.stringify(encodeError(error, requestId)) }],
};
