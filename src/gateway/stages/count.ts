import type { JsonObject } from '../../core/json.ts';
import type { WireProtocolId } from '../../wire/protocol.ts';
import { estimateInputTokens } from '../estimate.ts';
import { pass, type Hit, type Missed } from '../steps.ts';
import { eligibleFor } from '../eligible.ts';

const ANSWERS: Readonly<Partial<Record<WireProtocolId, (tokens: number) => JsonObject>>> = {
  'anthropic-count-tokens': (tokens) => ({ input_tokens: tokens }),
  'gemini-count-tokens': (tokens) => ({ totalTokens: tokens }),
};

/**
 * Agents ask how large a prompt is before they send it. Where no provider of the model counts tokens, ours is the answer, in one pass over the bytes and
 * marked as an estimate. Undefined: a provider can be asked.
 */
export function countHere(missed: Missed): Hit | undefined {
  const { exchange, body, alias } = missed.decoded;
  const answer = exchange.endpoint.operation === 'count-tokens' ? ANSWERS[exchange.endpoint.protocol] : undefined;
  if (answer === undefined || eligibleFor(missed.decoded).targets.length > 0) return undefined;
  exchange.answeredHere = true;
  return pass<Hit>({
    exchange,
    answer: {
      kind: 'whole',
      status: 200,
      headers: [
        ['content-type', 'application/json'],
        ['x-bulkhead-model', alias.slice(0, 128).replace(/[^\x20-\x7e]/g, '?')],
        ['x-bulkhead-estimated', 'true'],
      ],
      body: Buffer.from(JSON.stringify(answer(estimateInputTokens(body.bytes)))),
    },
  });
}
