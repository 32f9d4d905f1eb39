/**
 * Responses that are kept by us: what a request's input was, how a request goes on from a response before it, and what their clients are answered about them.
 * All pure; where they are kept is the gateway's to know.
 */
import { BulkheadError } from '../../core/errors.ts';
import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts';

/** A response and the whole conversation before it. */
export interface KeptTurn {
  /** What its request said, with the history that it went on from. */
  readonly input: readonly Json[];
  readonly output: readonly Json[];
}

/** The input of a request as items: a text is a message of the user's, and the short form of a message gets its type. */
export function inputItems(body: JsonObject): readonly JsonObject[] {
  const { input } = body;
  if (typeof input === 'string') return [{ type: 'message', role: 'user', content: [{ type: 'input_text', text: input }] }];
  if (!Array.isArray(input)) return [];
  return (input as readonly Json[])
    .filter(isJsonObject)
    .map((item) => (item['type'] === undefined && item['role'] !== undefined ? { type: 'message', ...item } : item));
}

const isReference = ({ type, role, id }: JsonObject): boolean =>
  typeof id === 'string' && (type === 'item_reference' || ((type === undefined || type === null) && role === undefined));

/** Items that are named by their id are put in their place; one that we never kept stays a name. */
function resolved(items: readonly JsonObject[], history: readonly JsonObject[]): readonly JsonObject[] {
  if (!items.some(isReference)) return items;
  const byId = new Map(history.map((item) => [item['id'], item]));
  return items.map((item) => (isReference(item) ? (byId.get(item['id']) ?? item) : item));
}

/**
 * A request that goes on from a response, with the whole conversation in it instead of the response's id. The instructions of the turn before are not carried
 * over, as the API has it: each request brings its own.
 */
export function continueWith(previous: KeptTurn, body: JsonObject): JsonObject {
  const { previous_response_id: _previous, ...rest } = body;
  const history = [...previous.input, ...previous.output].filter(isJsonObject);
  const fresh = resolved(inputItems(body), history);
  const referred = new Set(fresh.filter((item) => history.includes(item)));
  const before = referred.size === 0 ? history : history.filter((item) => !referred.has(item));
  return { ...rest, input: [...before, ...fresh] };
}

const DEFAULT_LIMIT = 20;
const MOST_LIMIT = 100;

const refused = (param: string, reason: string): BulkheadError =>
  new BulkheadError('invalid_request', { reason: `The query parameter ${param} ${reason}.`, param });

function limitOf(query: URLSearchParams): number {
  const text = query.get('limit');
  if (text === null) return DEFAULT_LIMIT;
  const limit = /^\d{1,3}$/.test(text) ? Number(text) : 0;
  if (limit < 1 || limit > MOST_LIMIT) throw refused('limit', `must be a whole number from 1 to ${MOST_LIMIT}`);
  return limit;
}

function isAscending(query: URLSearchParams): boolean {
  const order = query.get('order') ?? 'desc';
  if (order !== 'asc' && order !== 'desc') throw refused('order', 'must be asc or desc');
  return order === 'asc';
}

const PREFIXES: ReadonlyMap<Json | undefined, string> = new Map([
  ['message', 'msg'],
  ['reasoning', 'rs'],
  ['function_call', 'fc'],
  ['function_call_output', 'fco'],
  ['custom_tool_call', 'ctc'],
  ['custom_tool_call_output', 'ctco'],
]);

/** An item as it is listed: each has an id, made of its place where its client gave none, so that a page can go on behind it. */
const named = (item: JsonObject, index: number): JsonObject =>
  typeof item['id'] === 'string' ? item : { id: `${PREFIXES.get(item['type']) ?? 'item'}_${index}`, ...item };

/**
 * A page of a response's input items. `limit` is 1 to 100 (20), `order` asc or desc (desc: the newest first), `after` the last id of the page before.
 * Throws invalid_request for any other value, and for an `after` that is none of the items.
 */
export function listItems(items: readonly Json[], query: URLSearchParams): JsonObject {
  const limit = limitOf(query);
  const listed = items.filter(isJsonObject).map(named);
  const ordered = isAscending(query) ? listed : listed.toReversed();
  const after = query.get('after');
  const start = after === null ? 0 : ordered.findIndex(({ id }) => id === after) + 1;
  if (after !== null && start === 0) throw refused('after', 'names no item of this response');
  const data = ordered.slice(start, start + limit);
  return {
    object: 'list',
    data,
    first_id: data.at(0)?.['id'] ?? null,
    last_id: data.at(-1)?.['id'] ?? null,
    has_more: start + limit < ordered.length,
  };
}

export const deletedResponse = (id: string): JsonObject => ({ id, object: 'response', deleted: true });

/** A response that was stopped while it ran in the background. What it had said by then stays. */
export const cancelledResponse = (response: JsonObject): JsonObject => ({ ...response, status: 'cancelled', completed_at: null });
