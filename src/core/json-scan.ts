import { BulkheadError } from './errors.ts';
import { Names, nameText } from './json-names.ts';
import { Utf8Check } from './utf8-check.ts';

/**
 * Checks JSON in one pass over its bytes, in chunks as they arrive, and notes where the root's members are.
 *
 * Strict RFC 8259 in strict UTF-8: no byte order mark, no lone surrogate in `\u` escapes, no name twice in one object.
 * No value is ever built, so depth, `__proto__` and large numbers are harmless (security.md §8, 21–26); memory is the
 * names of the objects that are open, at most `limits.keys` of them.
 */

export interface JsonLimits {
  /** Objects and arrays inside each other; the root counts as 1. */
  readonly depth: number;
  /** Names over all objects of the body. */
  readonly keys: number;
}

/** Spans are byte offsets into the whole body. */
export interface Member {
  readonly name: string;
  /** First byte of the value. */
  readonly start: number;
  /** Behind the last byte of the value. */
  readonly end: number;
  /** Opening quote of the name. */
  readonly memberStart: number;
  /** Offset of the `,` or `}` that follows the value and its white space. */
  readonly memberEnd: number;
}

const VALUE = 0;
const VALUE_OR_CLOSE = 1;
const KEY_OR_CLOSE = 2;
const KEY = 3;
const COLON = 4;
const NEXT = 5;
const DONE = 6;
const STRING = 7;
const ESCAPE = 8;
const HEX = 9;
const NUMBER = 10;
const LITERAL = 11;

const MINUS = 0;
const ZERO = 1;
const INTEGER = 2;
const DOT = 3;
const FRACTION = 4;
const EXPONENT = 5;
const EXPONENT_SIGN = 6;
const EXPONENT_DIGITS = 7;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const EMPTY = Buffer.alloc(0);
const LITERALS: Readonly<Record<number, Buffer>> = { 0x74: Buffer.from('true'), 0x66: Buffer.from('false'), 0x6e: Buffer.from('null') };

const table = (holds: (byte: number) => boolean): Uint8Array => Uint8Array.from({ length: 256 }, (_, byte) => (holds(byte) ? 1 : 0));
/** Bytes that stand for themselves inside a string. */
const PLAIN = table((byte) => byte >= 0x20 && byte !== QUOTE && byte !== BACKSLASH);
const SPACE = table((byte) => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09);
const SIMPLE_ESCAPE = table((byte) => '"\\/bfnrt'.includes(String.fromCharCode(byte)));

/** A scanner for one body. After a throw it must not be used further. */
export class JsonScanner {
  readonly #limits: JsonLimits;
  readonly #capture: ReadonlySet<string> | 'all';
  readonly #members = new Map<string, Member>();
  /** By depth. A plain array: typed ones beyond 64 bytes are allocated outside the heap, which costs more than a small scan. */
  readonly #isObject: boolean[] = [];
  readonly #names: Names[] = [];
  #state = VALUE;
  #depth = 0;
  #keys = 0;
  /** Offset in the body of the first byte of the chunk in hand. */
  #base = 0;
  #rootKind: 'object' | 'array' | 'scalar' = 'scalar';
  readonly #utf8 = new Utf8Check();

  #number = MINUS;
  #literal: Buffer = EMPTY;
  #literalAt = 0;
  #hexDigits = 0;
  #unit = 0;
  /** A high surrogate was escaped and its low one must follow at once. */
  #highSurrogate = false;

  #inName = false;
  #nameEscaped = false;
  #nameParts: Buffer[] = [];
  /** Where the part of the name in the chunk in hand starts. */
  #nameFrom = 0;

  #name = '';
  #memberStart = 0;
  #valueStart = 0;
  #valueEnd = 0;

  constructor(limits: JsonLimits, capture: ReadonlySet<string> | 'all') {
    this.#limits = limits;
    this.#capture = capture;
  }

  /** Top-level members of the root object, captured names only; whole after `end`. */
  get members(): ReadonlyMap<string, Member> {
    return this.#members;
  }

  get rootKind(): 'object' | 'array' | 'scalar' {
    return this.#rootKind;
  }

  /** Throws invalid_json, json_too_deep, json_duplicate_key or json_too_many_keys. Keeps no reference to `chunk`. */
  push(chunk: Buffer): void {
    const wrong = this.#utf8.push(chunk);
    if (wrong !== -1) throw this.#invalid('it is not UTF-8', wrong);
    this.#nameFrom = 0;
    let at = 0;
    while (at < chunk.length) at = this.#step(chunk, at);
    if (this.#inName) this.#nameParts.push(Buffer.from(chunk.subarray(this.#nameFrom)));
    this.#base += chunk.length;
  }

  /** Says that the body is whole. Throws invalid_json if the JSON is not. */
  end(): void {
    if (this.#state === NUMBER && this.#depth === 0 && isWholeNumber(this.#number)) this.#endValue(0);
    if (this.#state !== DONE || !this.#utf8.isWhole) throw this.#invalid('it ends too early', 0);
  }

  #step(chunk: Buffer, at: number): number {
    switch (this.#state) {
      case STRING:
        return this.#string(chunk, at);
      case ESCAPE:
        return this.#escape(chunk, at);
      case HEX:
        return this.#hex(chunk, at);
      case NUMBER:
        return this.#digits(chunk, at);
      case LITERAL:
        return this.#letters(chunk, at);
      default:
        return this.#structure(chunk, at);
    }
  }

  #structure(chunk: Buffer, from: number): number {
    let at = from;
    while (at < chunk.length && SPACE[chunk[at] as number] === 1) at++;
    if (at === chunk.length) return at;
    const byte = chunk[at] as number;
    switch (this.#state) {
      case VALUE_OR_CLOSE:
        if (byte === 0x5d) return this.#close(at);
        return this.#value(byte, at);
      case VALUE:
        return this.#value(byte, at);
      case KEY_OR_CLOSE:
        if (byte === 0x7d) return this.#close(at);
        return this.#openName(byte, at);
      case KEY:
        return this.#openName(byte, at);
      case COLON:
        if (byte !== 0x3a) throw this.#invalid('expected a colon', at);
        this.#state = VALUE;
        return at + 1;
      case NEXT:
        return this.#next(byte, at);
      default:
        throw this.#invalid('something follows the value', at);
    }
  }

  #value(byte: number, at: number): number {
    if (this.#depth === 1) this.#valueStart = this.#base + at;
    if (byte === QUOTE) this.#state = STRING;
    else if (byte === 0x7b || byte === 0x5b) this.#open(byte === 0x7b ? 'object' : 'array');
    else if (byte === 0x2d || (byte >= 0x30 && byte <= 0x39)) {
      this.#state = NUMBER;
      this.#number = byte === 0x2d ? MINUS : byte === 0x30 ? ZERO : INTEGER;
    } else {
      const literal = LITERALS[byte];
      if (literal === undefined) throw this.#invalid('expected a value', at);
      this.#state = LITERAL;
      this.#literal = literal;
      this.#literalAt = 1;
    }
    return at + 1;
  }

  #open(kind: 'object' | 'array'): void {
    if (this.#depth === this.#limits.depth) throw new BulkheadError('json_too_deep', { limit: this.#limits.depth });
    const isObject = kind === 'object';
    if (this.#depth === 0) this.#rootKind = kind;
    this.#depth++;
    this.#isObject[this.#depth] = isObject;
    this.#state = isObject ? KEY_OR_CLOSE : VALUE_OR_CLOSE;
    if (isObject) (this.#names[this.#depth] ??= new Names()).clear();
  }

  #next(byte: number, at: number): number {
    const isObject = this.#isObject[this.#depth] === true;
    if (byte !== 0x2c && byte !== (isObject ? 0x7d : 0x5d)) throw this.#invalid('expected a comma or the end of the list', at);
    if (isObject && this.#depth === 1) this.#endMember(at);
    if (byte !== 0x2c) return this.#close(at);
    this.#state = isObject ? KEY : VALUE;
    return at + 1;
  }

  #close(at: number): number {
    if (this.#isObject[this.#depth] === true) this.#names[this.#depth]?.clear();
    this.#depth--;
    this.#endValue(at + 1);
    return at + 1;
  }

  #endValue(at: number): void {
    if (this.#depth === 1) this.#valueEnd = this.#base + at;
    this.#state = this.#depth === 0 ? DONE : NEXT;
  }

  #endMember(at: number): void {
    const name = this.#name;
    if (this.#capture !== 'all' && !this.#capture.has(name)) return;
    this.#members.set(name, {
      name,
      start: this.#valueStart,
      end: this.#valueEnd,
      memberStart: this.#memberStart,
      memberEnd: this.#base + at,
    });
  }

  #openName(byte: number, at: number): number {
    if (byte !== QUOTE) throw this.#invalid('expected a name in quotes', at);
    if (this.#depth === 1) this.#memberStart = this.#base + at;
    this.#inName = true;
    this.#nameEscaped = false;
    this.#nameFrom = at + 1;
    this.#state = STRING;
    return at + 1;
  }

  #string(chunk: Buffer, from: number): number {
    const length = chunk.length;
    let at = from;
    if (this.#highSurrogate && chunk[at] !== BACKSLASH) throw this.#invalid('a surrogate stands alone', at);
    for (;;) {
      at = behindPlain(chunk, at);
      if (at === length) return at;
      const byte = chunk[at] as number;
      if (byte === QUOTE) return this.#endString(chunk, at);
      if (byte !== BACKSLASH) throw this.#invalid('a control character stands in a string', at);
      this.#nameEscaped = true;
      if (this.#highSurrogate || at + 1 === length || SIMPLE_ESCAPE[chunk[at + 1] as number] === 0) {
        this.#state = ESCAPE;
        return at + 1;
      }
      at += 2;
    }
  }

  #endString(chunk: Buffer, at: number): number {
    if (!this.#inName) this.#endValue(at + 1);
    else {
      this.#endName(chunk, at);
      this.#state = COLON;
    }
    return at + 1;
  }

  #endName(chunk: Buffer, at: number): void {
    this.#inName = false;
    if (++this.#keys > this.#limits.keys) throw new BulkheadError('json_too_many_keys', { limit: this.#limits.keys });
    let text: string;
    if (this.#nameParts.length === 0) text = nameText(chunk, this.#nameFrom, at);
    else {
      text = Buffer.concat([...this.#nameParts, chunk.subarray(this.#nameFrom, at)]).toString('utf8');
      this.#nameParts = [];
    }
    const name = this.#nameEscaped ? (JSON.parse(`"${text}"`) as string) : text;
    if (this.#names[this.#depth]?.add(name) !== true) throw new BulkheadError('json_duplicate_key', { key: name.slice(0, 64) });
    if (this.#depth === 1) this.#name = name;
  }

  #escape(chunk: Buffer, at: number): number {
    const byte = chunk[at] as number;
    if (byte === 0x75) {
      this.#state = HEX;
      this.#hexDigits = 0;
      this.#unit = 0;
      return at + 1;
    }
    if (this.#highSurrogate) throw this.#invalid('a surrogate stands alone', at);
    if (SIMPLE_ESCAPE[byte] === 0) throw this.#invalid('an escape is unknown', at);
    this.#state = STRING;
    return at + 1;
  }

  #hex(chunk: Buffer, at: number): number {
    const digit = Number.parseInt(String.fromCharCode(chunk[at] as number), 16);
    if (Number.isNaN(digit)) throw this.#invalid('a \\u escape has a wrong digit', at);
    this.#unit = this.#unit * 16 + digit;
    if (++this.#hexDigits < 4) return at + 1;
    const isLow = this.#unit >= 0xdc00 && this.#unit <= 0xdfff;
    if (isLow !== this.#highSurrogate) throw this.#invalid('a surrogate stands alone', at);
    this.#highSurrogate = this.#unit >= 0xd800 && this.#unit <= 0xdbff;
    this.#state = STRING;
    return at + 1;
  }

  #digits(chunk: Buffer, from: number): number {
    let at = from;
    for (; at < chunk.length; at++) {
      const next = nextOfNumber(this.#number, chunk[at] as number);
      if (next === -1) break;
      this.#number = next;
    }
    if (at === chunk.length) return at;
    if (!isWholeNumber(this.#number)) throw this.#invalid('a number is not whole', at);
    this.#endValue(at);
    return at;
  }

  #letters(chunk: Buffer, from: number): number {
    let at = from;
    for (; at < chunk.length && this.#literalAt < this.#literal.length; at++) {
      if (chunk[at] !== this.#literal[this.#literalAt++]) throw this.#invalid('expected true, false or null', at);
    }
    if (this.#literalAt === this.#literal.length) this.#endValue(at);
    return at;
  }

  #invalid(reason: string, at: number): BulkheadError {
    return new BulkheadError('invalid_json', { reason, offset: this.#base + at });
  }
}

/** Where the run of plain bytes from `from` on ends. A function of its own, so that V8 compiles nothing but this loop. */
function behindPlain(chunk: Buffer, from: number): number {
  const length = chunk.length;
  let at = from;
  while (at < length && PLAIN[chunk[at] as number] === 1) at++;
  return at;
}

/** Scans a whole body. */
export function scanJson(body: Buffer, limits: JsonLimits, capture: ReadonlySet<string> | 'all'): JsonScanner {
  const scanner = new JsonScanner(limits, capture);
  scanner.push(body);
  scanner.end();
  return scanner;
}

const isWholeNumber = (state: number): boolean => state === ZERO || state === INTEGER || state === FRACTION || state === EXPONENT_DIGITS;

/** RFC 8259 §6; -1: the byte is not part of the number. */
function nextOfNumber(state: number, byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) {
    if (state === MINUS) return byte === 0x30 ? ZERO : INTEGER;
    if (state === INTEGER || state === FRACTION || state === EXPONENT_DIGITS) return state;
    if (state === DOT) return FRACTION;
    return state === ZERO ? -1 : EXPONENT_DIGITS;
  }
  if (byte === 0x2e) return state === ZERO || state === INTEGER ? DOT : -1;
  if (byte === 0x65 || byte === 0x45) return state === ZERO || state === INTEGER || state === FRACTION ? EXPONENT : -1;
  if (byte === 0x2b || byte === 0x2d) return state === EXPONENT ? EXPONENT_SIGN : -1;
  return -1;
}
