import type { JsonObject } from '../core/json.ts';
import type { UsesCall } from '../ipc/messages/auditor.ts';

/** Vault processes that are remembered; the oldest is forgotten first. */
const MAX_GENERATIONS = 4096;

/** Summaries that a vault process numbered and that never arrived. */
export interface Gap {
  readonly shard: number;
  readonly generation: string;
  /** First and last missing number. */
  readonly from: number;
  readonly to: number;
}

/** Watches the numbers of the use summaries of every vault process. Numbers of a process start at 1. */
export class UseSequences {
  readonly #next = new Map<string, number>();

  /** Undefined: in order. `repeated`: it is in the log already. */
  see({ shard, generation, sequence }: Pick<UsesCall, 'shard' | 'generation' | 'sequence'>): Gap | 'repeated' | undefined {
    const next = this.#next.get(`${shard}/${generation}`) ?? 1;
    if (sequence < next) return 'repeated';
    return sequence === next ? undefined : { shard, generation, from: next, to: sequence - 1 };
  }

  /** Learns from a record of an earlier run of the auditor. */
  recall(body: JsonObject): void {
    const uses = body['kind'] === 'uses' ? readUses(body) : undefined;
    if (uses !== undefined) this.taken(uses);
  }

  /** Called once the summary is in the log. */
  taken({ shard, generation, sequence }: Pick<UsesCall, 'shard' | 'generation' | 'sequence'>): void {
    const name = `${shard}/${generation}`;
    this.#next.delete(name);
    this.#next.set(name, sequence + 1);
    const oldest = this.#next.keys().next().value;
    if (this.#next.size > MAX_GENERATIONS && oldest !== undefined) this.#next.delete(oldest);
  }
}

/** A use summary as the vault sent it, or undefined where it is not one: the sender is another process. */
export function readUses(head: JsonObject): UsesCall | undefined {
  const { shard, generation, sequence, from, to, uses } = head;
  const whole = [shard, sequence, from, to].every((value) => Number.isSafeInteger(value) && (value as number) >= 0);
  if (!whole || typeof generation !== 'string' || generation.length > 64 || !Array.isArray(uses)) return undefined;
  return uses.every(isUse) ? (head as unknown as UsesCall) : undefined;
}

function isUse(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const use = value as Record<string, unknown>;
  const names = [use['credential'], use['organization']].every((name) => typeof name === 'string' && name.length <= 128);
  return names && [use['count'], use['refused'], use['echoes']].every((count) => Number.isSafeInteger(count) && (count as number) >= 0);
}
