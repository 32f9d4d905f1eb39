import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { systemClock } from '../../core/clock.ts';
import type { JsonObject } from '../../core/json.ts';
import type { AdmissionPolicy } from '../../core/rules.ts';
import type { IncomingCall } from '../../ipc/peer.ts';
import { createLogger } from '../../telemetry/log.ts';
import { Ledger } from '../ledger.ts';
import { budgetOf, policyOf, testVault } from './admission.ts';

/** Test code: a ledger that is opened again and again, and told its rules, prices and calls as over sockets. */

export const TEAM_PARALLEL = 6;
export const GATEWAYS = ['gateway-0/a', 'gateway-1/b', 'gateway-2/c', 'gateway-3/d'] as const;

const vault = testVault();
const silent = createLogger({ role: 'ledger', index: 0, write: (_, done) => done(null) });

export class LedgerLife {
  ledger!: Ledger;
  folder = '';
  #version = 0;
  #priceVersion = 0;

  async begin(folder: string): Promise<void> {
    this.folder = folder;
    this.ledger = await Ledger.open({
      folder,
      log: silent,
      clock: systemClock,
      returnMs: 3_600_000,
      onDeath: (reason) => assert.fail(reason),
    });
    this.ledger.admissions.policy.onVault(vault.facts);
    this.ledger.prices.onVault(vault.facts);
    for (const gateway of GATEWAYS) this.ledger.gatewayHere(gateway);
  }

  /** A call that came over a socket, and its answer, or the code of its refusal. An answer leaves with the end of the turn. */
  async #ask(answer: (call: IncomingCall) => void, head: JsonObject): Promise<JsonObject | string> {
    const told = await new Promise<JsonObject | string>((resolve) => {
      const fail = (error: Error): string => (resolve(String(error)), 'internal');
      answer({ head, reply: resolve, error: resolve, fail } as unknown as IncomingCall);
    });
    await turn();
    return told;
  }

  tell(gateway: string, head: JsonObject): Promise<JsonObject | string> {
    return this.#ask((call) => this.ledger.answerGateway(call, gateway), head);
  }

  async price(amount: bigint): Promise<void> {
    const rates = { input: 0, output: 0, request: Number(amount) };
    const entries = [{ provider: 'openai', model: '*', rates }];
    const table = { kind: 'prices', version: ++this.#priceVersion, entries, discounts: [], margins: [] };
    const prices = { ...vault.sign(table as unknown as AdmissionPolicy) };
    const told = await this.#ask((call) => this.ledger.prices.apply(call), { op: 'prices.apply', prices });
    assert.deepEqual(told, { version: this.#priceVersion });
  }

  async budget(amount: bigint): Promise<void> {
    const limits = [{ id: 'lim_team', owner: { kind: 'team', id: 'team_a' }, measure: 'parallel', amount: TEAM_PARALLEL, mode: 'enforce' }];
    const policy = policyOf(++this.#version, [budgetOf(amount)], { limits: limits as unknown as AdmissionPolicy['limits'] });
    const apply = (value: AdmissionPolicy): Promise<JsonObject | string> =>
      this.#ask((call) => this.ledger.admissions.policy.apply(call), { op: 'admission.apply', policy: { ...vault.sign(value) } });
    assert.deepEqual(await apply(policy), { version: this.#version });
    // One that is older widens nothing.
    assert.match(String(await apply({ ...policy, version: this.#version - 1, budgets: [] })), /go back|permission/);
  }
}
