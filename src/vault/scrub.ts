import { Secret } from '../core/secret.ts';
import { LOWER, percentEncode } from './auth/percent.ts';

/**
 * Finds a credential's secret in what its provider sends back (error texts quote keys) and overwrites it with `*`,
 * also where it is base64 (each alignment, both alphabets), percent-encoded or JSON-escaped. Lengths stay the same.
 */
const ALPHABETS = ['+/', '-_'].map((tail) => Buffer.from(`ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789${tail}`));
/** Shorter ones are no secret by any measure, and overwriting them everywhere would damage answers. */
const SHORTEST = 8;

/** The base64 digits that are the same whatever surrounds the secret, when `before` bytes stand before it in its group of three. */
function base64(secret: Buffer, before: number, alphabet: Buffer): Buffer {
  const first = Math.ceil((before * 8) / 6);
  const digits = Buffer.allocUnsafeSlow(Math.floor(((before + secret.length) * 8) / 6) - first);
  return digits.map((_, i) => {
    const bit = (first + i) * 6 - before * 8;
    const pair = ((secret[bit >> 3] as number) << 8) | (secret[(bit >> 3) + 1] ?? 0);
    return alphabet[(pair >> (10 - (bit & 7))) & 63] as number;
  }) as Buffer;
}

const json = (secret: Buffer, specials: string): Buffer =>
  Buffer.from([...secret].flatMap((byte) => (specials.includes(String.fromCharCode(byte)) ? [0x5c, byte] : [byte])));

function formsOf(secret: Buffer): Buffer[] {
  if (secret.length < SHORTEST) return [];
  const forms = [Buffer.from(secret), percentEncode(secret), percentEncode(secret, LOWER), json(secret, '"\\'), json(secret, '"\\/')];
  for (const alphabet of ALPHABETS) for (const before of [0, 1, 2]) forms.push(base64(secret, before, alphabet));
  return forms;
}

/** All forms of secrets that were sent, masked at rest; shared by every answer that may echo them. */
export class EchoForms {
  readonly #bytes: Secret;
  readonly #ends: readonly number[];
  readonly longest: number;
  /** 1 for each byte value that occurs in a form: a tail outside this alphabet is the start of nothing. */
  readonly alphabet = new Uint8Array(256);

  constructor(...secrets: readonly Secret[]) {
    const all = secrets.flatMap((secret) => secret.reveal(formsOf));
    const forms = all.filter((form, i) => all.findIndex((other) => other.equals(form)) === i);
    let end = 0;
    this.#ends = forms.map((form) => (end += form.length));
    this.longest = Math.max(0, ...forms.map((form) => form.length));
    for (const form of forms) for (const byte of form) this.alphabet[byte] = 1;
    this.#bytes = Secret.take(Buffer.concat(forms, end));
    for (const form of all) form.fill(0);
  }

  each<T>(use: (forms: readonly Buffer[]) => T): T {
    return this.#bytes.reveal((plain) => use(this.#ends.map((end, i) => plain.subarray(this.#ends[i - 1] ?? 0, end))));
  }
}

/** Scrubs one stream. Holds bytes back only while they may be the beginning of a form: less than the longest one. */
export class Scrubber {
  readonly #forms: EchoForms;
  /** What is held back: at the stream's end it turned out to be no echo. */
  held: Buffer | undefined;
  echoes = 0;

  constructor(forms: EchoForms) {
    this.#forms = forms;
  }

  /** What may be passed on now; possibly empty. Overwrites echoes within `chunk` itself. */
  push(chunk: Buffer): Buffer {
    const bytes = this.held === undefined ? chunk : Buffer.concat([this.held, chunk]);
    const passed = bytes.length - this.whole(bytes);
    this.held = passed === bytes.length ? undefined : bytes.subarray(passed);
    return passed === bytes.length ? bytes : bytes.subarray(0, passed);
  }

  /** Overwrites the echoes within `bytes`. Gives the length of its longest end that begins another one. */
  whole(bytes: Buffer): number {
    if (this.#forms.longest === 0) return 0;
    return this.#forms.each((forms) => {
      for (const form of forms) this.#overwrite(bytes, form);
      return this.#openTail(bytes, forms);
    });
  }

  #overwrite(bytes: Buffer, form: Buffer): void {
    for (let at = bytes.indexOf(form); at !== -1; at = bytes.indexOf(form, at + form.length)) {
      bytes.fill(0x2a, at, at + form.length);
      this.echoes++;
    }
  }

  #openTail(bytes: Buffer, forms: readonly Buffer[]): number {
    const { alphabet, longest } = this.#forms;
    let start = bytes.length;
    while (start > 0 && bytes.length - start < longest - 1 && alphabet[bytes[start - 1] as number] === 1) start--;
    for (; start < bytes.length; start++) if (forms.some((form) => begins(form, bytes, start))) return bytes.length - start;
    return 0;
  }
}

function begins(form: Buffer, bytes: Buffer, start: number): boolean {
  const length = bytes.length - start;
  return form[0] === bytes[start] && length < form.length && bytes.compare(form, 0, length, start) === 0;
}
