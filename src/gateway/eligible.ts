import type { ProviderId } from '../core/ids.ts';
import type { Head } from '../http/head.ts';
import { operationFor } from '../providers/operation-for.ts';
import type { Target } from '../routing/model-table.ts';
import { makesPictures, type Operation } from '../routing/operation.ts';
import { canTranslate } from '../wire/registry.ts';
import type { Exchange, RoutedTarget } from './exchange.ts';
import { MOST_PICTURE_TOKENS } from './media-bounds.ts';
import type { Policy } from './policy-store.ts';
import { rawPathBelow } from './raw-path.ts';
import type { Decoded } from './steps.ts';

/** Where a request for a model may go through an endpoint: the same for every request until the policy changes. */
export interface Eligible {
  /** In the policy's order. */
  readonly targets: readonly RoutedTarget[];
  /** Members of a ReserveMessage, as JSON without braces: `"alias":…,"targets":[…]`. */
  readonly json: string;
  /** Most output tokens of one answer for which the client set no bound. */
  readonly outputBound: number;
}

/** What current models write at most. */
const MOST_OUTPUT_TOKENS = 128_000;
/** What these read, they do not write. */
const SILENT: ReadonlySet<Operation> = new Set<Operation>(['embeddings', 'rerank', 'count-tokens', 'moderations']);
/** By endpoint; a prefix alias takes any name of a model. */
const MAX_PLACES = 1_000;
/** The ledger keeps no longer names. */
const MAX_NAME = 256;

/** By policy, endpoint and alias. */
const places = new WeakMap<Policy, Map<string, Map<string, Eligible>>>();

export function eligibleFor(decoded: Decoded): Eligible {
  const { exchange, alias, pinned } = decoded;
  // The path of a raw call and a pinned provider are each request's own.
  if (exchange.raw !== undefined || pinned !== undefined) return eligible(decoded);
  const known = models(exchange);
  const held = known.get(alias);
  if (held !== undefined) return held;
  if (known.size >= MAX_PLACES) known.clear();
  const found = eligible(decoded);
  known.set(alias, found);
  return found;
}

function models({ policy, endpoint }: Exchange): Map<string, Eligible> {
  let endpoints = places.get(policy);
  if (endpoints === undefined) {
    endpoints = new Map();
    places.set(policy, endpoints);
  }
  let known = endpoints.get(endpoint.id);
  if (known === undefined) {
    known = new Map();
    endpoints.set(endpoint.id, known);
  }
  return known;
}

function eligible({ exchange, resolved, alias, pinned }: Decoded): Eligible {
  const targets = resolved.targets.flatMap((target) => reachable(exchange, target));
  const priced = targets
    .filter(({ provider }) => pinned === undefined || provider.policy.id === pinned)
    .map(({ provider: { policy }, model, baseModel }) => ({
      provider: policy.id,
      model: model.slice(0, MAX_NAME),
      ...(baseModel === model ? {} : { baseModel }),
      priceList: policy.priceList.slice(0, MAX_NAME),
    }));
  const named = `"alias":${JSON.stringify(alias.slice(0, MAX_NAME))}`;
  return {
    targets,
    // Without a target nothing can be spent.
    json: priced.length === 0 ? named : `${named},"targets":${JSON.stringify(priced)}`,
    outputBound: outputBound(exchange, targets),
  };
}

function outputBound(exchange: Exchange, targets: readonly RoutedTarget[]): number {
  const { operation } = exchange.endpoint;
  if (SILENT.has(operation)) return 0;
  return makesPictures(operation) ? MOST_PICTURE_TOKENS : Math.max(0, ...targets.map((target) => unasked(exchange, target)));
}

/** Anthropic wants a number, so that a translation asks for the kind's own where the client gave none. */
const unasked = ({ endpoint }: Exchange, { provider, operation }: RoutedTarget): number =>
  operation.protocol === 'anthropic-messages' && endpoint.protocol !== 'anthropic-messages'
    ? provider.kind.defaultMaxTokens
    : MOST_OUTPUT_TOKENS;

function reachable(
  { endpoint, policy, raw, head }: Exchange,
  { provider: id, model, baseModel = model }: Target<ProviderId>,
): RoutedTarget[] {
  const provider = policy.providers.get(id);
  if (provider === undefined) return [];
  if (raw !== undefined)
    return [{ provider, model, baseModel, operation: { protocol: 'raw', path: withQuery(rawPathBelow(provider.policy, raw), head) } }];
  const operation = operationFor(
    provider.kind.operations[endpoint.operation] ?? [],
    { protocol: endpoint.protocol, model: baseModel },
    canTranslate,
  );
  return operation === undefined ? [] : [{ provider, model, baseModel, operation }];
}

const withQuery = (path: string, { query }: Head): string => (query === '' ? path : `${path}?${query}`);
