import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { RequestId } from '../../core/ids.ts';
import type { JsonObject } from '../../core/json.ts';
import type { KeyRules } from '../../core/rules.ts';
import { openReadable } from '../../store/sqlite/open.ts';
import { reserveOf } from './admission.ts';
import { someId, usageEvent } from './events.ts';
import { GATEWAYS, LedgerLife, TEAM_PARALLEL } from './ledger-life.ts';

/**
 * Test code: a whole ledger on disk held against the plainest model there is after each act: who holds what, and a list of rows. Every request costs what
 * the operator's price says at that moment. A crash is a copy of the folder, taken while the process goes on: what it answered before is
 * there, what it did afterwards is not, and gateways say again what nobody acknowledged.
 */

const KEY_DOLLARS = 40n;
const KEYS = ['key_a', 'key_b'] as const;
const RULES: KeyRules = {
  budgets: [
    {
      id: 'bud_key',
      picodollars: String(KEY_DOLLARS),
      window: { kind: 'total' },
      enforcement: 'hard',
      mode: 'enforce',
      thresholds: [],
      raises: [],
    },
  ],
};

export type Act =
  /** `count` of them at once. */
  | { readonly do: 'reserve'; readonly gateway: number; readonly key: number; readonly count: number }
  /** `lost`: its acknowledgement never comes, so that it is said again later. */
  | { readonly do: 'settle'; readonly pick: number; readonly attempts: number; readonly lost: boolean }
  | { readonly do: 'release'; readonly pick: number; readonly lost: boolean }
  | { readonly do: 'again' }
  | { readonly do: 'late'; readonly pick: number }
  | { readonly do: 'gone'; readonly gateway: number }
  | { readonly do: 'price'; readonly price: number }
  | { readonly do: 'budget'; readonly amount: number }
  | { readonly do: 'crash'; readonly acts: number };

interface Held {
  readonly id: RequestId;
  readonly gateway: string;
  readonly key: string;
  cost: bigint;
  /** Its gateway is gone: it has no place any more, and its money is held. */
  isOrphan: boolean;
}

interface Row {
  readonly id: RequestId;
  readonly attempt: number;
  readonly key: string;
  readonly cost: bigint;
}

interface End {
  readonly gateway: string;
  readonly head: JsonObject;
}

interface State {
  readonly held: Map<RequestId, Held>;
  readonly rows: Row[];
}

export class LedgerHistory {
  readonly #life = new LedgerLife();
  readonly #root = fs.mkdtempSync(path.join(os.tmpdir(), 'bh-history-'));
  #lives = 0;
  #held = new Map<RequestId, Held>();
  #rows: Row[] = [];
  /** Ends that were sent, and of which the gateway knows nothing. */
  #unheard: End[] = [];
  #price = 2n;
  #amount = 80n;

  async run(acts: readonly Act[]): Promise<void> {
    await this.#life.begin(this.#nextFolder());
    try {
      await this.#life.price(this.#price);
      await this.#life.budget(this.#amount);
      for (const [index, step] of acts.entries()) {
        if (step.do === 'crash') await this.#crash(acts.slice(index + 1, index + 1 + step.acts));
        else await this.#step(step);
        this.#compare();
      }
      await this.#endAll();
    } finally {
      await this.#life.ledger.close();
      fs.rmSync(this.#root, { recursive: true });
    }
  }

  async #step(step: Act): Promise<void> {
    switch (step.do) {
      case 'reserve':
        return this.#reserve(step);
      case 'settle':
        return this.#settle(step);
      case 'release':
        return this.#release(step);
      case 'again':
        return this.#again();
      case 'late':
        return this.#late(step.pick);
      case 'gone':
        return this.#gone(GATEWAYS[step.gateway] as string);
      case 'price':
        this.#price = BigInt(step.price);
        return this.#life.price(this.#price);
      case 'budget':
        this.#amount = BigInt(step.amount);
        return this.#life.budget(this.#amount);
      case 'crash':
    }
  }

  #nextFolder(): string {
    const folder = path.join(this.#root, String(this.#lives++));
    fs.mkdirSync(folder, { recursive: true });
    return folder;
  }

  /** Each is let through exactly if it fits all rules together with those before it. */
  async #reserve({ gateway, key: keyIndex, count }: Extract<Act, { do: 'reserve' }>): Promise<void> {
    const by = GATEWAYS[gateway] as string;
    const key = KEYS[keyIndex] as string;
    const asked = Array.from({ length: count }, () => {
      const id = someId();
      const request = { ...reserveOf(id, { key: key as never }), rules: JSON.stringify(RULES) };
      return { id, answer: this.#life.tell(by, { op: 'reserve', request: request as unknown as JsonObject }) };
    });
    for (const { id, answer } of asked) {
      const code = await answer;
      const expected = this.#refusal(key);
      if (expected !== undefined) {
        assert.equal(code, expected);
        continue;
      }
      assert.equal(typeof code, 'object', `refused what fits: ${String(code)}`);
      this.#held.set(id, { id, gateway: by, key, cost: this.#price, isOrphan: false });
    }
  }

  #refusal(key: string): string | undefined {
    if (this.#live().length >= TEAM_PARALLEL) return 'too_many_parallel_requests';
    const fits = this.#used() + this.#price <= this.#amount && this.#used(key) + this.#price <= KEY_DOLLARS;
    return fits ? undefined : 'budget_exceeded';
  }

  async #settle({ pick: at, attempts, lost }: Extract<Act, { do: 'settle' }>): Promise<void> {
    const held = this.#pick(at);
    if (held === undefined) return;
    const settled = Array.from({ length: attempts }, (_, index) => usageEvent(held.id, { attempt: index + 1, key: held.key as never }));
    const head = { op: 'account', settled, released: [] } as unknown as JsonObject;
    await this.#end(held, head, lost);
    for (let attempt = 1; attempt <= attempts; attempt++) this.#rows.push({ id: held.id, attempt, key: held.key, cost: this.#price });
  }

  async #release({ pick: at, lost }: Extract<Act, { do: 'release' }>): Promise<void> {
    const held = this.#pick(at);
    if (held !== undefined) await this.#end(held, { op: 'account', settled: [], released: [held.id] }, lost);
  }

  async #end(held: Held, head: JsonObject, lost: boolean): Promise<void> {
    assert.equal(typeof (await this.#life.tell(held.gateway, head)), 'object');
    this.#held.delete(held.id);
    if (lost) this.#unheard.push({ gateway: held.gateway, head });
  }

  /** What was not acknowledged is said again, and changes nothing. */
  async #again(): Promise<void> {
    for (const { gateway, head } of this.#unheard.splice(0)) assert.equal(typeof (await this.#life.tell(gateway, head)), 'object');
  }

  /** A report of a request that ended long ago, and a release of it. */
  async #late(at: number): Promise<void> {
    const row = this.#rows[at % Math.max(1, this.#rows.length)];
    if (row === undefined) return;
    const event = usageEvent(row.id, { attempt: row.attempt, key: row.key as never, usage: { ...usageEvent('x').usage, output: 999 } });
    await this.#life.tell(GATEWAYS[0], { op: 'account', settled: [event], released: [row.id] } as unknown as JsonObject);
  }

  #gone(gateway: string): void {
    this.#life.ledger.gatewayGone(gateway);
    this.#life.ledger.gatewayHere(gateway);
    for (const held of this.#live()) if (held.gateway === gateway) held.isOrphan = true;
  }

  /**
   * `unseen`: what the process still did after the moment at which it was killed, as far as the disk knows. Its gateways have heard of it all the
   * same where it answered, except of a reservation: those are on disk before they are answered, so that none may be among them.
   */
  async #crash(unseen: readonly Act[]): Promise<void> {
    // The disk has all that was answered; the copy is taken while nothing is being written.
    const next = this.#nextFolder();
    fs.cpSync(this.#life.folder, next, { recursive: true });
    const before = this.#state();
    const from = this.#unheard.length;
    for (const step of unseen) if (step.do === 'settle' || step.do === 'release') await this.#step({ ...step, lost: true });
    await this.#life.ledger.close();
    [this.#held, this.#rows] = [before.held, before.rows];
    // Sent before the end of the process, and never acknowledged.
    const lost = this.#unheard.slice(from);
    await this.#life.begin(next);
    // A gateway that is gone does not come back; what it held is money until somebody speaks of it.
    for (const gateway of GATEWAYS) await this.#resume(gateway);
    this.#compare();
    for (const { gateway, head } of lost) await this.#endAfter(gateway, head);
  }

  #state(): State {
    return { held: new Map([...this.#held].map(([id, held]) => [id, { ...held }])), rows: [...this.#rows] };
  }

  /** Places and money of all that the gateway has under way, those whose end is not acknowledged too. */
  async #resume(gateway: string): Promise<void> {
    const mine = [...this.#held.values()].filter((held) => held.gateway === gateway);
    const live = mine.filter(({ isOrphan }) => !isOrphan);
    const requests = live.map(({ id, key }) => ({ ...reserveOf(id, { key: key as never }), rules: JSON.stringify(RULES) }));
    const told = await this.#life.tell(gateway, { op: 'resume', requests: requests as unknown as JsonObject[] });
    assert.deepEqual(told, { resumed: live.length });
    for (const held of mine) {
      // Orphans of the life before are held as if they lived, until they are given up: they were never named again.
      held.isOrphan = false;
      // Held anew at the prices of now, as its row will be.
      held.cost = this.#price;
    }
  }

  /** An end that the ledger forgot, said again. */
  async #endAfter(gateway: string, head: JsonObject): Promise<void> {
    assert.equal(typeof (await this.#life.tell(gateway, head)), 'object');
    const { settled, released } = head as unknown as {
      settled: { requestId: RequestId; attempt: number; key: string }[];
      released: RequestId[];
    };
    for (const { requestId, attempt, key } of settled) this.#rows.push({ id: requestId, attempt, key, cost: this.#price });
    for (const id of [...released, ...settled.map(({ requestId }) => requestId)]) this.#held.delete(id);
  }

  /** At the end every request ends, and what the disk says by itself is what the model says. */
  async #endAll(): Promise<void> {
    await this.#again();
    for (const { id, gateway } of this.#held.values()) await this.#life.tell(gateway, { op: 'account', settled: [], released: [id] });
    this.#held.clear();
    this.#compare();
    await this.#life.ledger.close();
    await this.#life.begin(this.#life.folder);
    this.#compare();
    const db = openReadable(path.join(this.#life.folder, 'ledger.db'));
    const rows = db.prepare('SELECT request_id, attempt, picodollars FROM usage').all();
    db.close();
    const text = (id: unknown, attempt: unknown, cost: unknown): string => `${String(id)}/${String(attempt)} ${String(cost)}`;
    assert.deepEqual(
      rows.map((row) => text(row['request_id'], row['attempt'], row['picodollars'])).sort(),
      this.#rows.map(({ id, attempt, cost }) => text(id, attempt, cost)).sort(),
      'rows are lost, doubled or priced anew',
    );
  }

  #compare(): void {
    const { admissions } = this.#life.ledger;
    assert.equal(admissions.size, this.#live().length, 'places');
    const { limits, budgets } = admissions.status(null);
    assert.equal(limits[0]?.used, this.#live().length, 'places of the team');
    const spent = this.#rows.reduce((sum, { cost }) => sum + cost, 0n);
    assert.deepEqual([budgets[0]?.spent, budgets[0]?.reserved], [String(spent), String(this.#used() - spent)], 'the team’s budget');
    for (const key of KEYS) {
      const [own] = admissions.status([`key:${key}`]).budgets;
      if (own !== undefined) assert.equal(BigInt(own.spent) + BigInt(own.reserved), this.#used(key), `the budget of ${key}`);
    }
  }

  #live(): readonly Held[] {
    return [...this.#held.values()].filter(({ isOrphan }) => !isOrphan);
  }

  #pick(at: number): Held | undefined {
    const all = [...this.#held.values()];
    return all[at % Math.max(1, all.length)];
  }

  /** Spent and held, of a key or of the team. */
  #used(key?: string): bigint {
    let used = 0n;
    for (const row of this.#rows) if (key === undefined || row.key === key) used += row.cost;
    for (const held of this.#held.values()) if (key === undefined || held.key === key) used += held.cost;
    return used;
  }
}
