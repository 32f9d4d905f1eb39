/**
 * Reads named values out of bytes that hold secrets: a flat JSON object, or `name = value` lines. Each value is a buffer of its own,
 * for the caller to overwrite, and none ever becomes a string. What is not of exactly this form is refused with a `FormError`.
 */
export type SecretFields = ReadonlyMap<string, Buffer>;

/** Why it is refused, in words that quote nothing. */
export class FormError extends Error {
  override readonly name = 'FormError';
}

const [QUOTE, BACKSLASH, COMMA, COLON, OPEN, CLOSE, NEWLINE, EQUALS] = [0x22, 0x5c, 0x2c, 0x3a, 0x7b, 0x7d, 0x0a, 0x3d] as const;
/** JSON's escapes of one letter (RFC 8259 §7). */
const ESCAPES: ReadonlyMap<number, number> = new Map([
  [QUOTE, QUOTE],
  [BACKSLASH, BACKSLASH],
  [0x2f, 0x2f],
  [0x62, 0x08],
  [0x66, 0x0c],
  [0x6e, NEWLINE],
  [0x72, 0x0d],
  [0x74, 0x09],
]);
const BARE = /^(?:true|false|null|-?\d{1,15})$/;

interface Read {
  readonly bytes: Buffer;
  /** Where the rest begins. */
  readonly end: number;
}

export const wipeFields = (fields: SecretFields): void => fields.forEach((bytes) => bytes.fill(0));

/** A JSON object whose values are texts, integers, booleans or null. The last three are given as they are written. */
export function readFlatJson(bytes: Buffer): SecretFields {
  const fields = new Map<string, Buffer>();
  try {
    let at = expect(bytes, skipBlanks(bytes, 0), OPEN);
    if (bytes[at] !== CLOSE) at = readMembers(bytes, at, fields);
    if (expect(bytes, at, CLOSE) !== bytes.length) throw new FormError('something follows the JSON object');
    return fields;
  } catch (error) {
    wipeFields(fields);
    throw error;
  }
}

function readMembers(bytes: Buffer, start: number, fields: Map<string, Buffer>): number {
  for (let at = start; ; at = skipBlanks(bytes, at + 1)) {
    const name = readText(bytes, at);
    at = expect(bytes, skipBlanks(bytes, name.end), COLON);
    const value = bytes[at] === QUOTE ? readText(bytes, at) : readBare(bytes, at);
    add(fields, name.bytes.toString('utf8'), value.bytes);
    at = skipBlanks(bytes, value.end);
    if (bytes[at] !== COMMA) return at;
  }
}

/** `name = value` lines; a line `[section]` may come before them. */
export function readLines(bytes: Buffer): SecretFields {
  const fields = new Map<string, Buffer>();
  for (let at = 0; at < bytes.length;) {
    const newline = bytes.indexOf(NEWLINE, at);
    const line = trim(bytes.subarray(at, newline === -1 ? bytes.length : newline));
    at = newline === -1 ? bytes.length : newline + 1;
    if (line.length === 0 || (line[0] === 0x5b && line.at(-1) === 0x5d && fields.size === 0)) continue;
    const mark = line.indexOf(EQUALS);
    if (mark === -1) throw new FormError('a line is not name = value');
    add(fields, trim(line.subarray(0, mark)).toString('utf8'), Buffer.from(trim(line.subarray(mark + 1))));
  }
  return fields;
}

function add(fields: Map<string, Buffer>, name: string, value: Buffer): void {
  if (fields.has(name)) throw new FormError('it names a value twice');
  fields.set(name, value);
}

function readText(bytes: Buffer, start: number): Read {
  if (bytes[start] !== QUOTE) throw new FormError('it is not a JSON object of texts');
  const out = Buffer.allocUnsafeSlow(closingQuote(bytes, start + 1) - start);
  let length = 0;
  for (let at = start + 1; ; at++) {
    const byte = bytes[at];
    if (byte === QUOTE) return { bytes: out.subarray(0, length), end: at + 1 };
    if (byte === undefined || byte < 0x20) throw new FormError('it is not a JSON object of texts');
    const isUnicode = byte === BACKSLASH && bytes[at + 1] === 0x75;
    const plain = byte === BACKSLASH ? (isUnicode ? codeUnit(bytes, at + 2) : ESCAPES.get(bytes[at + 1] ?? 0)) : byte;
    if (plain === undefined) throw new FormError('it holds an escape that no such file has');
    out[length++] = plain;
    at += byte !== BACKSLASH ? 0 : isUnicode ? 5 : 1;
  }
}

function closingQuote(bytes: Buffer, from: number): number {
  let at = from;
  while (at < bytes.length && bytes[at] !== QUOTE) at += bytes[at] === BACKSLASH ? 2 : 1;
  return at;
}

/** Four hexadecimal digits of an ASCII character: some writers escape `=` in keys. */
function codeUnit(bytes: Buffer, at: number): number | undefined {
  let code = 0;
  for (let i = at; i < at + 4; i++) {
    const digit = Number.parseInt(String.fromCharCode(bytes[i] ?? 0), 16);
    code = code * 16 + digit;
  }
  return code < 0x80 ? code : undefined;
}

function readBare(bytes: Buffer, start: number): Read {
  let end = start;
  while (end - start < 16 && /[-0-9a-z]/.test(String.fromCharCode(bytes[end] ?? 0))) end++;
  if (!BARE.test(bytes.toString('latin1', start, end))) throw new FormError('it is not a JSON object of texts');
  return { bytes: Buffer.from(bytes.subarray(start, end)), end };
}

/** Where the next thing begins after `byte` and the blanks that follow it. */
function expect(bytes: Buffer, at: number, byte: number): number {
  if (bytes[at] !== byte) throw new FormError('it is not a JSON object of texts');
  return skipBlanks(bytes, at + 1);
}

const isBlank = (byte: number | undefined): boolean => byte === 0x20 || byte === 0x09 || byte === 0x0d || byte === NEWLINE;

function skipBlanks(bytes: Buffer, from: number): number {
  let at = from;
  while (isBlank(bytes[at])) at++;
  return at;
}

function trim(line: Buffer): Buffer {
  let end = line.length;
  while (end > 0 && isBlank(line[end - 1])) end--;
  return line.subarray(Math.min(skipBlanks(line, 0), end), end);
}
