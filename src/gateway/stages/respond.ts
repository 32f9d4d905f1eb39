import { writeHead } from '../../http/respond.ts';
import { ResponseWriter } from '../../http/response-writer.ts';
import type { StreamedAnswer, WholeAnswer } from '../answer.ts';
import type { Deps } from '../deps.ts';
import { limitHeaders } from '../limit-headers.ts';
import type { Exchange } from '../exchange.ts';
import type { Cleared } from '../steps.ts';

type HeaderList = readonly (readonly [string, string])[];

/** Sends the answer. A promise: of a stream, which resolves when nothing more will be written. */
export function respond({ exchange, answer }: Cleared, { metrics }: Pick<Deps, 'metrics'>): Promise<void> | void {
  return answer.kind === 'whole' ? sendWhole(exchange, answer) : countStream(sendStream(exchange, answer), metrics);
}

async function countStream(stream: Promise<void>, { activeStreams }: Deps['metrics']): Promise<void> {
  activeStreams.add(1);
  try {
    await stream;
  } finally {
    activeStreams.add(-1);
  }
}

function sendWhole(exchange: Exchange, { status, headers, body }: WholeAnswer): void {
  const { response } = exchange;
  if (exchange.gone || response.headersSent) return;
  exchange.markFirstByte();
  writeHead(response, status, [...ownHeaders(exchange), ...headers, ['content-length', String(body.length)]]);
  // Head and a string of single bytes leave in one write; with a buffer Node needs a vectored one, which costs more.
  response.end(body.toString('latin1'), 'latin1');
}

function sendStream(exchange: Exchange, { status, headers, relay, resume }: StreamedAnswer): Promise<void> {
  const { response } = exchange;
  // Those who watch for a client that left are told by the exchange itself.
  const writer = new ResponseWriter(response, { drain: resume, gone: () => undefined });
  // What came with the head leaves in the same packet.
  response.cork();
  process.nextTick(() => response.uncork());
  writer.head(status, [...ownHeaders(exchange), ['x-accel-buffering', 'no'], ...headers]);
  return relay(writer);
}

function ownHeaders(exchange: Exchange): HeaderList {
  const headers: (readonly [string, string])[] = [
    ['x-bulkhead-request-id', exchange.id],
    ['x-bulkhead-overhead-ms', exchange.overheadMs.toFixed(3)],
    ['cache-control', 'no-store'],
    ['x-content-type-options', 'nosniff'],
  ];
  const { limits, endpoint, startedAt } = exchange;
  if (limits !== undefined) headers.push(...limitHeaders(limits, endpoint.protocol, startedAt));
  return headers;
}
