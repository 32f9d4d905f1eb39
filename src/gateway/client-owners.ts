import { hash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { BulkheadError } from '../core/errors.ts';
import { isJsonObject, type Json } from '../core/json.ts';
import { NATIVE } from '../wire/native.ts';
import type { WireProtocolId } from '../wire/protocol.ts';
import type { RequestBody } from './steps.ts';

/** What a client says of whom its request belongs to, beside its key. It narrows and groups, and entitles to nothing. */
export interface ClientOwners {
  /** A name of more than 256 characters goes by its digest: `sha256:<hexadecimal>` of its UTF-8. */
  readonly endUser: string | undefined;
  readonly tags: readonly string[] | undefined;
}

const USER_HEADER = 'x-bulkhead-user';
const TAGS_HEADER = 'x-bulkhead-tags';
const MAX_USER = 256;
const MAX_TAGS = 16;
const TAG = /^[A-Za-z0-9._:/-]{1,64}$/;
/** Characters that show: no controls, no line or paragraph separators, no code points that mean nothing. */
const PRINTABLE = /^[^\p{Cc}\p{Cn}\p{Co}\p{Cs}\p{Zl}\p{Zp}]+$/u;
/** Node reads headers as Latin-1; what is not ASCII could be told apart differently by others. */
const PLAIN = /^[\x20-\x7e]+$/;

const NOBODY: ClientOwners = { endUser: undefined, tags: undefined };

/** What the head says. Throws invalid_request. */
export function ownersInHead({ headers }: Pick<IncomingMessage, 'headers'>): ClientOwners {
  const user = headers[USER_HEADER];
  const tags = headers[TAGS_HEADER];
  if (user === undefined && tags === undefined) return NOBODY;
  return { endUser: userIn(user), tags: tagsIn(tags) };
}

function userIn(value: string | string[] | undefined): string | undefined {
  if (value === undefined || value === '') return undefined;
  const user = value.toString();
  if (!PLAIN.test(user)) throw invalid(USER_HEADER, 'must be printable ASCII characters');
  return bounded(user);
}

/** Two long names are told apart as two short ones are, and nothing that counts or stores them has to hold their length. */
const bounded = (user: string): string => (user.length > MAX_USER ? `sha256:${hash('sha256', user)}` : user);

function tagsIn(value: string | string[] | undefined): readonly string[] | undefined {
  if (value === undefined || value === '') return undefined;
  const tags = [
    ...new Set(
      value
        .toString()
        .split(',')
        .map((tag) => tag.trim()),
    ),
  ];
  if (tags.length > MAX_TAGS) throw invalid(TAGS_HEADER, `may name at most ${MAX_TAGS} tags`);
  if (!tags.every((tag) => TAG.test(tag)))
    throw invalid(TAGS_HEADER, 'must be tags between commas, each 1 to 64 letters, digits or . _ : / -');
  return tags;
}

/** What the protocol's own field says, where the body has it; only that member is read. Throws invalid_request. */
export function endUserIn(protocol: WireProtocolId, { bytes, members, form }: RequestBody): string | undefined {
  if (form !== undefined)
    return form.user === undefined ? undefined : checked('user', bytes.toString('utf8', form.user.start, form.user.end));
  for (const [name, inner] of NATIVE[protocol].passThrough.endUser ?? []) {
    const member = members.get(name);
    if (member === undefined) continue;
    const field = inner === undefined ? name : `${name}.${inner}`;
    const value = JSON.parse(bytes.toString('utf8', member.start, member.end)) as Json;
    const user = checked(field, inner === undefined ? value : isJsonObject(value) ? value[inner] : undefined);
    if (user !== undefined) return user;
  }
  return undefined;
}

/** Undefined: nobody is named. */
function checked(field: string, value: Json | undefined): string | undefined {
  if (value === undefined || value === null || value === '') return undefined;
  if (typeof value !== 'string' || !PRINTABLE.test(value)) throw invalid(field, 'must be a string of printable characters');
  return bounded(value);
}

const invalid = (field: string, rule: string): BulkheadError =>
  new BulkheadError('invalid_request', { reason: `${field} ${rule}.`, param: field });
