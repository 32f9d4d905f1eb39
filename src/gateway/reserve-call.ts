import type { Principal } from '../access/principal.ts';
import { eligibleFor } from './eligible.ts';
import { likelyOutputTokens, maxInputTokens, maxOutputTokens } from './bounds.ts';
import { mostUnits } from './media-bounds.ts';
import type { Decoded } from './steps.ts';

/** By the row as it was verified; a changed row is another principal. */
const owners = new WeakMap<Principal, string>();

/**
 * A ReserveMessage as JSON. Nearly all of it is the same for every request of a key for a model, so that it is encoded once per key and once per model
 * and policy; a request adds its id, its bounds, and what its client says of it.
 */
export function reserveRequest(decoded: Decoded): string {
  const { exchange, principal, endUser, tags } = decoded;
  const { json } = eligibleFor(decoded);
  const likely = likelyOutputTokens(decoded);
  const units = mostUnits(exchange.endpoint.operation, decoded.body);
  const said =
    (endUser === undefined ? '' : `,"endUser":${JSON.stringify(endUser)}`) + (tags === undefined ? '' : `,"tags":${JSON.stringify(tags)}`);
  return (
    `{"requestId":"${exchange.id}","maxInputTokens":${maxInputTokens(decoded)},"maxOutputTokens":${maxOutputTokens(decoded)},` +
    (likely === undefined ? '' : `"likelyOutputTokens":${likely},`) +
    (units === undefined ? '' : `"maxUnits":${JSON.stringify(units)},`) +
    `${ownersOf(principal)},${json}${said}}`
  );
}

/** Members without braces. */
function ownersOf(principal: Principal): string {
  let json = owners.get(principal);
  if (json === undefined) {
    const { id, organization, team, project, user, lineage, maxParallel, rules } = principal.key;
    const text = rules === undefined ? undefined : JSON.stringify(rules);
    json = JSON.stringify({ key: id, organization, team, project, user, lineage, maxParallel, rules: text }).slice(1, -1);
    owners.set(principal, json);
  }
  return json;
}
