/**
 * What the sandbox provider does, by model name. The documentation and `bulkhead model list` are made from this table.
 * `<n>` stands for a whole number.
 */
export const SANDBOX_MODELS = [
  { name: 'echo', does: 'Answers with the last message of the user. The default.' },
  { name: 'slow-<n>', does: 'Waits n milliseconds before the first byte, then answers like echo.' },
  { name: 'stream-<n>', does: 'Answers in n chunks of one word each, without delay between them.' },
  { name: 'pace-<n>', does: 'Answers with 32 words, one chunk every n milliseconds.' },
  { name: 'long', does: 'Answers with 4,000 words.' },
  {
    name: 'tools',
    does: 'Calls the first tool of the request with arguments that fit its schema’s required fields; without tools like echo.',
  },
  { name: 'refuse', does: 'Answers with a refusal and the finish reason content_filter.' },
  { name: 'error-<n>', does: 'Answers with the HTTP status n (400–599) and an error body.' },
  { name: 'rate-limit', does: 'Answers 429 with retry-after: 2 and rate-limit headers.' },
  { name: 'cut', does: 'Breaks the connection in the middle of the answer.' },
] as const;

/** What a model name asks for. */
export type Behaviour =
  | Answering
  | { readonly kind: 'tools' }
  | { readonly kind: 'refuse' }
  | { readonly kind: 'error'; readonly status: number }
  | { readonly kind: 'rate-limit' }
  | { readonly kind: 'cut' };

interface Answering {
  readonly kind: 'answer';
  readonly waitMs: number;
  readonly words: number | 'echo';
  readonly paceMs: number;
}

export const ECHO: Answering = { kind: 'answer', waitMs: 0, words: 'echo', paceMs: 0 };
const MAX_WAIT_MS = 600_000;
const MAX_WORDS = 100_000;

/** A name that is not in the table answers like `echo`. */
export function behaviourOf(model: string): Behaviour {
  const [, family = model, digits = ''] = /^(slow|stream|pace|error)-(\d{1,6})$/.exec(model) ?? [];
  const n = Number(digits);
  switch (family) {
    case 'slow':
      return { ...ECHO, waitMs: Math.min(n, MAX_WAIT_MS) };
    case 'stream':
      return { ...ECHO, words: Math.min(n, MAX_WORDS) };
    case 'pace':
      return { ...ECHO, words: 32, paceMs: Math.min(n, MAX_WAIT_MS) };
    case 'long':
      return { ...ECHO, words: 4000 };
    case 'error':
      return n >= 400 && n <= 599 ? { kind: 'error', status: n } : ECHO;
    case 'tools':
    case 'refuse':
    case 'rate-limit':
    case 'cut':
      return { kind: family };
    default:
      return ECHO;
  }
}
