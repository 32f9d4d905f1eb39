/**
 * What a parent leaves its children: a limit or budget below another may not promise more than the one above permits.
 * Pure; control asks it when a rule is written, and again with the roles turned when a parent shrinks.
 */
import type { Measure, RuleMode } from '../core/rules.ts';

/** What a rule counts. Absent: all. */
interface RuleReach {
  /** An alias, or a prefix that ends in `/*`. */
  readonly model?: string | undefined;
  readonly provider?: string | undefined;
}

export interface LimitExtent extends RuleReach {
  readonly measure: Measure;
  readonly amount: number;
  /** Absent for `parallel`. */
  readonly windowMs?: number | undefined;
  readonly mode: RuleMode;
}

export interface BudgetExtent extends RuleReach {
  /** With the raises that last as long as the child's. */
  readonly picodollars: bigint;
  /** Length of the longest window; Infinity: the total. */
  readonly windowMs: number;
  readonly mode: RuleMode;
  readonly enforcement: 'hard' | 'soft';
}

/** All that `inner` matches is matched by `outer` too. */
export function coversModel(outer: string | undefined, inner: string | undefined): boolean {
  if (outer === undefined || outer === inner) return true;
  return inner !== undefined && outer.endsWith('/*') && inner.startsWith(outer.slice(0, -1));
}

const covers = (outer: RuleReach, inner: RuleReach): boolean =>
  coversModel(outer.model, inner.model) && (outer.provider === undefined || outer.provider === inner.provider);

/** The longest run of the parent's windows that the child's window touches when both begin together. */
const windowsWithin = (parentMs: number, childMs: number): number => Math.max(1, Math.ceil(childMs / parentMs));

/** The most that `parent` permits in the child's window. Undefined: it does not bound the child. */
export function limitCeiling(parent: LimitExtent, child: LimitExtent): number | undefined {
  const sameKind = parent.measure === child.measure || (parent.measure === 'tokens' && child.measure.endsWith('_tokens'));
  if (parent.mode === 'observe' || !sameKind || !covers(parent, child)) return undefined;
  if (parent.windowMs === undefined || child.windowMs === undefined) return parent.amount;
  return parent.amount * windowsWithin(parent.windowMs, child.windowMs);
}

/** The most that `parent` lets the child spend in the child's window, in picodollars. Undefined: it does not bound the child. */
export function budgetCeiling(parent: BudgetExtent, child: BudgetExtent): bigint | undefined {
  if (parent.mode === 'observe' || parent.enforcement === 'soft' || !covers(parent, child)) return undefined;
  if (child.windowMs === Infinity) return parent.windowMs === Infinity ? parent.picodollars : undefined;
  return parent.picodollars * BigInt(windowsWithin(parent.windowMs, child.windowMs));
}
