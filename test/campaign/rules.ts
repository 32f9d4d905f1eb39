import assert from 'node:assert/strict';
import type { RunningNode } from '../e2e/node.ts';
import type { Answerer } from '../replay/upstream.ts';
import { wait } from './load.ts';
import { cents, fine } from './oracle.ts';

/**
 * The rules that hold while processes die: a hard budget, a limit of requests in flight and one of requests in a stretch of time, all of
 * everyone together. Each request costs a cent, so that the provider's own count of what it saw is the bill.
 */

export const WORKERS = 4;
/** Requests in flight over all workers; fewer than there are clients, so that it is always at its bound. */
export const PARALLEL = 48;
/** Requests in each stretch of this length: somewhat fewer than the load asks for. */
export const REQUESTS = 1000;
export const STRETCH_MS = 10_000;
/** What is left to spend, in cents, when the end of the budget is reached under load. */
const LAST_CENTS = 400;
const EVERYTHING = '100000';
const OWNER = { kind: 'organization', id: 'default' };

export interface Rules {
  readonly budget: string;
  readonly limit: string;
}

/** In millionths of a cent, exactly. */
interface BudgetState {
  readonly spent: bigint;
  readonly reserved: bigint;
}

export async function setRules(node: RunningNode): Promise<Rules> {
  const write = async (target: string, body: unknown): Promise<string> => {
    const answer = await node.admin('POST', `/admin/v1${target}`, body);
    assert.equal(answer.status, 201, JSON.stringify(answer.body));
    return String(answer.body['id']);
  };
  await write('/limits', { owner: OWNER, measure: 'requests', amount: REQUESTS, window: `${STRETCH_MS / 1000}s` });
  return {
    limit: await write('/limits', { owner: OWNER, measure: 'parallel', amount: PARALLEL }),
    budget: await write('/budgets', { owner: OWNER, dollars: EVERYTHING, window: 'total' }),
  };
}

/** Lowers the budget to what was spent and is held, and a little more. Gives the amount in cents. */
export async function lowerBudget(node: RunningNode, rules: Rules): Promise<bigint> {
  const { spent, reserved } = await budgetState(node, rules);
  const amount = cents(spent) + cents(reserved) + BigInt(LAST_CENTS);
  await changeBudget(node, rules, dollars(amount));
  return amount;
}

export const liftBudget = (node: RunningNode, rules: Rules): Promise<void> => changeBudget(node, rules, EVERYTHING);

/** Tried again while the ledger or control is away: until a change is acknowledged, it is not in force. */
async function changeBudget(node: RunningNode, { budget }: Rules, amount: string): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    const { status, body } = await node
      .admin('PATCH', `/admin/v1/budgets/${budget}`, { dollars: amount })
      .catch(() => ({ status: 0, body: {} as Record<string, unknown> }));
    if (status === 200 && (body['applied'] ?? 'yes') === 'yes') return;
    await wait(100);
  }
  assert.fail('the budget could not be changed');
}

export async function budgetState(node: RunningNode, { budget }: Rules): Promise<BudgetState> {
  const found = (await admission(node, 'budgets')).find(({ id }) => id === budget);
  assert.ok(found);
  return { spent: fine(String(found['spent'])), reserved: fine(String(found['reserved'])) };
}

/** Places that requests hold. */
export async function placesTaken(node: RunningNode, { limit }: Rules): Promise<number> {
  const found = (await admission(node, 'limits')).find(({ id }) => id === limit);
  assert.ok(found);
  return Number(found['used']);
}

/** What the ledger says of each rule, once it is there. */
async function admission(node: RunningNode, rules: 'limits' | 'budgets'): Promise<readonly Record<string, unknown>[]> {
  for (let tries = 0; tries < 200; tries++) {
    const { status, body } = await node
      .admin('GET', '/admin/v1/admission')
      .catch(() => ({ status: 0, body: {} as Record<string, unknown> }));
    if (status === 200) return body[rules] as readonly Record<string, unknown>[];
    await wait(100);
  }
  return assert.fail('the ledger does not say what is used');
}

const dollars = (amount: bigint): string => `${amount / 100n}.${String(amount % 100n).padStart(2, '0')}`;

/** The provider's own count of requests that it works on. */
export interface Crowd {
  readonly answer: Answerer;
  /** Unix milliseconds at which each came. */
  readonly arrivals: readonly number[];
  /** At a time, since it was asked the last time. */
  most(): number;
}

export function countCrowd(answer: Answerer): Crowd {
  let [open, most] = [0, 0];
  const arrivals: number[] = [];
  return {
    arrivals,
    answer: (request, response) => {
      arrivals.push(Date.now());
      open++;
      if (open > most) most = open;
      response.on('close', () => open--);
      return answer(request, response);
    },
    most: () => {
      const found = most;
      most = open;
      return found;
    },
  };
}
