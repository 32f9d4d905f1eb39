import type { CallRow } from './call-row.ts';

/**
 * Whether the tokens that a gateway reports fit the bytes that the vault counted. What a token weighs differs by model, endpoint and
 * streaming, so that each such way is compared with itself.
 *
 * The bound is Tukey's far fence, Q3 + 3 × (Q3 − Q1), and no closer than 5 % above the middle: a quarter of the calls may lie without
 * moving it, and calls beyond it teach nothing. How small a lie is seen therefore follows from how alike honest calls are: 10 % where
 * they are alike, more where they are not.
 */

/** Calls remembered of one way. */
const REMEMBERED = 256;
/** Calls before the first judgement; they are judged then too. Also how many calls pass until the fence is drawn again. */
const LEARNT = 64;
const CLOSEST = 1.05;
const SPREAD = 3;
/** So many calls beyond the fence, and fewer within it, mean that the provider answers otherwise now. */
const RELEARN = 512;
/** Ways that are compared at the same time. */
const MAX_WAYS = 2_000;

interface Judged {
  readonly requestId: string;
  readonly attempt: number;
  /** Bytes a token. */
  readonly weight: number;
}

const NONE: readonly Judged[] = [];

class Fence {
  readonly #weights = new Float64Array(REMEMBERED);
  #learnt = 0;
  #limit: number | undefined;
  #unjudged: Judged[] = [];
  #within = 0;
  #beyond = 0;

  /** The calls that are found implausible now. */
  judge(requestId: string, attempt: number, weight: number): readonly Judged[] {
    if (this.#limit === undefined) {
      this.#learn(weight);
      this.#unjudged.push({ requestId, attempt, weight });
      if (this.#unjudged.length < LEARNT) return [];
      this.#limit = this.#draw();
      const limit = this.#limit;
      const judged = this.#unjudged;
      this.#unjudged = [];
      return judged.filter((call) => call.weight > limit);
    }
    if (weight > this.#limit) {
      this.#beyond++;
      if (this.#beyond >= RELEARN && this.#beyond > this.#within) this.#forget();
      return [{ requestId, attempt, weight }];
    }
    this.#learn(weight);
    if (++this.#within % LEARNT === 0) {
      this.#limit = this.#draw();
      if (this.#within >= RELEARN) this.#within = this.#beyond = 0;
    }
    return NONE;
  }

  #learn(weight: number): void {
    this.#weights[this.#learnt++ % REMEMBERED] = weight;
  }

  #draw(): number {
    const sorted = this.#weights.slice(0, this.#learnt).sort();
    const at = (share: number): number => sorted[Math.floor(share * (sorted.length - 1))] ?? 0;
    return Math.max(at(0.75) + SPREAD * (at(0.75) - at(0.25)), CLOSEST * at(0.5));
  }

  #forget(): void {
    this.#learnt = this.#within = this.#beyond = 0;
    this.#limit = undefined;
  }
}

export interface Implausible {
  readonly requestId: string;
  readonly attempt: number;
  readonly kind: 'input_tokens' | 'output_tokens';
}

/** Fewer tokens weigh too differently: most of their bytes are JSON. */
const LEAST_INPUT = 64;
const LEAST_OUTPUT = 16;
/** A large request of few tokens carries pictures or files. */
const FILE_BYTES = 16_384;
const FILE_WEIGHT = 32;

export class Plausibility {
  readonly #ways = new Map<string, { readonly input: Fence; readonly output: Fence }>();

  /** `row`: a confirmed call whose two reports are complete, and whose tokens the provider told. */
  judge(row: CallRow): readonly Implausible[] {
    const { usage, requestId, attempt } = row;
    const [sent, received] = [row.journalBytesOut ?? 0, row.journalBytesIn ?? 0];
    const way = this.#wayOf(row);
    const found: Implausible[] = [];
    const written = usage.output - usage.reasoning;
    if (usage.outputAudio === 0 && written >= LEAST_OUTPUT) {
      for (const call of way.output.judge(requestId, attempt, received / written)) found.push({ ...call, kind: 'output_tokens' });
    }
    const weight = sent / usage.input;
    const files = weight > FILE_WEIGHT && sent > FILE_BYTES;
    if (usage.inputAudio === 0 && usage.input >= LEAST_INPUT && !files) {
      for (const call of way.input.judge(requestId, attempt, weight)) found.push({ ...call, kind: 'input_tokens' });
    }
    return found;
  }

  #wayOf({ provider, endpoint, stream, model }: CallRow): { readonly input: Fence; readonly output: Fence } {
    const name = `${provider} ${endpoint} ${stream ? 1 : 0} ${model}`;
    let way = this.#ways.get(name);
    if (way === undefined) {
      if (this.#ways.size >= MAX_WAYS) this.#ways.clear();
      this.#ways.set(name, (way = { input: new Fence(), output: new Fence() }));
    }
    return way;
  }
}
