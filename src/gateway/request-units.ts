import type { Units } from '../core/usage.ts';
import { bodyBytes, formCopies } from './read-form.ts';
import type { RequestBody } from './steps.ts';

/**
 * Seconds of a recording by its size, where the answer does not tell them: speech is seldom sent with less than 32 kbit/s, so that this errs
 * upwards. Marked as an estimate.
 */
const LEAST_BYTES_PER_SECOND = 4_000;

/** What a request for pictures, speech or a transcript uses, for answers that say nothing of it. Undefined: it is counted in tokens. */
export function unitsAsked(operation: string, body: RequestBody): Units | undefined {
  switch (operation) {
    case 'images':
    case 'image-edits':
    case 'image-variations':
      // A form that is sent on as it arrives may say it behind its file.
      return { image: body.upload === undefined ? body.copies : formCopies(body.upload.fields) };
    case 'speech':
      return { character: charactersOf(body) };
    case 'transcriptions':
    case 'translations':
      return { second: Math.ceil(bodyBytes(body) / LEAST_BYTES_PER_SECOND) };
    default:
      return undefined;
  }
}

/** Characters as people count them: code points. */
function charactersOf({ bytes, members }: RequestBody): number {
  const member = members.get('input');
  const text: unknown = member === undefined ? '' : JSON.parse(bytes.toString('utf8', member.start, member.end));
  return typeof text === 'string' ? Array.from(text).length : bytes.length;
}
