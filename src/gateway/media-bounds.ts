import type { Units } from '../core/usage.ts';
import { makesPictures, type Operation } from '../routing/operation.ts';
import { bodyBytes } from './read-form.ts';
import { unitsAsked } from './request-units.ts';
import type { RequestBody } from './steps.ts';

/** Upper bounds for requests whose bytes are not words: recordings, pictures, texts to be spoken, documents to be put in order. */

/**
 * No encoder of the formats that are taken makes speech of fewer bytes: Opus begins at 6 kbit/s (RFC 6716 §2.1.1), MP3 at 8. A recording of
 * silence may be smaller still; what it costs beyond this is taken when its answer tells it.
 */
const LEAST_BYTES_PER_SECOND = 750;
/** Tokens of a second of sound, of which OpenAI's models hear 10 and Mistral's 12.5. Nobody says more than is heard. */
const TOKENS_PER_SECOND = 13;
/** The longest context of the models that write down what they hear: Mistral's; OpenAI's have 16,000. */
const MOST_HEARD_TOKENS = 32_768;
/** Sound is 21 tokens a second; nobody reads fewer than two bytes of text in one. */
const SPOKEN_TOKENS_PER_BYTE = 11;
/** Of a picture as large and as fine as there is: 23,706 for 2880×2880 at gpt-image-2. */
export const MOST_PICTURE_TOKENS = 25_000;
/** A search has up to 100 documents, where one above 500 tokens counts as several (docs.cohere.com/docs/rerank). A token has a byte at least. */
const DOCUMENTS_PER_SEARCH = 100;
const BYTES_PER_DOCUMENT = 500;

const RECORDINGS: ReadonlySet<Operation> = new Set<Operation>(['transcriptions', 'translations']);

/** What a request may use at most of what is not counted in tokens. Undefined: nothing of that kind. */
export function mostUnits(operation: Operation, body: RequestBody): Units | undefined {
  if (RECORDINGS.has(operation)) return { second: mostSeconds(body) };
  if (makesPictures(operation)) return { image: body.copies };
  return operation === 'rerank' ? { search: mostSearches(body) } : unitsAsked(operation, body);
}

/** Tokens that a recording is heard as, and that are written of it. Undefined: it is none. */
export const heardTokens = (operation: Operation, body: RequestBody): number | undefined =>
  RECORDINGS.has(operation) ? Math.min(mostSeconds(body) * TOKENS_PER_SECOND, MOST_HEARD_TOKENS) : undefined;

/** Tokens of the sound that a text is read as. Undefined: nothing is read. */
export const spokenTokens = (operation: Operation, body: RequestBody): number | undefined =>
  operation === 'speech' ? body.bytes.length * SPOKEN_TOKENS_PER_BYTE : undefined;

const mostSeconds = (body: RequestBody): number => Math.ceil(bodyBytes(body) / LEAST_BYTES_PER_SECOND);

function mostSearches({ bytes, members }: RequestBody): number {
  const member = members.get('documents');
  const documents: unknown = member === undefined ? [] : JSON.parse(bytes.toString('utf8', member.start, member.end));
  const count = Array.isArray(documents) ? documents.length : 0;
  return Math.max(1, Math.ceil((count + bytes.length / BYTES_PER_DOCUMENT) / DOCUMENTS_PER_SEARCH));
}
