import type { IncomingMessage, ServerResponse } from 'node:http';
import { BulkheadError } from '../core/errors.ts';
import type { JsonObject } from '../core/json.ts';
import type { RequestId } from '../core/ids.ts';
import type { LocalEndpoint } from '../endpoints/endpoint.ts';
import type { Head } from '../http/head.ts';
import { writeJson } from '../http/respond.ts';
import { mayUse } from '../routing/model-table.ts';
import type { Deps } from './deps.ts';
import { modelList, modelObject, type ModelShape } from './model-list.ts';
import type { Policy } from './policy-store.ts';
import { identify } from './stages/authenticate.ts';

export interface LocalRequest {
  readonly id: RequestId;
  readonly endpoint: LocalEndpoint;
  /** What the path names; empty: nothing. */
  readonly name: string;
  readonly head: Head;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly policy: Policy;
  /** Why the gateway cannot serve now; empty: it can. */
  readonly missing: readonly string[];
}

/** Answers that need no provider. Throws what a client may be told. */
export async function serveLocal(request: LocalRequest, deps: Pick<Deps, 'keys' | 'clock'>): Promise<void> {
  const { endpoint, response, id, missing } = request;
  switch (endpoint.kind) {
    case 'live':
      return writeJson(response, 200, { status: 'live' }, id);
    case 'ready':
      return missing.length === 0
        ? writeJson(response, 200, { status: 'ready' }, id)
        : writeJson(response, 503, { status: 'not ready', missing }, id);
    case 'models':
      return writeJson(response, 200, await listModels(request, deps), id);
    case 'model':
      return writeJson(response, 200, await showModel(request, deps), id);
  }
}

/** Exact aliases alone: a row for a prefix would be no name that a client can ask for. */
async function listModels({ head, policy, endpoint, request }: LocalRequest, deps: Pick<Deps, 'keys' | 'clock'>): Promise<JsonObject> {
  const { principal } = await identify(head, endpoint, deps);
  return modelList(shapeOf(endpoint, request), policy, policy.models.aliases(principal.key.models));
}

async function showModel({ head, policy, endpoint, name, request }: LocalRequest, deps: Pick<Deps, 'keys' | 'clock'>): Promise<JsonObject> {
  const { principal } = await identify(head, endpoint, deps);
  const resolved = policy.models.resolve(name);
  if (resolved === undefined || !mayUse(principal.key.models, name, resolved.rule)) {
    throw new BulkheadError('unknown_model', {
      model: name.slice(0, 128),
      models: policy.models.choices(principal.key.models).slice(0, 50).join(', ') || '(none)',
    });
  }
  return modelObject(shapeOf(endpoint, request), policy, name);
}

/** OpenAI and Anthropic share a path; only Anthropic's clients say which version of its API they speak. */
const shapeOf = ({ protocol }: LocalEndpoint, { headers }: IncomingMessage): ModelShape =>
  protocol === 'gemini' ? 'gemini' : headers['anthropic-version'] === undefined ? 'openai' : 'anthropic';
