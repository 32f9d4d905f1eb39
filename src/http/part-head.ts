import { BulkheadError } from '../core/errors.ts';

/** The head of one part of a form (RFC 7578 §4.2), read so that no other reader can read it otherwise. */
export interface PartHead {
  readonly name: string;
  readonly isFile: boolean;
}

const MAX_NAME = 256;
const CRLF = '\r\n';
/** A header in one line: no folding, no bare line break. */
const HEADER = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+:[^\r\n\0]*$/;
const DISPOSITION = /^content-disposition\s*:\s*[A-Za-z-]+/i;
const PARAMETER = /\s*;\s*([!#$&+.^_`|~0-9A-Za-z-]+\*?)=(?:"((?:[^"\\]|\\.)*)"|([^\s;"]*))/y;

/** For anything about a form that is refused. */
export const malformedForm = (reason: string): BulkheadError =>
  new BulkheadError('invalid_request', { reason: `The form is malformed: ${reason}.` });

/** `text` ends before the empty line. Throws invalid_request. */
export function parsePartHead(text: string): PartHead {
  const lines = text.split(CRLF);
  if (!lines.every((line) => HEADER.test(line))) throw malformedForm('a part has no head');
  const [line, ...more] = lines.filter((one) => DISPOSITION.test(one));
  if (line === undefined || more.length > 0) throw malformedForm('a part must have one content-disposition');
  const parameters = parametersOf(line);
  const name = parameters.get('name');
  if (name === undefined || name.length > MAX_NAME) throw malformedForm('a part has no name');
  return { name, isFile: parameters.has('filename') || parameters.has('filename*') };
}

function parametersOf(line: string): ReadonlyMap<string, string> {
  const parameters = new Map<string, string>();
  let at = DISPOSITION.exec(line)?.[0].length ?? 0;
  for (;;) {
    PARAMETER.lastIndex = at;
    const match = PARAMETER.exec(line);
    if (match === null) break;
    const [whole, name = '', quoted, plain = ''] = match;
    // Of two names, and of a name in two spellings, readers take one or the other.
    if (parameters.has(name.toLowerCase()) || name.toLowerCase() === 'name*') throw malformedForm('a part has two names');
    parameters.set(name.toLowerCase(), quoted ?? plain);
    at += whole.length;
  }
  if (!/^\s*;?\s*$/.test(line.slice(at))) throw malformedForm('a content-disposition cannot be read');
  return parameters;
}
