const UPPER = Buffer.from('0123456789ABCDEF');
export const LOWER = Buffer.from('0123456789abcdef');

/** RFC 3986 §2.3: all but letters, digits and `-._~`, as AWS and forms both take it. Bytes in, bytes out: they may be a secret's. */
export function percentEncode(bytes: Buffer, hex = UPPER): Buffer {
  const out = Buffer.allocUnsafeSlow(bytes.length * 3);
  let length = 0;
  for (const byte of bytes) {
    if (isUnreserved(byte)) out[length++] = byte;
    else {
      out[length++] = 0x25;
      out[length++] = hex[byte >> 4] as number;
      out[length++] = hex[byte & 15] as number;
    }
  }
  return out.subarray(0, length);
}

const isUnreserved = (byte: number): boolean =>
  (byte >= 0x61 && byte <= 0x7a) ||
  (byte >= 0x41 && byte <= 0x5a) ||
  (byte >= 0x30 && byte <= 0x39) ||
  byte === 0x2d ||
  byte === 0x2e ||
  byte === 0x5f ||
  byte === 0x7e;

export const percentEncoded = (text: string): string => percentEncode(Buffer.from(text)).toString('latin1');

/** A body of `application/x-www-form-urlencoded`. The caller overwrites it once it is sent. */
export function formBody(fields: readonly (readonly [string, string | Buffer])[]): Buffer {
  const values = fields.map(([, value]) => percentEncode(typeof value === 'string' ? Buffer.from(value) : value));
  const names = fields.map(([name], i) => Buffer.from(`${i === 0 ? '' : '&'}${name}=`));
  const body = Buffer.concat(names.flatMap((name, i) => [name, values[i] as Buffer]));
  for (const value of values) value.fill(0);
  return body;
}
