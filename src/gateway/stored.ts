import { BulkheadError } from '../core/errors.ts';
import type { JsonObject } from '../core/json.ts';
import type { StoredEndpoint } from '../endpoints/endpoint.ts';
import { writeJson } from '../http/respond.ts';
import { deletedResponse, listItems } from '../wire/openai-responses/state.ts';
import type { Deps } from './deps.ts';
import type { Exchange } from './exchange.ts';
import { serveAuthenticated } from './pipeline.ts';
import { refuse } from './refuse.ts';
import type { StoredContent } from './response-state.ts';
import { authenticate } from './stages/authenticate.ts';
import { parse } from './stages/parse.ts';

/** What is done with a stored response. Ours are answered here; those that a provider keeps are asked of it, by a client of the same tenant alone. Never rejects. */
export async function serveStored(exchange: Exchange, { act }: StoredEndpoint, id: string, deps: Deps): Promise<void> {
  try {
    const authenticated = await authenticate(parse(exchange), deps);
    const found = await exchange.waitFor(deps.responses.get(authenticated, id));
    if (found === undefined) throw new BulkheadError('unknown_response', { id: id.slice(0, 128) });
    if ('provider' in found) {
      exchange.passTo({ provider: found.provider, path: `/responses/${id}${TAIL[act]}`, granted: true });
      await serveAuthenticated(authenticated, deps);
      if (act === 'delete' && exchange.response.statusCode < 300) await deps.responses.remove(authenticated, id);
      return;
    }
    if (act === 'delete') await deps.responses.remove(authenticated, id);
    exchange.answeredHere = true;
    writeJson(exchange.response, 200, answer(act, id, found.content, exchange.head.query), exchange.id);
  } catch (error) {
    refuse(exchange, error, deps);
  }
}

const TAIL: Readonly<Record<StoredEndpoint['act'], string>> = { get: '', delete: '', cancel: '/cancel', 'input-items': '/input_items' };

function answer(act: StoredEndpoint['act'], id: string, { input, response }: StoredContent, query: string): JsonObject {
  switch (act) {
    case 'get':
      return response;
    case 'delete':
      return deletedResponse(id);
    case 'input-items':
      return listItems(input, new URLSearchParams(query));
    case 'cancel':
      throw new BulkheadError('not_cancellable', { id });
  }
}
