import { malformedForm, parsePartHead, type PartHead } from './part-head.ts';

export interface FormField {
  readonly name: string;
  /** Byte offsets of the value into the whole body. */
  readonly start: number;
  readonly end: number;
  /** The value's beginning, at most 1,024 bytes; undefined for a field that was not asked for. */
  readonly value: string | undefined;
}

const MAX_PARTS = 256;
const MAX_HEAD_BYTES = 8 * 1024;
const MAX_VALUE_BYTES = 1024;
const CRLF = '\r\n';
const EMPTY = Buffer.alloc(0);

type State = 'start' | 'behind a boundary' | 'head' | 'body' | 'done';

/**
 * multipart/form-data (RFC 7578, RFC 2046 §5.1) as it arrives, as far as a gateway must know it: where the plain fields stand in the bytes.
 * Files are passed over and never kept; what two readers could split differently is refused. Holds at most the head of one part.
 */
export class FormScanner {
  readonly fields: FormField[] = [];
  readonly #wanted: ReadonlySet<string>;
  readonly #boundary: string;
  readonly #delimiter: Buffer;
  #state: State = 'start';
  /** Bytes that no step has taken yet, and where they stand in the whole. */
  #pending: Buffer = EMPTY;
  #at = 0;
  #parts = 0;
  #part: PartHead | undefined;
  /** Where the value of the part begins. */
  #start = 0;
  #value: string | undefined;
  #fileAt: number | undefined;

  /** `wanted`: fields whose values are kept, and which may be no files. */
  constructor(boundary: string, wanted: ReadonlySet<string>) {
    this.#wanted = wanted;
    this.#boundary = `${CRLF}--${boundary}`;
    this.#delimiter = Buffer.from(this.#boundary);
  }

  /** Where the first file begins; undefined: none has come. */
  get fileAt(): number | undefined {
    return this.#fileAt;
  }

  /** Throws invalid_request. */
  push(chunk: Buffer): void {
    this.#join(chunk);
    while (this.#step());
    // A view of a chunk would keep all of it alive.
    this.#pending = this.#pending.length > 0 ? Buffer.from(this.#pending) : EMPTY;
  }

  /** Throws invalid_request for a form that is not whole. */
  end(): void {
    if (this.#state !== 'done')
      throw malformedForm(this.#state === 'start' ? 'it does not begin with its boundary' : 'its last boundary is missing');
  }

  /** Puts a chunk behind what is pending; where only a boundary could have begun there, and none did, without copying it. */
  #join(chunk: Buffer): void {
    const { length } = this.#pending;
    const isPassed = this.#state === 'body' && length < this.#delimiter.length && this.#at >= this.#start;
    if (length > 0 && isPassed && chunk.length >= this.#delimiter.length) {
      const seam = Buffer.concat([this.#pending, chunk.subarray(0, this.#delimiter.length - 1)]);
      if (!seam.includes(this.#delimiter)) {
        this.#at += length;
        this.#pending = chunk;
        return;
      }
    }
    this.#pending = length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
  }

  /** False: more bytes are needed. */
  #step(): boolean {
    switch (this.#state) {
      case 'start':
        return this.#atStart();
      case 'behind a boundary':
        return this.#behindBoundary();
      case 'head':
        return this.#inHead();
      case 'body':
        return this.#inBody();
      case 'done':
        this.#pending = EMPTY;
        return false;
    }
  }

  #take(bytes: number, next: State): true {
    this.#pending = this.#pending.subarray(bytes);
    this.#at += bytes;
    this.#state = next;
    return true;
  }

  #atStart(): boolean {
    const first = this.#delimiter.subarray(CRLF.length);
    if (this.#pending.length < first.length) return false;
    if (!this.#pending.subarray(0, first.length).equals(first)) throw malformedForm('it does not begin with its boundary');
    return this.#take(first.length, 'behind a boundary');
  }

  #behindBoundary(): boolean {
    if (this.#pending.length < CRLF.length) return false;
    const mark = this.#pending.toString('latin1', 0, CRLF.length);
    if (mark === '--') return this.#take(CRLF.length, 'done');
    if (mark !== CRLF) throw malformedForm('a boundary is not followed by a line break');
    if (++this.#parts > MAX_PARTS) throw malformedForm(`it has more than ${MAX_PARTS} parts`);
    return this.#take(CRLF.length, 'head');
  }

  #inHead(): boolean {
    const end = this.#pending.indexOf(CRLF + CRLF);
    if (end > MAX_HEAD_BYTES || (end === -1 && this.#pending.length > MAX_HEAD_BYTES + CRLF.length))
      throw malformedForm('a part has no head');
    if (end === -1) return false;
    const text = this.#pending.toString('utf8', 0, end);
    if (`${CRLF}${text}${CRLF}`.includes(this.#boundary)) throw malformedForm('a part has no head');
    this.#part = parsePartHead(text);
    this.#value = undefined;
    this.#start = this.#at + end + 2 * CRLF.length;
    if (this.#part.isFile && this.#wanted.has(this.#part.name)) throw malformedForm(`the field ${this.#part.name} is a file`);
    if (this.#part.isFile) this.#fileAt ??= this.#start;
    // The line break before the value stays, since a boundary right behind the head would begin with it.
    return this.#take(end + CRLF.length, 'body');
  }

  #inBody(): boolean {
    const found = this.#pending.indexOf(this.#delimiter);
    const blank = Math.max(0, this.#start - this.#at);
    if (found !== -1 && found < blank) throw malformedForm('a part has no head');
    const part = this.#part as PartHead;
    if (!part.isFile && this.#value === undefined && this.#wanted.has(part.name)) {
      if (found === -1 && this.#pending.length < blank + MAX_VALUE_BYTES + this.#delimiter.length) return false;
      this.#value = this.#pending.toString('utf8', blank, Math.min(found === -1 ? Infinity : found, blank + MAX_VALUE_BYTES));
    }
    if (found === -1) {
      // What may be the beginning of a boundary stays.
      const passed = this.#pending.length - this.#delimiter.length + 1;
      if (passed > 0) this.#take(passed, 'body');
      return false;
    }
    if (!part.isFile) this.fields.push({ name: part.name, start: this.#start, end: this.#at + found, value: this.#value });
    return this.#take(found + this.#delimiter.length, 'behind a boundary');
  }
}
