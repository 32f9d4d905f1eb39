import { parseExact } from '../core/exact-json.ts';
import { BulkheadError } from '../core/errors.ts';
import { isJsonObject, type JsonObject } from '../core/json.ts';
import { scanJson } from '../core/json-scan.ts';
import { continueWith } from '../wire/openai-responses/state.ts';
import type { Deps } from './deps.ts';
import type { Exchange } from './exchange.ts';
import type { Caller } from './response-state.ts';
import type { RequestBody } from './steps.ts';
import { wantedMembers } from './wanted-members.ts';

export interface Resumed {
  readonly body: RequestBody;
  /** The provider that keeps the response before: only it can go on. */
  readonly pinned?: string;
  /** The response that the body now holds. */
  readonly resumedFrom?: string;
}

/**
 * A request that goes on from a response by its id: what we kept is put in its place, so that any provider can go on; what a provider keeps pins the request to
 * that provider. Throws unknown_response for an id that is not this tenant's.
 */
export async function resume(exchange: Exchange, caller: Caller, body: RequestBody, deps: Pick<Deps, 'responses'>): Promise<Resumed> {
  const member = body.members.get('previous_response_id');
  const id: unknown = member === undefined ? null : JSON.parse(body.bytes.toString('utf8', member.start, member.end));
  if (id === null) return { body };
  if (typeof id !== 'string')
    throw new BulkheadError('invalid_request', { reason: 'previous_response_id must be a string.', param: 'previous_response_id' });
  const found = await exchange.waitFor(deps.responses.get(caller, id));
  if (found === undefined) throw new BulkheadError('unknown_response', { id: id.slice(0, 128), param: 'previous_response_id' });
  if ('provider' in found) return { body, pinned: found.provider };
  const bytes = Buffer.from(JSON.stringify(continueWith(found.content, parsed(body))));
  const { members } = scanJson(bytes, exchange.policy.json, wantedMembers(exchange.endpoint.protocol));
  return { body: { ...body, bytes, members }, resumedFrom: id };
}

function parsed({ bytes }: RequestBody): JsonObject {
  const value: unknown = parseExact(bytes.toString('utf8'));
  if (!isJsonObject(value)) throw new BulkheadError('invalid_request', { reason: 'The body must be one JSON object.' });
  return value;
}
