import type { ErrorKind } from '../../core/errors.ts';
import type { Json, JsonObject } from '../../core/json.ts';
import { kindOfStatus } from '../openai-chat/errors.ts';
import { parseData } from '../openai-chat/pass-through.ts';
import type { ErrorCodec, SseEvent, WireError } from '../protocol.ts';

/** Bedrock's exceptions by class of error (API reference, "Common Errors" and the errors of Converse). */
const TYPES: Readonly<Record<ErrorKind, string>> = {
  invalid_request: 'ValidationException',
  authentication: 'UnrecognizedClientException',
  permission: 'AccessDeniedException',
  not_found: 'ResourceNotFoundException',
  too_large: 'ValidationException',
  rate_limit: 'ThrottlingException',
  budget: 'ServiceQuotaExceededException',
  upstream: 'ModelErrorException',
  timeout: 'ModelTimeoutException',
  unavailable: 'ServiceUnavailableException',
  conflict: 'ValidationException',
  internal: 'InternalServerException',
};

/** What the status alone does not tell, and what comes in a stream, where there is none. Names without `Exception`, first letter small. */
const KINDS: ReadonlyMap<string, ErrorKind> = new Map([
  ['validation', 'invalid_request'],
  ['accessDenied', 'permission'],
  ['expiredToken', 'authentication'],
  ['unrecognizedClient', 'authentication'],
  ['invalidSignature', 'authentication'],
  ['incompleteSignature', 'authentication'],
  ['missingAuthenticationToken', 'authentication'],
  ['resourceNotFound', 'not_found'],
  ['throttling', 'rate_limit'],
  ['serviceQuotaExceeded', 'rate_limit'],
  ['modelNotReady', 'unavailable'],
  ['serviceUnavailable', 'unavailable'],
  ['modelTimeout', 'timeout'],
  ['modelError', 'upstream'],
  ['modelStreamError', 'upstream'],
  ['internalServer', 'upstream'],
]);

const text = (value: Json | undefined): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);

/** `com.amazon.coral.service#ThrottlingException:http://…` is `ThrottlingException`. */
const shortName = (name: string): string => (name.split('#').at(-1) ?? name).split(':')[0] ?? name;

export function kindOfException(name: string): ErrorKind | undefined {
  const [first = '', ...rest] = name.replace(/Exception$/, '');
  return KINDS.get(first.toLowerCase() + rest.join(''));
}

/** The exception's name stands in the header `x-amzn-errortype`, and in the body (`__type`) only at some of Amazon's front ends. */
function decodeError(status: number, body: JsonObject | undefined): WireError {
  const named = text(body?.['__type']);
  const code = named === undefined ? null : shortName(named);
  return {
    status,
    kind: (code === null ? undefined : kindOfException(code)) ?? kindOfStatus(status),
    code,
    message: text(body?.['message']) ?? text(body?.['Message']) ?? `The provider answered with status ${status}.`,
    param: null,
  };
}

const EXCEPTION = 'exception:';
const ERROR = 'error:';

/** A failure inside a stream; undefined: the event is none. */
export function failureOf({ event = '', data }: SseEvent): { readonly name: string; readonly message: string } | undefined {
  const mark = [EXCEPTION, ERROR].find((prefix) => event.startsWith(prefix));
  if (mark === undefined) return undefined;
  const name = event.slice(mark.length);
  return { name, message: text(parseData(data)?.['message']) ?? name };
}

const encodeError = ({ kind, message }: WireError): JsonObject => ({ message, __type: TYPES[kind] });

/** The exceptions that ConverseStream's output knows. */
function streamException(kind: ErrorKind): string {
  switch (kind) {
    case 'invalid_request':
    case 'too_large':
    case 'conflict':
    case 'not_found':
      return 'validationException';
    case 'rate_limit':
    case 'budget':
      return 'throttlingException';
    case 'unavailable':
      return 'serviceUnavailableException';
    case 'upstream':
    case 'timeout':
      return 'modelStreamErrorException';
    case 'authentication':
    case 'permission':
    case 'internal':
      return 'internalServerException';
  }
}

const encodeStreamError = ({ kind, message }: WireError): readonly SseEvent[] => [
  { event: `${EXCEPTION}${streamException(kind)}`, data: JSON.stringify({ message }) },
];

/** Used by everything that Bedrock answers: Converse, and InvokeModel in whatever protocol its model speaks. */
export const bedrockErrors: ErrorCodec = { decodeError, encodeError, encodeStreamError };
