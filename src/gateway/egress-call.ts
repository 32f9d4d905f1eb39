import type { EgressCall } from '../ipc/messages.ts';
import { headersForUpstream } from '../http/respond.ts';
import type { AttemptRecord, RoutedTarget } from './exchange.ts';
import type { Provider } from './policy-store.ts';
import type { Decoded, SentRequest } from './steps.ts';

type Header = readonly [string, string];

const REQUEST_ID = 'x-client-request-id';

/**
 * The call to the vault, an EgressCall as JSON. Encoding all of it is dear, and nearly all of it is the same for every request
 * of a key to a target: the signed row is encoded once per key, the rest once per policy.
 */
export function egressCall(decoded: Decoded, target: RoutedTarget, { attempt }: AttemptRecord, sent: SentRequest): string {
  const { exchange, principal, presented } = decoded;
  const passed = clientHeaders(decoded, target, sent);
  const head = passed.length === 0 ? knownHead(decoded, target, sent) : encodeHead(decoded, target, sent, passed);
  return (
    `${head},["${REQUEST_ID}","${exchange.id}"]],"requestId":"${exchange.id}","attempt":${attempt},` +
    `"proof":{"kind":"key","row":${principal.signedJson},"key":${JSON.stringify(presented)}}}`
  );
}

/** Per provider of a policy, by what else a head depends on. A new policy has new providers. */
const heads = new WeakMap<Provider, Map<string, string>>();

function knownHead(decoded: Decoded, target: RoutedTarget, sent: SentRequest): string {
  const known = heads.get(target.provider) ?? new Map<string, string>();
  const place = `${sent.path} ${decoded.body.stream}`;
  let head = known.get(place);
  if (head === undefined) {
    head = encodeHead(decoded, target, sent, []);
    known.set(place, head);
    heads.set(target.provider, known);
  }
  return head;
}

/** All but what is each request's own; ends within the list of headers. */
function encodeHead({ exchange, body }: Decoded, { provider }: RoutedTarget, sent: SentRequest, passed: readonly Header[]): string {
  const { timeouts } = exchange.policy.snapshot;
  const head: Omit<EgressCall, 'requestId' | 'attempt' | 'proof'> = {
    op: 'egress',
    credential: provider.policy.credential,
    method: 'POST',
    path: sent.path,
    body: 'bounded',
    timeouts: { connectMs: timeouts.connectMs, headMs: timeouts.upstreamHeadMs, idleMs: timeouts.upstreamIdleMs },
    headers: upstreamHeaders(provider, body.stream, passed),
  };
  return JSON.stringify(head).slice(0, -']}'.length);
}

/** End-to-end headers for the provider. Later ones win: the kind's, the operator's, then those of the client that the kind understands. */
function upstreamHeaders({ kind, policy }: Provider, isStream: boolean, passed: readonly Header[]): Header[] {
  const headers = new Map<string, string>([
    ['content-type', 'application/json'],
    ['accept', isStream ? 'text/event-stream' : 'application/json'],
    ['user-agent', 'bulkhead'],
  ]);
  for (const [name, value] of kind.headers) headers.set(name, value);
  for (const [name, value] of policy.headers) headers.set(name.toLowerCase(), value);
  for (const [name, value] of passed) headers.set(name, value);
  // Ours is the one by which provider and ledger can be compared.
  headers.delete(REQUEST_ID);
  return [...headers];
}

/** A translated request is not what the client's headers were about. */
function clientHeaders({ exchange }: Decoded, { provider }: RoutedTarget, sent: SentRequest): readonly Header[] {
  const { clientHeaders: wanted } = provider.kind;
  if (sent.translated || wanted.length === 0) return [];
  return headersForUpstream(exchange.request).filter(([name]) => wanted.includes(name));
}
