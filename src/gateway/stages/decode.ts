import { BulkheadError } from '../../core/errors.ts';
import { isJsonObject, type Json } from '../../core/json.ts';
import { JsonScanner, scanJson } from '../../core/json-scan.ts';
import { readBody } from '../../http/body.ts';
import { mayUse } from '../../routing/model-table.ts';
import type { WireProtocolId } from '../../wire/protocol.ts';
import { NATIVE } from '../../wire/native.ts';
import type { Exchange } from '../exchange.ts';
import { pass, type Authenticated, type Decoded, type RequestBody } from '../steps.ts';

/** From here on a body is scanned while it arrives, so that no single turn of the event loop has all of it. */
const SCAN_AS_IT_COMES = 128 * 1024;
/** Names of models in a refusal: enough to see the mistake. */
const CHOICES = 50;

const WANTED: ReadonlyMap<WireProtocolId, ReadonlySet<string>> = new Map(
  (Object.keys(NATIVE) as WireProtocolId[]).map((protocol) => [protocol, new Set(NATIVE[protocol].passThrough.requestMembers)]),
);

/** The body within its bounds, as strict JSON, for a model that exists and that the key may use. */
export async function decode({ exchange, principal, presented }: Authenticated): Promise<Decoded> {
  const { head, policy, endpoint } = exchange;
  const wanted = WANTED.get(endpoint.protocol) as ReadonlySet<string>;
  const isSmall = head.contentLength !== undefined && head.contentLength <= SCAN_AS_IT_COMES && head.contentEncoding === '';
  const early = isSmall ? undefined : new JsonScanner(policy.json, wanted);
  const bytes = await exchange.waitFor(readBytes(exchange, early));
  const body = requestBody(bytes, early ?? scanJson(bytes, policy.json, wanted));
  const { models } = exchange.policy;
  const alias = requiredString(body, 'model');
  const resolved = models.resolve(alias);
  exchange.facts = { key: principal.key.id, alias: alias.slice(0, 128), stream: body.stream };
  const choices = (): string => models.choices(principal.key.models).slice(0, CHOICES).join(', ') || '(none)';
  const shown = alias.slice(0, 128);
  if (resolved === undefined) throw new BulkheadError('unknown_model', { model: shown, models: choices() });
  if (!mayUse(principal.key.models, alias, resolved.rule))
    throw new BulkheadError('model_not_allowed', { model: shown, models: choices() });
  return pass<Decoded>({ exchange, principal, presented, body, alias, resolved });
}

function readBytes({ request, response, head, policy }: Exchange, scanner: JsonScanner | undefined): Promise<Buffer> {
  const { limits, timeouts } = policy.snapshot;
  return readBody(request, head, {
    limitBytes: limits.bodyBytes,
    timeoutMs: timeouts.requestMs,
    sendContinue: () => response.writeContinue(),
    ...(scanner === undefined ? {} : { scanner }),
  });
}

function requestBody(bytes: Buffer, { members, rootKind }: JsonScanner): RequestBody {
  if (rootKind !== 'object') throw new BulkheadError('invalid_request', { reason: 'The body must be one JSON object.' });
  const value = (name: string): Json | undefined => {
    const member = members.get(name);
    return member === undefined ? undefined : (JSON.parse(bytes.toString('utf8', member.start, member.end)) as Json);
  };
  const streamOptions = value('stream_options');
  return {
    bytes,
    members,
    stream: flag(value('stream'), 'stream'),
    streamOptions: isJsonObject(streamOptions) ? streamOptions : undefined,
    maxOutputTokens: outputBound(value),
  };
}

function requiredString({ bytes, members }: RequestBody, name: string): string {
  const member = members.get(name);
  const value: unknown = member === undefined ? undefined : JSON.parse(bytes.toString('utf8', member.start, member.end));
  if (typeof value !== 'string' || value === '') {
    throw new BulkheadError('invalid_request', { reason: `The field ${name} must be a string that is not empty.`, param: name });
  }
  return value;
}

function flag(value: Json | undefined, name: string): boolean {
  if (value === undefined || value === null) return false;
  if (typeof value !== 'boolean')
    throw new BulkheadError('invalid_request', { reason: `The field ${name} must be true or false.`, param: name });
  return value;
}

/** What is not a sensible number is left for the provider to refuse. */
function outputBound(value: (name: string) => Json | undefined): number | undefined {
  const most = value('max_completion_tokens') ?? value('max_tokens');
  if (typeof most !== 'number' || !(most >= 0) || most > Number.MAX_SAFE_INTEGER) return undefined;
  const copies = value('n');
  return Math.ceil(most) * (typeof copies === 'number' && copies >= 1 && copies <= 1024 ? Math.ceil(copies) : 1);
}
