/**
 * Streams of Bedrock's InvokeModelWithResponseStream with a model of Anthropic: each event of the Messages API is the `bytes` of a `chunk`, in base64. What is
 * unwrapped here is the model's own text, untouched, so that Anthropic's clients read what they would read from Anthropic.
 */
import { BulkheadError } from '../core/errors.ts';
import { isJsonObject, type JsonObject } from '../core/json.ts';
import type { SseEvent } from './sse.ts';

/** Bedrock's exceptions (API reference, ResponseStream) by the `error.type` that Anthropic's API has for the same. */
const ERROR_TYPES: ReadonlyMap<string, string> = new Map([
  ['exception:throttlingException', 'rate_limit_error'],
  ['exception:validationException', 'invalid_request_error'],
  ['exception:modelTimeoutException', 'timeout_error'],
  ['exception:serviceUnavailableException', 'overloaded_error'],
]);

function parsed(text: string, source: string): JsonObject {
  try {
    const value: unknown = JSON.parse(text);
    if (isJsonObject(value)) return value;
  } catch (cause) {
    throw new BulkheadError('upstream_invalid', { provider: source, reason: 'a chunk is not JSON' }, { cause });
  }
  throw new BulkheadError('upstream_invalid', { provider: source, reason: 'a chunk is not a JSON object' });
}

/** An exception as the event by which the Messages API tells of a failure in a stream. */
function failure(name: string, data: string, source: string): SseEvent {
  const { message } = data === '' ? {} : parsed(data, source);
  const error = { type: ERROR_TYPES.get(name) ?? 'api_error', message: typeof message === 'string' ? message : name };
  return { event: 'error', data: JSON.stringify({ type: 'error', error }) };
}

/** The event inside one of InvokeModel's, by the name that it has in itself. Throws upstream_invalid for a chunk without one. */
export function unwrapInvokeChunk({ event, data }: SseEvent, source = 'upstream'): SseEvent {
  if (event?.startsWith('exception:') === true || event?.startsWith('error:') === true) return failure(event, data, source);
  const { bytes } = parsed(data, source);
  if (typeof bytes !== 'string') throw new BulkheadError('upstream_invalid', { provider: source, reason: 'a chunk holds no bytes' });
  const inner = Buffer.from(bytes, 'base64').toString('utf8');
  const { type } = parsed(inner, source);
  return typeof type === 'string' ? { event: type, data: inner } : { data: inner };
}
