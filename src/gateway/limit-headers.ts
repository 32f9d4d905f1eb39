import type { BulkheadError } from '../core/errors.ts';
import type { LimitState, Measure } from '../core/rules.ts';
import type { WireProtocolId } from '../wire/protocol.ts';

type HeaderList = readonly (readonly [string, string])[];

/** How the headers call a measure. Both vendors name these; slots that are taken have no header of theirs. */
const NAMES: ReadonlyMap<Measure, string> = new Map<Measure, string>([
  ['requests', 'requests'],
  ['tokens', 'tokens'],
  ['input_tokens', 'input-tokens'],
  ['output_tokens', 'output-tokens'],
]);

const MS_PER_SECOND = 1000;
/** A slot is free as soon as some request ends, which nobody knows. */
const SLOT_SECONDS = 1;

/**
 * What is left of the tightest limits, in the words of the client's own vendor: `anthropic-ratelimit-tokens-remaining` for Anthropic's protocols
 * (docs.anthropic.com/en/api/rate-limits), `x-ratelimit-remaining-tokens` for all others (platform.openai.com/docs/guides/rate-limits).
 * `now`: Unix milliseconds.
 */
export function limitHeaders(states: readonly LimitState[], protocol: WireProtocolId, now: number): HeaderList {
  const say = protocol.startsWith('anthropic-') ? anthropic : openai;
  return states.flatMap((state) => {
    const name = NAMES.get(state.measure);
    return name === undefined ? [] : say(name, state, now);
  });
}

const openai = (name: string, { limit, remaining, resetMs }: LimitState): HeaderList => [
  [`x-ratelimit-limit-${name}`, String(limit)],
  [`x-ratelimit-remaining-${name}`, String(remaining)],
  [`x-ratelimit-reset-${name}`, durationText(resetMs)],
];

const anthropic = (name: string, { limit, remaining, resetMs }: LimitState, now: number): HeaderList => [
  [`anthropic-ratelimit-${name}-limit`, String(limit)],
  [`anthropic-ratelimit-${name}-remaining`, String(remaining)],
  // To the second and never early: RFC 3339, as Anthropic writes it.
  [
    `anthropic-ratelimit-${name}-reset`,
    `${new Date(Math.ceil((now + resetMs) / MS_PER_SECOND) * MS_PER_SECOND).toISOString().slice(0, 19)}Z`,
  ],
];

/** As OpenAI writes it: `120ms`, `1s`, `1.5s`, `6m0s`, `1h0m0s`. */
export function durationText(ms: number): string {
  const whole = Math.max(0, Math.ceil(ms));
  if (whole < MS_PER_SECOND) return `${whole}ms`;
  const seconds = (whole % 60_000) / MS_PER_SECOND;
  const minutes = Math.floor(whole / 60_000) % 60;
  const hours = Math.floor(whole / 3_600_000);
  if (hours > 0) return `${hours}h${minutes}m${seconds}s`;
  return minutes > 0 ? `${minutes}m${seconds}s` : `${seconds}s`;
}

/** When a client may come again. Only what passes by itself says so: clients that read this try again. */
export function retryHeaders({ code, values }: BulkheadError): HeaderList {
  const told = code === 'rate_limited' ? values['seconds'] : code === 'too_many_parallel_requests' ? SLOT_SECONDS : undefined;
  if (typeof told !== 'number') return [];
  const seconds = Math.max(1, Math.ceil(told));
  return [
    ['retry-after', String(seconds)],
    ['retry-after-ms', String(seconds * MS_PER_SECOND)],
  ];
}

/** The limit that refused, as the only one that a refusal knows. */
export function refusedBy({ code, values }: BulkheadError): readonly LimitState[] {
  if (code !== 'rate_limited') return [];
  const { measure, limit, seconds } = values;
  if (typeof limit !== 'number' || typeof seconds !== 'number') return [];
  // The sentence says `input tokens for openai/*`.
  const known = [...NAMES.keys()].find((name) => `${String(measure)} `.startsWith(`${name.replace('_', ' ')} `));
  return known === undefined ? [] : [{ measure: known, limit, remaining: 0, resetMs: seconds * MS_PER_SECOND }];
}
