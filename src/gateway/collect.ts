import { BulkheadError } from '../core/errors.ts';
import { outcomeOf } from './failure.ts';
import type { Upstream } from './steps.ts';

/**
 * The body as far as `maxBytes`. Not whole: the call is paused behind what is given here. Throws what broke the body off
 * (upstream_reset, upstream_timeout, client_gone …): nothing has been sent to the client yet.
 */
export function collect({ decoded, record, call }: Upstream, maxBytes: number): Promise<{ body: Buffer; isWhole: boolean }> {
  const { exchange } = decoded;
  const chunks: Buffer[] = [];
  let bytes = 0;
  /** What happens after the body was given is for those who have it. */
  let given = false;
  const body = (): Buffer => (chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, bytes));
  const collected = new Promise<{ body: Buffer; isWhole: boolean }>((resolve, reject) => {
    const failed = (error: BulkheadError): void => {
      if (given) return;
      record.outcome = outcomeOf(error);
      reject(
        new BulkheadError(
          error.code === 'internal' ? 'upstream_reset' : error.code,
          { provider: record.target.provider.policy.id, ...error.values },
          { cause: error },
        ),
      );
    };
    exchange.onGone(() => failed(new BulkheadError('client_gone')));
    call.consume({
      data: (chunk) => {
        chunks.push(chunk);
        bytes += chunk.length;
        call.consumed(chunk.length);
        if (bytes <= maxBytes) return;
        call.pause();
        given = true;
        resolve({ body: body(), isWhole: false });
      },
      end: (trailers) => {
        given = true;
        record.bytesIn = trailers.bytesIn ?? bytes;
        resolve({ body: body(), isWhole: true });
      },
      failed,
    });
  });
  return exchange.waitFor(collected);
}
