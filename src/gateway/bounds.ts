import { eligibleFor } from './eligible.ts';
import { estimateInputTokens } from './estimate.ts';
import { heardTokens, spokenTokens } from './media-bounds.ts';
import { bodyBytes } from './read-form.ts';
import type { Decoded } from './steps.ts';

/** The ledger takes no larger bound. */
const LEDGER_BOUND = 1_000_000_000;

/**
 * How much of the estimate is reserved. Tokenizers differ: of the recorded requests of an agent's size (1.5 kB and more, without a provider's own tools
 * and files) half have more tokens than the estimate, a quarter more than this. What a provider adds by itself, such as the pages of a web search, is in
 * no request; settling takes it from the limits and budgets afterwards. A wider factor would refuse prompts that fit.
 */
const SAFETY = 1.5;

/** Of a picture. */
const FILE_BYTES_PER_TOKEN = 400;
const TEXT_BYTES_PER_TOKEN = 2;

/** A token is at least one byte, so that the bytes bound it. */
export function maxInputTokens({ body, exchange }: Decoded): number {
  if (body.form === undefined) return Math.min(body.bytes.length, Math.ceil(estimateInputTokens(body.bytes) * SAFETY));
  const fileTokens = heardTokens(exchange.endpoint.operation, body) ?? Math.ceil(bodyBytes(body) / FILE_BYTES_PER_TOKEN);
  return Math.ceil(body.form.textBytes / TEXT_BYTES_PER_TOKEN) + fileTokens;
}

/** For every copy that the client asks for, what it allows an answer, else what the model's may have at most. */
export function maxOutputTokens(decoded: Decoded): number {
  const { body } = decoded;
  return Math.min((body.maxOutputTokens ?? mostOutputTokens(decoded)) * body.copies, LEDGER_BOUND);
}

function mostOutputTokens(decoded: Decoded): number {
  const { operation } = decoded.exchange.endpoint;
  const { outputBound } = eligibleFor(decoded);
  const asked = heardTokens(operation, decoded.body) ?? spokenTokens(operation, decoded.body);
  return asked === undefined ? outputBound : Math.min(asked, outputBound);
}

/** What a token limit holds for an answer that the client set no bound for: most are shorter, and the bound of a model would fill most limits by itself. */
const LIKELY_OUTPUT_TOKENS = 4_096;

/** Undefined: the client set the bound, or the bound is less. */
export function likelyOutputTokens(decoded: Decoded): number | undefined {
  const { body } = decoded;
  const isOpen = body.maxOutputTokens === undefined && eligibleFor(decoded).outputBound > LIKELY_OUTPUT_TOKENS;
  return isOpen ? LIKELY_OUTPUT_TOKENS * body.copies : undefined;
}
