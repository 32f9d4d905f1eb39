import { BulkheadError } from '../core/errors.ts';
import { isJsonObject } from '../core/json.ts';
import type { Member } from '../core/json-scan.ts';
import type { ProviderOperation } from '../providers/provider-kind.ts';
import { codecFor } from '../wire/registry.ts';
import type { Exchange, RoutedTarget } from './exchange.ts';
import { askForUsage, inOrder, replaceValue, splice } from './splice.ts';
import type { Decoded, SentRequest } from './steps.ts';

/** What one target is sent: the client's own bytes with the splices they need, or a translation. */
export function prepare(decoded: Decoded, target: RoutedTarget): SentRequest {
  const { endpoint } = decoded.exchange;
  const operation = target.provider.kind.operations[endpoint.operation] as ProviderOperation;
  const path = target.provider.policy.basePath + operation.path;
  return operation.protocol === endpoint.protocol ? passThrough(decoded, target, path) : translate(decoded, target, operation, path);
}

function passThrough({ body, exchange }: Decoded, { provider, model }: RoutedTarget, path: string): SentRequest {
  const asked = body.members.get('model') as Member;
  const takesOptions = body.stream && provider.kind.streamUsage && exchange.endpoint.operation !== 'embeddings';
  const usage = takesOptions ? askForUsage(asked, body.members.get('stream_options'), body.streamOptions) : undefined;
  return {
    path,
    body: splice(body.bytes, inOrder([replaceValue(asked, model), usage])),
    translated: false,
    hidesUsage: usage !== undefined,
    dropped: [],
  };
}

/** Throws invalid_request for a body that cannot be understood, unsupported_parameter for losses the client does not accept. */
function translate(
  { body, exchange }: Decoded,
  { provider, model }: RoutedTarget,
  operation: ProviderOperation,
  path: string,
): SentRequest {
  const [from, to] = [codecFor(exchange.endpoint.protocol), codecFor(operation.protocol)];
  if (from === undefined || to === undefined)
    throw new BulkheadError('internal', {}, { cause: new Error(`no codec for ${operation.protocol}`) });
  const parsed: unknown = JSON.parse(body.bytes.toString('utf8'));
  if (!isJsonObject(parsed)) throw new BulkheadError('invalid_request', { reason: 'The body must be one JSON object.' });
  const decoded = from.decodeRequest(parsed);
  if (!decoded.ok) {
    const { field, reason } = decoded.error;
    throw new BulkheadError('invalid_request', { reason: `${field}: ${reason}`, param: field });
  }
  const encoded = to.encodeRequest(decoded.value, { model, defaultMaxTokens: provider.kind.defaultMaxTokens });
  if (encoded.dropped.length > 0 && isStrict(exchange)) {
    throw new BulkheadError('unsupported_parameter', {
      provider: provider.policy.id,
      fields: encoded.dropped.join(', '),
      param: encoded.dropped[0] ?? '',
    });
  }
  return { path, body: Buffer.from(JSON.stringify(encoded.body)), translated: true, hidesUsage: false, dropped: encoded.dropped };
}

const isStrict = ({ request }: Exchange): boolean => request.headers['x-bulkhead-strict'] === 'true';
