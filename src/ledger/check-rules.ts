import { isJsonObject, type Json, type JsonObject } from '../core/json.ts';
import { OWNER_KINDS, type OwnerRef } from '../core/owner.ts';
import { Recent } from '../core/recent.ts';
import type { Result } from '../core/result.ts';
import {
  MEASURES,
  type AdmissionPolicy,
  type BudgetRaise,
  type BudgetRule,
  type BudgetWindow,
  type KeyRules,
  type LimitRule,
  type PriorityShare,
} from '../core/rules.ts';
import { checked, exactText, id, integer, list, matching, object, oneOf, refuse } from './fields.ts';

/**
 * Rules as a gateway or control sent them. What the vault signed is checked as well: a signature says who wrote it, not that this
 * program understands it, and a rule that is misread is a limit that does not hold.
 */

const MAX_KEY_RULES = 32;
const MAX_POLICY_RULES = 100_000;
const MAX_THRESHOLDS = 16;
const MAX_RAISES = 16;
const MAX_NAME = 256;
/** An end user's name may have 256 characters, behind its organization's id. */
const MAX_OWNER = 400;
const MIN_WINDOW_MS = 1000;
const MAX_WINDOW_MS = 366 * 86_400_000;
/** Nine quintillion picodollars are nine million dollars; this is a billion times as much. */
const PICODOLLARS = /^\d{1,27}$/;
const TOKEN_LIMIT = 1_000_000_000_000;
const MODES = ['enforce', 'observe'] as const;

type UnownedLimit = Omit<LimitRule, 'owner'>;
type UnownedBudget = Omit<BudgetRule, 'owner'>;

/** By their text: a key sends the same with every request, and reading it costs more than deciding. Long ones are few, and read each time. */
const known = new Recent<KeyRules>(8_000);
const KNOWN_TEXT = 2_048;
const MAX_TEXT = 128 * 1024;

/** A key's rules as its requests carry them: text. The same object for the same text, while it is remembered. */
export function keyRules(text: Json): KeyRules {
  if (typeof text !== 'string' || text.length > MAX_TEXT) return refuse('rules');
  const held = known.get(text);
  if (held !== undefined) return held;
  const rules = readKeyRules(parse(text, 'rules'));
  if (text.length <= KNOWN_TEXT) known.set(text, rules);
  return rules;
}

function readKeyRules(from: JsonObject): KeyRules {
  return {
    ...(from['limits'] !== undefined && { limits: list(from['limits'], 'limits', MAX_KEY_RULES, limit) }),
    ...(from['budgets'] !== undefined && { budgets: list(from['budgets'], 'budgets', MAX_KEY_RULES, budget) }),
  };
}

/** The policy as the signed text says it; the refusal names the field. */
export const checkPolicy = (text: string): Result<AdmissionPolicy, string> => checked(() => policy(parse(text, 'policy')));

function parse(text: string, field: string): JsonObject {
  try {
    return object(JSON.parse(text) as Json, field);
  } catch (error) {
    if (error instanceof SyntaxError) return refuse(field);
    throw error;
  }
}

const policy = (from: JsonObject): AdmissionPolicy => ({
  version: integer(from, 'version', Number.MAX_SAFE_INTEGER),
  limits: list(from['limits'], 'limits', MAX_POLICY_RULES, (item) => ({ ...limit(item), owner: owner(item) })),
  budgets: list(from['budgets'], 'budgets', MAX_POLICY_RULES, (item) => ({ ...budget(item), owner: owner(item) })),
  shares: list(from['shares'], 'shares', MAX_POLICY_RULES, share),
  names: names(object(from['names'], 'names')),
  unknownPrice: oneOf(from, 'unknownPrice', ['dearest', 'refuse'] as const),
});

function owner(item: Json): OwnerRef {
  const from = object(object(item, 'rule')['owner'], 'owner');
  return { kind: oneOf(from, 'kind', OWNER_KINDS), id: exactText(from['id'], 'owner', MAX_OWNER) };
}

function limit(item: Json): UnownedLimit {
  const from = object(item, 'limits');
  const measure = oneOf(from, 'measure', MEASURES);
  const rule = {
    id: id<string>(from, 'id'),
    measure,
    amount: integer(from, 'amount', TOKEN_LIMIT),
    mode: oneOf(from, 'mode', MODES),
    ...(from['model'] !== undefined && { model: exactText(from['model'], 'model', MAX_NAME) }),
  };
  if (measure === 'parallel') return from['windowMs'] === undefined ? rule : refuse('windowMs');
  return { ...rule, windowMs: integer(from, 'windowMs', MAX_WINDOW_MS, MIN_WINDOW_MS) };
}

function budget(item: Json): UnownedBudget {
  const from = object(item, 'budgets');
  return {
    id: id(from, 'id'),
    picodollars: matching(from, 'picodollars', PICODOLLARS),
    window: budgetWindow(object(from['window'], 'window')),
    enforcement: oneOf(from, 'enforcement', ['hard', 'soft'] as const),
    mode: oneOf(from, 'mode', MODES),
    thresholds: list(from['thresholds'], 'thresholds', MAX_THRESHOLDS, (percent) => integer({ percent }, 'percent', 1000, 1)),
    raises: list(from['raises'], 'raises', MAX_RAISES, raise),
    ...(from['model'] !== undefined && { model: exactText(from['model'], 'model', MAX_NAME) }),
    ...(from['provider'] !== undefined && { provider: id<string>(from, 'provider') }),
  };
}

function raise(item: Json): BudgetRaise {
  const from = object(item, 'raises');
  return { picodollars: matching(from, 'picodollars', PICODOLLARS), until: integer(from, 'until', Number.MAX_SAFE_INTEGER) };
}

function budgetWindow(from: JsonObject): BudgetWindow {
  const kind = oneOf(from, 'kind', ['calendar', 'rolling', 'total'] as const);
  if (kind === 'total') return { kind };
  if (kind === 'rolling') return { kind, ms: integer(from, 'ms', MAX_WINDOW_MS, MIN_WINDOW_MS) };
  return { kind, unit: oneOf(from, 'unit', ['hour', 'day', 'week', 'month'] as const), timeZone: timeZone(from) };
}

/** Zones that were seen to exist; asking the runtime costs far more than a reservation. */
const zones = new Set<string>(['UTC']);

function timeZone(from: JsonObject): string {
  const name = exactText(from['timeZone'], 'timeZone', 64);
  if (zones.has(name)) return name;
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
  } catch (error) {
    if (error instanceof RangeError) return refuse('timeZone');
    throw error;
  }
  zones.add(name);
  return name;
}

function share(item: Json): PriorityShare {
  const from = object(item, 'shares');
  return { id: id(from, 'id'), limit: id(from, 'limit'), owner: owner(item), percent: integer(from, 'percent', 100, 1) };
}

function names(from: JsonObject): Readonly<Record<string, string>> {
  if (!isJsonObject(from)) return refuse('names');
  for (const name of Object.values(from)) exactText(name, 'names', MAX_NAME);
  return from as Readonly<Record<string, string>>;
}
