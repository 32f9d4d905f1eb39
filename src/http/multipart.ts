import { BulkheadError } from '../core/errors.ts';

/**
 * multipart/form-data (RFC 7578, RFC 2046 §5.1) as far as a gateway must know it: where the plain fields stand in the bytes. Files are
 * passed over, never copied; what two readers could split differently is refused.
 */
export interface FormField {
  readonly name: string;
  /** Byte offsets of the value into the whole body. */
  readonly start: number;
  readonly end: number;
}

const MAX_PARTS = 256;
const MAX_HEAD_BYTES = 8 * 1024;
/** RFC 2046 §5.1.1. */
const BOUNDARY = /^[0-9A-Za-z'()+_,\-./:=? ]{0,69}[0-9A-Za-z'()+_,\-./:=?]$/;
const CRLF = '\r\n';

const malformed = (reason: string): BulkheadError => new BulkheadError('invalid_request', { reason: `The form is malformed: ${reason}.` });

/** The boundary that a content type names. Throws invalid_request. */
export function formBoundary(contentType: string): string {
  const match = /;\s*boundary=(?:"([^"\\]{1,70})"|([^\s;"]{1,70}))\s*(?:;|$)/i.exec(contentType.slice(0, 512));
  const boundary = match?.[1] ?? match?.[2];
  if (boundary === undefined || !BOUNDARY.test(boundary)) throw malformed('its content type names no valid boundary');
  return boundary;
}

/** The fields that are no files, in their order. Throws invalid_request. */
export function formFields(body: Buffer, boundary: string): readonly FormField[] {
  const delimiter = Buffer.from(`${CRLF}--${boundary}`);
  const first = delimiter.subarray(CRLF.length);
  if (!body.subarray(0, first.length).equals(first)) throw malformed('it does not begin with its boundary');
  const fields: FormField[] = [];
  let at = first.length;
  for (let parts = 0; ; parts++) {
    if (parts > MAX_PARTS) throw malformed(`it has more than ${MAX_PARTS} parts`);
    const mark = body.toString('latin1', at, at + CRLF.length);
    if (mark === '--') return fields;
    if (mark !== CRLF) throw malformed('a boundary is not followed by a line break');
    const end = body.indexOf(delimiter, at);
    if (end === -1) throw malformed('its last boundary is missing');
    const field = readPart(body, at + CRLF.length, end);
    if (field !== undefined) fields.push(field);
    at = end + delimiter.length;
  }
}

/** Undefined: the part is a file. */
function readPart(body: Buffer, start: number, end: number): FormField | undefined {
  const headEnd = body.indexOf(`${CRLF}${CRLF}`, Math.max(start - CRLF.length, 0));
  if (headEnd === -1 || headEnd + 2 * CRLF.length > end || headEnd - start > MAX_HEAD_BYTES) throw malformed('a part has no head');
  const disposition = body
    .toString('utf8', start, headEnd)
    .split(CRLF)
    .filter((line) => /^content-disposition\s*:/i.test(line));
  const [line] = disposition;
  if (line === undefined || disposition.length > 1) throw malformed('a part must have one content-disposition');
  const name = /;\s*name="((?:[^"\\]|\\.){0,256})"/i.exec(line)?.[1] ?? /;\s*name=([^\s;"]{1,256})/i.exec(line)?.[1];
  if (name === undefined) throw malformed('a part has no name');
  return /;\s*filename\*?=/i.test(line) ? undefined : { name, start: headEnd + 2 * CRLF.length, end };
}
