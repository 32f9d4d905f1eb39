import * as budgets from './budgets.ts';
import * as limits from './limits.ts';
import { admin, asking, type Operation } from './operation.ts';
import { removed } from './rules.ts';

/** Limits, budgets, shares and requests for more: what an owner may use, and what is left of it. */

const limit = asking('limit', 'rule');
const budget = asking('budget', 'rule');
const forOwner = { scope: 'owner-named', status: 201 } as const;

const LIMITS = {
  'limits.list': admin('GET', '/limits', 'List limits.', { ...limit.list, query: limits.limitListQuery, reply: limits.limitList }),
  'limits.create': admin('POST', '/limits', 'Limit an owner. Answers when the ledger holds every request to it.', {
    permission: 'limit.write',
    ...forOwner,
    body: limits.limitCreate,
    reply: limits.limitWritten,
  }),
  'limits.show': admin('GET', '/limits/{id}', 'Show a limit.', { ...limit.read, reply: limits.limitView }),
  'limits.update': admin('PATCH', '/limits/{id}', 'Change a limit.', {
    ...limit.write,
    body: limits.limitChange,
    reply: limits.limitWritten,
  }),
  'limits.remove': admin('DELETE', '/limits/{id}', 'Remove a limit, with its shares.', { ...limit.write, reply: removed }),

  'shares.list': admin('GET', '/shares', 'List priority shares.', { ...limit.list, query: limits.shareListQuery, reply: limits.shareList }),
  'shares.create': admin('POST', '/limits/{id}/shares', 'Keep a share of a limit for an owner.', {
    ...limit.write,
    body: limits.shareCreate,
    reply: limits.shareWritten,
    status: 201,
  }),
  'shares.update': admin('PATCH', '/shares/{id}', 'Change a share.', {
    ...limit.write,
    body: limits.shareChange,
    reply: limits.shareWritten,
  }),
  'shares.remove': admin('DELETE', '/shares/{id}', 'Remove a share.', { ...limit.write, reply: removed }),
} satisfies Record<string, Operation>;

const BUDGETS = {
  'budgets.list': admin('GET', '/budgets', 'List budgets.', { ...budget.list, query: budgets.budgetListQuery, reply: budgets.budgetList }),
  'budgets.create': admin('POST', '/budgets', 'Give an owner a budget. Answers when the ledger holds every request to it.', {
    permission: 'budget.write',
    ...forOwner,
    body: budgets.budgetCreate,
    reply: budgets.budgetWritten,
  }),
  'budgets.show': admin('GET', '/budgets/{id}', 'Show a budget.', { ...budget.read, reply: budgets.budgetView }),
  'budgets.update': admin('PATCH', '/budgets/{id}', 'Change a budget.', {
    ...budget.write,
    body: budgets.budgetChange,
    reply: budgets.budgetWritten,
  }),
  'budgets.remove': admin('DELETE', '/budgets/{id}', 'Remove a budget.', { ...budget.write, reply: removed }),
  'budgets.raise': admin('POST', '/budgets/{id}/raises', 'Add to a budget until a time.', {
    ...budget.write,
    body: budgets.budgetRaise,
    reply: budgets.budgetWritten,
    status: 201,
  }),
  'alerts.list': admin('GET', '/alerts', 'Budgets that reached a threshold and what else should be looked at, newest first.', {
    ...budget.list,
    query: budgets.alertListQuery,
    reply: budgets.alertList,
  }),
} satisfies Record<string, Operation>;

const REQUESTS = {
  'budget-requests.list': admin('GET', '/budget-requests', 'List requests for more.', {
    ...budget.list,
    query: budgets.budgetRequestListQuery,
    reply: budgets.budgetRequestList,
  }),
  'budget-requests.create': admin('POST', '/budget-requests', 'Ask for more.', {
    permission: 'budget.ask',
    ...forOwner,
    body: budgets.budgetRequestCreate,
    reply: budgets.budgetRequestView,
  }),
  'budget-requests.grant': admin('POST', '/budget-requests/{id}/grant', 'Grant a request: raises the budget until the end.', {
    ...budget.write,
    body: budgets.budgetRequestGrant,
    reply: budgets.budgetRequestDecided,
  }),
  'budget-requests.deny': admin('POST', '/budget-requests/{id}/deny', 'Deny a request.', {
    ...budget.write,
    body: budgets.budgetRequestDeny,
    reply: budgets.budgetRequestView,
  }),
  'admission.status': admin('GET', '/admission', 'What is used and left of every limit and budget, from the ledger.', {
    ...limit.list,
    query: budgets.admissionQuery,
    reply: budgets.admissionStatus,
  }),
} satisfies Record<string, Operation>;

export const RULES = { ...LIMITS, ...BUDGETS, ...REQUESTS } satisfies Record<string, Operation>;
