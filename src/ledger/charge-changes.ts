import type { Charge } from '../admission/engine.ts';
import type { CallFact, CallRow } from './call-row.ts';

/**
 * What the file's rows cost more or less than the ledger's memory was told: the engine counts an event when it comes, but the row may
 * be somebody else's by the vault's word, may have been estimated before, or may have been there already. Found by the writer, in the
 * transaction that makes the difference; nothing for the usual row.
 */
export interface ChargeChange {
  readonly charge: Charge;
  /** Decimal digits, with a sign where it is less. */
  readonly picodollars: string;
}

interface Moved {
  readonly charge: Charge;
  delta: bigint;
}

/** The changes of one transaction. */
export class ChargeChanges {
  #moved = new Map<string, Moved>();

  /** `facts` made `after` of `before`. */
  heard(before: CallRow, after: CallRow, facts: readonly CallFact[]): void {
    if (isAsTold(before, after, facts)) return;
    this.replaced(before, after);
    for (const fact of facts) if (fact.fact === 'usage') this.#add(chargeOf(fact.event), -(fact.charged ?? 0n));
  }

  /** A row became another one without a word of the gateway. */
  replaced(before: CallRow, after: CallRow): void {
    this.#add(chargeOf(before), -before.picodollars);
    this.#add(chargeOf(after), after.picodollars);
  }

  take(): readonly ChargeChange[] {
    if (this.#moved.size === 0) return NONE;
    const moved = [...this.#moved.values()].filter(({ delta }) => delta !== 0n);
    this.#moved = new Map();
    return moved.map(({ charge, delta }) => ({ charge, picodollars: delta.toString() }));
  }

  #add(charge: Charge, delta: bigint): void {
    if (delta === 0n) return;
    const name = JSON.stringify(charge);
    const moved = this.#moved.get(name);
    if (moved === undefined) this.#moved.set(name, { charge, delta });
    else moved.delta += delta;
  }
}

const NONE: readonly ChargeChange[] = [];

/** The usual way: one report, the first word of any cost, taken as it was told. */
function isAsTold(before: CallRow, after: CallRow, facts: readonly CallFact[]): boolean {
  if (before.picodollars !== 0n || after.disputed) return false;
  let told = 0n;
  let reports = 0;
  for (const fact of facts) {
    if (fact.fact !== 'usage') continue;
    reports++;
    told += fact.charged ?? 0n;
  }
  return reports <= 1 && told === after.picodollars;
}

type ChargedRow = Charge & { readonly tags?: readonly string[] | undefined };

/** Fields in one order, so that the same owners have the same name. */
const chargeOf = ({ organization, team, key, project, user, endUser, tags, alias, provider, startedAt }: ChargedRow): Charge => ({
  organization,
  team,
  key,
  project: project === '' ? undefined : project,
  user: user === '' ? undefined : user,
  endUser: endUser === '' ? undefined : endUser,
  tags: tags === undefined || tags.length === 0 ? undefined : tags,
  alias,
  provider,
  startedAt,
});
