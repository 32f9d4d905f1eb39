import type { EgressCall } from '../ipc/messages/vault.ts';
import { headersForUpstream } from '../http/respond.ts';
import type { AttemptRecord, RoutedTarget } from './exchange.ts';
import type { Provider } from './policy-store.ts';
import { proofJson } from './proof.ts';
import { NATIVE } from '../wire/native.ts';
import { providerFraming } from './framing.ts';
import type { Decoded, RequestBody, SentRequest } from './steps.ts';

type Header = readonly [string, string];

const REQUEST_ID = 'x-client-request-id';

/**
 * The call to the vault, an EgressCall as JSON. Encoding all of it is dear, and nearly all of it is the same for every request
 * of a key to a target: the signed row is encoded once per key, the rest once per policy.
 */
export function egressCall(decoded: Decoded, target: RoutedTarget, { attempt }: AttemptRecord, sent: SentRequest): string {
  const { exchange, principal, presented } = decoded;
  const passed = clientHeaders(decoded, target, sent);
  // A form's boundary is each request's own.
  const head =
    passed.length === 0 && decoded.body.form === undefined ? knownHead(decoded, target, sent) : encodeHead(decoded, target, sent, passed);
  return (
    `${head},["${REQUEST_ID}","${exchange.id}"]],"requestId":"${exchange.id}","attempt":${attempt},` +
    `"proof":${proofJson(principal, presented)}}`
  );
}

const MAX_HEADS = 1_000;

/** Per provider of a policy, by what else a head depends on. A new policy has new providers. */
const heads = new WeakMap<Provider, Map<string, string>>();

function knownHead(decoded: Decoded, target: RoutedTarget, sent: SentRequest): string {
  const known = heads.get(target.provider) ?? new Map<string, string>();
  const place = `${decoded.exchange.endpoint.method} ${sent.path} ${decoded.body.stream} ${sent.contentType}`;
  let head = known.get(place);
  if (head === undefined) {
    // Some paths hold the name of a model, and a prefix alias takes any.
    if (known.size >= MAX_HEADS) known.clear();
    head = encodeHead(decoded, target, sent, []);
    known.set(place, head);
    heads.set(target.provider, known);
  }
  return head;
}

/** All but what is each request's own; ends within the list of headers. */
function encodeHead({ exchange, body }: Decoded, target: RoutedTarget, sent: SentRequest, passed: readonly Header[]): string {
  const { timeouts } = exchange.policy.snapshot;
  const head: Omit<EgressCall, 'requestId' | 'attempt' | 'proof'> = {
    op: 'egress',
    credential: target.provider.policy.credential,
    method: exchange.endpoint.method,
    path: sent.path,
    ...(sent.streamedBytes === undefined ? { body: 'bounded' } : { body: 'streamed', bodyLength: sent.streamedBytes }),
    timeouts: { connectMs: timeouts.connectMs, headMs: timeouts.upstreamHeadMs, idleMs: timeouts.upstreamIdleMs },
    headers: upstreamHeaders(target, sent.contentType, accepted(target, body), passed),
  };
  return JSON.stringify(head).slice(0, -']}'.length);
}

/** End-to-end headers for the provider. Later ones win: the kind's, the operator's, then those of the client that the kind understands. */
function upstreamHeaders(
  { provider: { kind, policy } }: RoutedTarget,
  contentType: string,
  accept: string,
  passed: readonly Header[],
): Header[] {
  const headers = new Map<string, string>([
    ...(contentType === '' ? [] : [['content-type', contentType] as const]),
    ['accept', accept],
    ['user-agent', 'bulkhead'],
  ]);
  for (const [name, value] of kind.headers) headers.set(name, value);
  for (const [name, value] of policy.headers) headers.set(name.toLowerCase(), value);
  for (const [name, value] of passed) headers.set(name, value);
  // Ours is the one by which provider and ledger can be compared.
  headers.delete(REQUEST_ID);
  return [...headers];
}

const accepted = ({ operation }: RoutedTarget, { stream }: RequestBody): string => {
  if (NATIVE[operation.protocol].passThrough.anyAnswer === true) return '*/*';
  return stream ? providerFraming(operation.framing).contentType : 'application/json';
};

/** A translated request is not what the client's headers were about. */
function clientHeaders({ exchange }: Decoded, { provider }: RoutedTarget, sent: SentRequest): readonly Header[] {
  const { clientHeaders: wanted } = provider.kind;
  if (sent.translated || wanted.length === 0) return [];
  return headersForUpstream(exchange.request).filter(([name]) => wanted.includes(name));
}
