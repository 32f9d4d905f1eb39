import { BulkheadError } from '../core/errors.ts';
import { readBody } from '../http/body.ts';
import { FormScanner, type FormField } from '../http/form-scanner.ts';
import { FormUpload } from '../http/form-upload.ts';
import { formBoundary } from '../http/multipart.ts';
import { makesPictures } from '../routing/operation.ts';
import type { Exchange } from './exchange.ts';
import type { RequestBody } from './steps.ts';

/** Forms up to this size are held: they may have their fields in any order, and another target can be tried. */
const HELD_FORM_BYTES = 1024 * 1024;
const MAX_COPIES = 1024;
/** What a form may say that decides where it goes, how it is answered, who is asked for it, and what it costs. */
const DECIDING: ReadonlySet<string> = new Set(['model', 'stream', 'user', 'n']);

/** A form passes as it is but for the model's name; its files are never looked into. */
export async function readForm(exchange: Exchange): Promise<RequestBody> {
  const contentType = exchange.request.headers['content-type'] ?? '';
  const scanner = new FormScanner(formBoundary(contentType), DECIDING);
  const { contentEncoding, contentLength = 0 } = exchange.head;
  const heldBytes = Math.min(HELD_FORM_BYTES, exchange.policy.snapshot.limits.bodyBytes);
  const isLarge = contentEncoding === '' && contentLength > heldBytes;
  return isLarge ? readLarge(exchange, contentType, scanner, contentLength) : readHeld(exchange, contentType, scanner);
}

/** How many answers a form asks for; a field may stand behind the file. */
export const formCopies = (fields: readonly FormField[]): number => {
  const value = Number(fields.findLast(({ name }) => name === 'n')?.value ?? 1);
  return value >= 1 && value <= MAX_COPIES ? Math.ceil(value) : 1;
};

/** How many answers a form may ask for of which more is on its way: as many as OpenAI makes pictures at once. */
const MOST_LATE_COPIES = 10;
const mostCopies = (early: readonly FormField[]): number => (early.some(({ name }) => name === 'n') ? formCopies(early) : MOST_LATE_COPIES);

/** Bytes of a body, also of one that is still on its way. */
export const bodyBytes = ({ bytes, upload }: RequestBody): number => upload?.totalBytes ?? bytes.length;

async function readHeld(exchange: Exchange, contentType: string, scanner: FormScanner): Promise<RequestBody> {
  const { request, response, head, policy } = exchange;
  const { limits, timeouts } = policy.snapshot;
  const rules = { limitBytes: limits.bodyBytes, timeoutMs: timeouts.requestMs, sendContinue: () => response.writeContinue() };
  const bytes = await exchange
    .waitFor(readBody(request, head, rules))
    .catch((error: unknown) => Promise.reject(unknownLength(exchange, error)));
  scanner.push(bytes);
  scanner.end();
  return formBody(exchange, bytes, contentType, scanner.fields);
}

/** A form without a length, too large to be held, has a way out that its sender should know. */
function unknownLength({ head, policy }: Exchange, error: unknown): unknown {
  const isTooLarge = error instanceof BulkheadError && error.code === 'body_too_large' && head.contentEncoding === '';
  if (!isTooLarge) return error;
  const values = { limit: policy.snapshot.limits.bodyBytes, reason: 'it has no content-length' };
  return new BulkheadError('form_not_streamed', values, { cause: error });
}

async function readLarge(exchange: Exchange, contentType: string, scanner: FormScanner, length: number): Promise<RequestBody> {
  const { request, response, head, policy } = exchange;
  const { limits, timeouts } = policy.snapshot;
  if (length > limits.formBytes) throw new BulkheadError('form_too_large', { limit: limits.formBytes });
  const isNamed = request.headers['x-bulkhead-user'] !== undefined;
  let early: readonly FormField[] = [];
  const upload = new FormUpload(request, response, length, scanner, {
    heldBytes: limits.bodyBytes,
    timeoutMs: timeouts.requestMs,
    ...(head.expectsContinue ? { sendContinue: () => response.writeContinue() } : {}),
    isDecided: (fields) => fields.some(({ name }) => name === 'model'),
    checkLate: (field) => {
      const { name } = field;
      if (!DECIDING.has(name) || (name === 'user' && isNamed)) return;
      if (name === 'n' && formCopies([field]) <= mostCopies(early)) return;
      throw new BulkheadError('invalid_request', {
        reason: `In a large form the field ${name} must stand before the file, once.`,
        param: name,
      });
    },
  });
  const bytes = await exchange.waitFor(upload.open());
  early = [...upload.fields];
  const body = formBody(exchange, bytes, contentType, early);
  if (upload.isWhole) return body;
  return { ...body, upload, copies: makesPictures(exchange.endpoint.operation) ? mostCopies(early) : body.copies };
}

function formBody({ endpoint }: Exchange, bytes: Buffer, contentType: string, fields: readonly FormField[]): RequestBody {
  const [model, ...more] = fields.filter(({ name }) => name === 'model');
  if (model === undefined || more.length > 0)
    throw new BulkheadError('invalid_request', { reason: 'The form must have the field model, once.', param: 'model' });
  if (model.value === '') throw new BulkheadError('invalid_request', { reason: 'The field model must not be empty.', param: 'model' });
  const stream = fields.find(({ name }) => name === 'stream');
  return {
    bytes,
    members: new Map(),
    stream: endpoint.stream !== 'never' && stream?.value === 'true',
    streamOptions: undefined,
    maxOutputTokens: undefined,
    copies: formCopies(fields),
    contentType,
    form: {
      model,
      user: fields.find(({ name }) => name === 'user'),
      textBytes: fields.reduce((sum, { start, end }) => sum + end - start, 0),
    },
  };
}
