import { headersForClient } from '../http/respond.ts';
import type { Upstream } from './steps.ts';

type HeaderList = readonly (readonly [string, string])[];

/** A text as a header value: what is not plain ASCII is percent-encoded. */
const plain = (text: string): string => text.replace(/[^\x20-\x7e]/gu, (character) => encodeURIComponent(character)).slice(0, 512);

/** What the client is told about the way of its request; the rest is added when the answer leaves. */
export function answerHeaders({ decoded, record, sent, head }: Upstream, contentType?: string): HeaderList {
  const { policy } = record.target.provider;
  const upstream = headersForClient(head.headers);
  return [
    ...(contentType === undefined
      ? upstream
      : [...upstream.filter(([name]) => name !== 'content-type'), ['content-type', contentType] as const]),
    ['x-bulkhead-model', plain(record.target.model)],
    ['x-bulkhead-provider', policy.id],
    ['x-bulkhead-attempts', String(decoded.exchange.attempts.length)],
    ['x-bulkhead-cache', 'none'],
    ...(sent.dropped.length === 0 ? [] : [['x-bulkhead-dropped', plain(sent.dropped.join(', '))] as const]),
  ];
}
