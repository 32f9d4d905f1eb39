import * as budgets from './budgets.ts';
import * as limits from './limits.ts';
import { admin, type Operation } from './operation.ts';
import { removed } from './rules.ts';

/** Limits, budgets, shares and requests for more: what an owner may use, and what is left of it. */

const readLimit = { permission: 'limit.read', scope: 'rule' } as const;
const writeLimit = { permission: 'limit.write', scope: 'rule' } as const;
const readBudget = { permission: 'budget.read', scope: 'rule' } as const;
const writeBudget = { permission: 'budget.write', scope: 'rule' } as const;

const LIMITS = {
  'limits.list': admin('GET', '/limits', 'List limits.', {
    permission: 'limit.read',
    scope: 'visible',
    query: limits.limitListQuery,
    reply: limits.limitList,
  }),
  'limits.create': admin('POST', '/limits', 'Limit an owner. Answers when the ledger holds every request to it.', {
    permission: 'limit.write',
    scope: 'owner-named',
    body: limits.limitCreate,
    reply: limits.limitWritten,
    status: 201,
  }),
  'limits.show': admin('GET', '/limits/{id}', 'Show a limit.', { ...readLimit, reply: limits.limitView }),
  'limits.update': admin('PATCH', '/limits/{id}', 'Change a limit.', {
    ...writeLimit,
    body: limits.limitChange,
    reply: limits.limitWritten,
  }),
  'limits.remove': admin('DELETE', '/limits/{id}', 'Remove a limit, with its shares.', { ...writeLimit, reply: removed }),

  'shares.list': admin('GET', '/shares', 'List priority shares.', {
    permission: 'limit.read',
    scope: 'visible',
    query: limits.shareListQuery,
    reply: limits.shareList,
  }),
  'shares.create': admin('POST', '/limits/{id}/shares', 'Keep a share of a limit for an owner.', {
    ...writeLimit,
    body: limits.shareCreate,
    reply: limits.shareWritten,
    status: 201,
  }),
  'shares.update': admin('PATCH', '/shares/{id}', 'Change a share.', {
    ...writeLimit,
    body: limits.shareChange,
    reply: limits.shareWritten,
  }),
  'shares.remove': admin('DELETE', '/shares/{id}', 'Remove a share.', { ...writeLimit, reply: removed }),
} satisfies Record<string, Operation>;

const BUDGETS = {
  'budgets.list': admin('GET', '/budgets', 'List budgets.', {
    permission: 'budget.read',
    scope: 'visible',
    query: budgets.budgetListQuery,
    reply: budgets.budgetList,
  }),
  'budgets.create': admin('POST', '/budgets', 'Give an owner a budget. Answers when the ledger holds every request to it.', {
    permission: 'budget.write',
    scope: 'owner-named',
    body: budgets.budgetCreate,
    reply: budgets.budgetWritten,
    status: 201,
  }),
  'budgets.show': admin('GET', '/budgets/{id}', 'Show a budget.', { ...readBudget, reply: budgets.budgetView }),
  'budgets.update': admin('PATCH', '/budgets/{id}', 'Change a budget.', {
    ...writeBudget,
    body: budgets.budgetChange,
    reply: budgets.budgetWritten,
  }),
  'budgets.remove': admin('DELETE', '/budgets/{id}', 'Remove a budget.', { ...writeBudget, reply: removed }),
  'budgets.raise': admin('POST', '/budgets/{id}/raises', 'Add to a budget until a time.', {
    ...writeBudget,
    body: budgets.budgetRaise,
    reply: budgets.budgetWritten,
    status: 201,
  }),
  'alerts.list': admin('GET', '/alerts', 'Budgets that reached a threshold and what else should be looked at, newest first.', {
    permission: 'budget.read',
    scope: 'visible',
    query: budgets.alertListQuery,
    reply: budgets.alertList,
  }),
} satisfies Record<string, Operation>;

const REQUESTS = {
  'budget-requests.list': admin('GET', '/budget-requests', 'List requests for more.', {
    permission: 'budget.read',
    scope: 'visible',
    query: budgets.budgetRequestListQuery,
    reply: budgets.budgetRequestList,
  }),
  'budget-requests.create': admin('POST', '/budget-requests', 'Ask for more.', {
    permission: 'budget.ask',
    scope: 'owner-named',
    body: budgets.budgetRequestCreate,
    reply: budgets.budgetRequestView,
    status: 201,
  }),
  'budget-requests.grant': admin('POST', '/budget-requests/{id}/grant', 'Grant a request: raises the budget until the end.', {
    ...writeBudget,
    body: budgets.budgetRequestGrant,
    reply: budgets.budgetRequestDecided,
  }),
  'budget-requests.deny': admin('POST', '/budget-requests/{id}/deny', 'Deny a request.', {
    ...writeBudget,
    body: budgets.budgetRequestDeny,
    reply: budgets.budgetRequestView,
  }),
  'admission.status': admin('GET', '/admission', 'What is used and left of every limit and budget, from the ledger.', {
    permission: 'limit.read',
    scope: 'visible',
    query: budgets.admissionQuery,
    reply: budgets.admissionStatus,
  }),
} satisfies Record<string, Operation>;

export const RULES = { ...LIMITS, ...BUDGETS, ...REQUESTS } satisfies Record<string, Operation>;
