import type { KeyObject } from 'node:crypto';
import type { SignedText } from '../access/principal.ts';
import type { PolicySnapshot, ProviderPolicy } from '../config/policy.ts';
import type { ProviderId } from '../core/ids.ts';
import { isJsonObject } from '../core/json.ts';
import type { JsonLimits } from '../core/json-scan.ts';
import { fail, ok, type Result } from '../core/result.ts';
import { verifyText } from '../core/signing.ts';
import { Cors } from '../http/cors.ts';
import { trustedProxies, type TrustedProxies } from '../http/client-address.ts';
import type { ProviderKind } from '../providers/provider-kind.ts';
import { PROVIDER_KINDS } from '../providers/registry.ts';
import { ModelTable } from '../routing/model-table.ts';

export interface Provider {
  readonly policy: ProviderPolicy;
  readonly kind: ProviderKind;
}

/** A verified snapshot, made ready for the hot path. */
export interface Policy {
  readonly snapshot: PolicySnapshot;
  readonly models: ModelTable<ProviderId>;
  readonly providers: ReadonlyMap<ProviderId, Provider>;
  readonly json: JsonLimits;
  readonly cors: Cors;
  readonly proxies: TrustedProxies;
}

/** Why a snapshot was not applied; the one before stays in force. */
export type PolicyRefusal = 'signature' | 'older' | 'unreadable';

/** Holds the last snapshot whose signature held. Nothing unsigned and nothing older ever takes its place. */
export class PolicyStore {
  #current: Policy | undefined;

  get current(): Policy | undefined {
    return this.#current;
  }

  apply(signed: SignedText, verifyKey: KeyObject): Result<Policy, PolicyRefusal> {
    if (!verifyText(verifyKey, 'snapshot', signed)) return fail('signature');
    const policy = compile(signed.text);
    if (policy === undefined) return fail('unreadable');
    if (this.#current !== undefined && policy.snapshot.version < this.#current.snapshot.version) return fail('older');
    this.#current = policy;
    return ok(policy);
  }
}

/** Undefined: signed, but made by a Bulkhead that speaks of things this one does not know. */
function compile(text: string): Policy | undefined {
  const value: unknown = JSON.parse(text);
  if (!isJsonObject(value) || typeof value['version'] !== 'number') return undefined;
  const snapshot = value as unknown as PolicySnapshot;
  const providers = new Map<ProviderId, Provider>();
  for (const policy of snapshot.providers) {
    const kind = PROVIDER_KINDS.get(policy.kind);
    if (kind === undefined) return undefined;
    providers.set(policy.id, { policy, kind });
  }
  return {
    snapshot,
    models: new ModelTable(snapshot.models),
    providers,
    json: { depth: snapshot.limits.jsonDepth, keys: snapshot.limits.jsonKeys },
    cors: new Cors(snapshot.http.corsOrigins),
    proxies: trustedProxies(snapshot.http.trustedProxies),
  };
}
