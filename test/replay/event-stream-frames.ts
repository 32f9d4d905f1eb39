import zlib from 'node:zlib';

/**
 * Amazon's event stream, written independently of the product: a message is total length, headers length, their CRC-32, headers, payload, CRC-32 of all before
 * (https://docs.aws.amazon.com/AmazonS3/latest/API/RESTSelectObjectAppendix.html, "Response syntax").
 */
const STRING = 7;
const PRELUDE = 12;
const TRAILER = 4;

function header(name: string, value: string): Buffer {
  const [key, text] = [Buffer.from(name), Buffer.from(value)];
  const length = Buffer.alloc(2);
  length.writeUInt16BE(text.length);
  return Buffer.concat([Buffer.from([key.length]), key, Buffer.from([STRING]), length, text]);
}

/** One message. Names of headers start with a colon. */
function eventStreamFrame(headers: Readonly<Record<string, string>>, payload: Buffer): Buffer {
  const head = Buffer.concat(Object.entries(headers).map(([name, value]) => header(name, value)));
  const prelude = Buffer.alloc(PRELUDE);
  prelude.writeUInt32BE(PRELUDE + head.length + payload.length + TRAILER, 0);
  prelude.writeUInt32BE(head.length, 4);
  prelude.writeUInt32BE(zlib.crc32(prelude.subarray(0, 8)), 8);
  const message = Buffer.concat([prelude, head, payload]);
  const checksum = Buffer.alloc(TRAILER);
  checksum.writeUInt32BE(zlib.crc32(message));
  return Buffer.concat([message, checksum]);
}

/** `{"contentBlockDelta": {…}}` as Bedrock sends it: an event of that type, or an exception. */
export function bedrockFrame(line: string): Buffer {
  const [[type, payload] = ['', {}]] = Object.entries(JSON.parse(line) as Record<string, unknown>);
  const kind = type.endsWith('Exception') ? 'exception' : 'event';
  return eventStreamFrame(
    { [`:${kind}-type`]: type, ':content-type': 'application/json', ':message-type': kind },
    Buffer.from(JSON.stringify(payload)),
  );
}

/** The offsets after each message. */
export function frameEnds(body: Buffer): number[] {
  const ends: number[] = [];
  for (let at = 0; at + PRELUDE <= body.length;) {
    at += Math.max(body.readUInt32BE(at), PRELUDE + TRAILER);
    if (at <= body.length) ends.push(at);
  }
  return ends;
}
