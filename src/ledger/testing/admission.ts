import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import net from 'node:net';
import path from 'node:path';
import type { SignedText } from '../../access/principal.ts';
import type { ReserveRequest } from '../../admission/admission.ts';
import type { RequestId } from '../../core/ids.ts';
import type { JsonObject } from '../../core/json.ts';
import type { AdmissionPolicy, BudgetRule } from '../../core/rules.ts';
import { rawPublicKey, signText } from '../../core/signing.ts';
import { Peer, PROTOCOL } from '../../ipc/peer.ts';
import { someId } from './events.ts';

/** Test code: rules, what signs them, and connections that say who they are. */

export interface TestVault {
  readonly facts: JsonObject;
  sign(policy: AdmissionPolicy): SignedText;
}

export function testVault(): TestVault {
  const { privateKey }: { readonly privateKey: KeyObject } = generateKeyPairSync('ed25519');
  return {
    facts: { verifyKey: rawPublicKey(privateKey) },
    sign: (policy) => signText(privateKey, 'snapshot', JSON.stringify(policy)),
  };
}

export const policyOf = (version: number, budgets: readonly BudgetRule[], more: Partial<AdmissionPolicy> = {}): AdmissionPolicy => ({
  version,
  limits: [],
  budgets,
  shares: [],
  names: {},
  unknownPrice: 'dearest',
  ...more,
});

export const budgetOf = (picodollars: bigint, more: Partial<BudgetRule> = {}): BudgetRule => ({
  id: 'budget_team',
  owner: { kind: 'team', id: 'team_a' },
  picodollars: picodollars.toString(),
  window: { kind: 'total' },
  enforcement: 'hard',
  mode: 'enforce',
  thresholds: [],
  raises: [],
  ...more,
});

/** Costs at most what `usageEvent` costs: 3,500,000,000 picodollars. */
export const reserveOf = (requestId: RequestId = someId(), more: Partial<ReserveRequest> = {}): ReserveRequest =>
  ({
    requestId,
    key: 'key_a',
    organization: 'org_a',
    team: 'team_a',
    alias: 'fast',
    maxInputTokens: 1000,
    maxOutputTokens: 100,
    targets: [{ provider: 'openai', model: 'gpt-4o', priceList: 'openai' }],
    ...more,
  }) as ReserveRequest;

/** A connection of a process that keeps its generation, as a worker does over a restart of the ledger. */
export function connectAs(
  folder: string,
  role: 'gateway' | 'vault' | 'control',
  { index = 0, generation = 'g', facts = {} }: { readonly index?: number; readonly generation?: string; readonly facts?: JsonObject } = {},
): Promise<Peer> {
  return new Promise((resolve, reject) => {
    const peer: Peer = new Peer(
      net.connect(path.join(folder, role)),
      'connecting',
      { protocol: PROTOCOL, role, index, generation, facts },
      { onHello: () => resolve(peer), onClose: () => reject(new Error(`no frames of ${role}`)) },
    );
  });
}
