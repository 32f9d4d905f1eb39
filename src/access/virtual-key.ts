import { hash, randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { KeyDigest } from '../core/ids.ts';

/**
 * The text of virtual keys: `bh_<env>_<30 base62><6 base62 digits of the CRC-32 of everything before>`.
 *
 * 30 random digits are 178 bits, so a fast digest is enough for storage (security.md §4). The checksum lets a scanner
 * tell a leaked key from a look-alike without asking anybody.
 */
const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const RANDOM_DIGITS = 30;
const CHECKSUM_DIGITS = 6;
const ENVIRONMENT = /^[a-z0-9]{1,12}$/;
/** The largest multiple of 62 that a byte can hold: bytes from there on would make some digits likelier. */
const UNBIASED = 248;

const DEFAULT_ENVIRONMENT = 'live';

/** What a scanner looks for; each hit is then settled by `isWellFormed`. */
export const VIRTUAL_KEY_PATTERN = /\bbh_[a-z0-9]{1,12}_[0-9A-Za-z]{36}\b/g;

const WHOLE_KEY = /^bh_[a-z0-9]{1,12}_[0-9A-Za-z]{36}$/;

/** A new key. Throws a RangeError where `environment` is not 1–12 lower-case letters or digits. */
export function newVirtualKey(environment: string = DEFAULT_ENVIRONMENT): string {
  if (!ENVIRONMENT.test(environment)) throw new RangeError('the environment of a key is 1 to 12 lower-case letters or digits');
  const body = `bh_${environment}_${randomDigits(RANDOM_DIGITS)}`;
  return body + checksum(body);
}

const PERSONAL_TOKEN = /^bhu_[0-9A-Za-z]{36}$/;

/** `bhu_…`, made as a virtual key is: what a person acts with on the control port. */
export function newPersonalToken(): string {
  const body = `bhu_${randomDigits(RANDOM_DIGITS)}`;
  return body + checksum(body);
}

/** True for a personal token whose checksum holds. Says nothing about whether there is such a token. */
export const isPersonalToken = (text: string): boolean =>
  PERSONAL_TOKEN.test(text) && text.slice(-CHECKSUM_DIGITS) === checksum(text.slice(0, -CHECKSUM_DIGITS));

/** True for a text of the right shape whose checksum holds. Says nothing about whether such a key exists. */
export function isWellFormed(text: string): boolean {
  if (!WHOLE_KEY.test(text)) return false;
  return text.slice(-CHECKSUM_DIGITS) === checksum(text.slice(0, -CHECKSUM_DIGITS));
}

/** SHA-256 of the whole text, whatever its shape, so that digests of other gateways' keys fit too. */
export const digestKey = (text: string): KeyDigest => hash('sha256', text, 'hex') as KeyDigest;

/** What may be shown of a key afterwards: enough to recognise it, too little to use it. */
export const keyHint = (text: string): string => `${text.slice(0, text.lastIndexOf('_') + 1)}…${text.slice(-4)}`;

function checksum(body: string): string {
  let rest = crc32(body);
  let digits = '';
  for (let i = 0; i < CHECKSUM_DIGITS; i++) {
    digits = BASE62.charAt(rest % 62) + digits;
    rest = Math.floor(rest / 62);
  }
  return digits;
}

function randomDigits(count: number): string {
  let digits = '';
  while (digits.length < count) {
    for (const byte of randomBytes(count)) {
      if (byte < UNBIASED && digits.length < count) digits += BASE62.charAt(byte % 62);
    }
  }
  return digits;
}
