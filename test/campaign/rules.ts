import assert from 'node:assert/strict';
import type { RunningNode } from '../e2e/node.ts';
import type { Answerer } from '../replay/upstream.ts';

/**
 * The rules that hold during the kill campaign: a hard budget and a limit of requests in flight, both of everyone together. Each request costs
 * a cent, so that the provider's own count of what it saw is the bill.
 */

export const WORKERS = 4;
/** Requests in flight over all workers; fewer than there are clients, so that it is always at its bound. */
export const PARALLEL = 48;
/** What is left to spend, in cents, when the end of the budget is reached under load. */
const LAST_CENTS = 400;
const EVERYTHING = '100000';
const OWNER = { kind: 'organization', id: 'default' };

export interface Rules {
  readonly budget: string;
  readonly limit: string;
}

interface BudgetState {
  readonly spent: bigint;
  readonly reserved: bigint;
}

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export async function setRules(node: RunningNode): Promise<Rules> {
  const write = async (target: string, body: unknown): Promise<string> => {
    const answer = await node.admin('POST', `/admin/v1${target}`, body);
    assert.equal(answer.status, 201, JSON.stringify(answer.body));
    return String(answer.body['id']);
  };
  return {
    limit: await write('/limits', { owner: OWNER, measure: 'parallel', amount: PARALLEL }),
    budget: await write('/budgets', { owner: OWNER, dollars: EVERYTHING, window: 'total' }),
  };
}

/** Lowers the budget to what was spent and is held, and a little more. Gives the amount in cents. */
export async function lowerBudget(node: RunningNode, rules: Rules): Promise<bigint> {
  const { spent, reserved } = await budgetState(node, rules);
  const amount = spent + reserved + BigInt(LAST_CENTS);
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

/** Cents. */
export async function budgetState(node: RunningNode, { budget }: Rules): Promise<BudgetState> {
  const found = (await admission(node, 'budgets')).find(({ id }) => id === budget);
  assert.ok(found);
  return { spent: cents(String(found['spent'])), reserved: cents(String(found['reserved'])) };
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

/** Rounded up, so that nothing beyond the budget is lost to rounding. */
function cents(text: string): bigint {
  const [whole = '0', part = ''] = text.split('.');
  const rest = /[1-9]/.test(part.slice(2)) ? 1n : 0n;
  return BigInt(whole) * 100n + BigInt(part.slice(0, 2).padEnd(2, '0')) + rest;
}

/** The provider's own count of requests that it works on. */
export interface Crowd {
  readonly answer: Answerer;
  most(): number;
}

export function countCrowd(answer: Answerer): Crowd {
  let [open, most] = [0, 0];
  return {
    answer: (request, response) => {
      open++;
      if (open > most) most = open;
      response.on('close', () => open--);
      return answer(request, response);
    },
    most: () => most,
  };
}
