import { parseExact } from '../core/exact-json.ts';
import { BulkheadError } from '../core/errors.ts';
import { isJsonObject, type JsonObject } from '../core/json.ts';
import { scanJson } from '../core/json-scan.ts';
import type { MemberRules, ProviderOperation } from '../providers/provider-kind.ts';
import type { CanonicalRequest } from '../canonical/request.ts';
import { callCodecs, codecFor } from '../wire/registry.ts';
import type { EncodeTarget } from '../wire/protocol.ts';
import type { Exchange, RoutedTarget } from './exchange.ts';
import { applyRules, fromHeaders, rejected, ruleEdits } from './member-rules.ts';
import { askForUsage, inOrder, replaceValue, splice } from './splice.ts';
import type { Decoded, RequestBody, SentRequest } from './steps.ts';
import { wantedMembers } from './wanted-members.ts';
import type { Understood } from './understood.ts';

/** Whose streams tell their usage only when asked. */
const ASKS_FOR_USAGE: ReadonlySet<string> = new Set(['openai-chat', 'openai-completions']);
/** How a string begins that carries another vendor's reasoning (`wire/opaque.ts`), plain and, where a protocol wants bytes, in base64. */
const FOREIGN = [Buffer.from('"bh1.'), Buffer.from('"YmgxL')];
/** Their bodies repeat the model's name inside. */
const NAME_INSIDE: ReadonlySet<string> = new Set(['gemini-embeddings', 'gemini-count-tokens']);
const MODEL = Buffer.from('"model"');
const NO_RULES: MemberRules = {};

/** What one target is sent: the client's own bytes with the splices they need, or a translation. */
export function prepare(decoded: Decoded, target: RoutedTarget): SentRequest {
  const { endpoint } = decoded.exchange;
  const sent = target.operation.protocol === endpoint.protocol ? passThrough(decoded, target) : translate(decoded, target);
  if (sent.dropped.length > 0 && isStrict(decoded.exchange)) {
    throw new BulkheadError('unsupported_parameter', {
      provider: target.provider.policy.id,
      fields: sent.dropped.join(', '),
      param: sent.dropped[0] ?? '',
    });
  }
  return sent;
}

/** The provider's path for this call, with what it wants to read there. */
function pathOf({ exchange, body }: Decoded, { provider, model, operation }: RoutedTarget): string {
  const { paths, streamPath, path: usual } = operation;
  const template = paths?.[exchange.endpoint.id] ?? (body.stream && streamPath !== undefined ? streamPath : usual);
  const { basePath, settings } = provider.policy;
  if (!template.includes('{')) return basePath + template;
  return (
    basePath +
    template.replace(/\{([a-z_]+)\}/g, (_, name: string) => segment(name === 'model' ? bareModel(model) : (settings[name] ?? '')))
  );
}

/** Google writes `models/` in front of its names; the path has it already. */
const bareModel = (model: string): string => (model.startsWith('models/') ? model.slice('models/'.length) : model);

/** RFC 3986 pchar stays: providers sign and compare paths with a plain colon or at-sign. */
const segment = (text: string): string => encodeURIComponent(text).replace(/%(?:3A|40)/g, decodeURIComponent);

/**
 * The client's own bytes, unless its own words would not do: reasoning of another vendor, which this provider would refuse (a conversation may have begun elsewhere),
 * or the model's name in places that no splice reaches. Then the request goes through its own protocol's codec, which puts that right.
 */
function ownBytes(decoded: Decoded, target: RoutedTarget): RequestBody {
  const { body, exchange } = decoded;
  const { protocol } = target.operation;
  const isForeign = FOREIGN.some((mark) => body.bytes.includes(mark)) && codecFor(protocol) !== undefined;
  const isNamed = NAME_INSIDE.has(protocol) && body.bytes.includes(MODEL);
  if (!isForeign && !isNamed) return body;
  const encoded = encodedFor(decoded, target);
  const bytes = Buffer.from(JSON.stringify(encoded.body));
  return { ...body, bytes, members: scanJson(bytes, exchange.policy.json, wantedMembers(protocol)).members };
}

function passThrough(decoded: Decoded, target: RoutedTarget): SentRequest {
  const { exchange } = decoded;
  const { provider, operation, model } = target;
  const body = ownBytes(decoded, target);
  const rules = operation.members ?? NO_RULES;
  const asked = body.members.get('model');
  const takesOptions = body.stream && provider.kind.streamUsage && ASKS_FOR_USAGE.has(exchange.endpoint.protocol);
  const usage =
    takesOptions && asked !== undefined ? askForUsage(asked, body.members.get('stream_options'), body.streamOptions) : undefined;
  const named = asked === undefined || rules.remove?.includes('model') === true ? undefined : replaceValue(asked, model);
  const edits =
    body.form === undefined && operation.members !== undefined
      ? ruleEdits(body.bytes, body.members, rules, moved(exchange, operation))
      : [];
  const form = body.form === undefined ? undefined : { start: body.form.model.start, end: body.form.model.end, text: model };
  const spliced = splice(body.bytes, inOrder([named, usage, form, ...edits]));
  return {
    path: pathOf(decoded, target),
    body: spliced,
    streamedBytes: body.upload === undefined ? undefined : body.upload.totalBytes + spliced.length - body.bytes.length,
    contentType: body.contentType,
    translated: false,
    hidesUsage: usage !== undefined,
    dropped: rejected(rules, (name) => body.members.has(name)),
  };
}

const moved = ({ request }: Exchange, { members }: ProviderOperation): readonly (readonly [string, string])[] =>
  members?.fromHeaders === undefined ? [] : fromHeaders(members, (name) => request.headers[name]?.toString());

/** Throws invalid_request for a body that cannot be understood. */
function translate(decoded: Decoded, target: RoutedTarget): SentRequest {
  const { operation } = target;
  const rules = operation.members ?? NO_RULES;
  const { body, dropped, understood } = encodedFor(decoded, target);
  const sent = applyRules(body, rules, moved(decoded.exchange, operation));
  return {
    path: pathOf(decoded, target),
    body: Buffer.from(JSON.stringify(sent)),
    contentType: 'application/json',
    translated: true,
    hidesUsage: false,
    dropped: [...dropped, ...rejected(rules, (name) => body[name] !== undefined)],
    understood,
  };
}

interface EncodedBody {
  readonly body: JsonObject;
  readonly dropped: readonly string[];
  readonly understood: Understood;
}

/** For what the model behind the target's name can take, by that name. */
function encodedFor(decoded: Decoded, target: RoutedTarget): EncodedBody {
  const { model, baseModel, operation, provider } = target;
  const { defaultMaxTokens } = provider.kind;
  if (model === baseModel || NAME_INSIDE.has(operation.protocol)) return encodedAs(decoded, operation, { model, defaultMaxTokens });
  const encoded = encodedAs(decoded, operation, { model: baseModel, defaultMaxTokens });
  return encoded.body['model'] === baseModel ? { ...encoded, body: { ...encoded.body, model } } : encoded;
}

function encodedAs({ body, exchange, alias, resumedFrom }: Decoded, { protocol }: ProviderOperation, target: EncodeTarget): EncodedBody {
  const client = exchange.endpoint.protocol;
  const parsed = objectOf(body);
  const [from, to] = [codecFor(client), codecFor(protocol)];
  if (from !== undefined && to !== undefined) {
    const request = resumed(value(from.decodeRequest(parsed)), resumedFrom);
    // Where the path names the model and asks for a stream, the body says neither.
    const whole: CanonicalRequest = exchange.pathModel === undefined ? request : { ...request, model: alias, stream: body.stream };
    return { ...to.encodeRequest(whole, target), understood: { kind: 'conversation', request: whole } };
  }
  const codecs = callCodecs(client, protocol);
  if (codecs === undefined) throw new BulkheadError('internal', {}, { cause: new Error(`no codec for ${protocol}`) });
  const call = value(codecs.from.decodeRequest(parsed));
  return { ...codecs.to.encodeRequest(call, target), understood: { kind: 'call', request: call } };
}

function objectOf({ bytes }: RequestBody): JsonObject {
  const parsed: unknown = parseExact(bytes.toString('utf8'));
  if (!isJsonObject(parsed)) throw new BulkheadError('invalid_request', { reason: 'The body must be one JSON object.' });
  return parsed;
}

/** The answer repeats the id that the conversation was taken up by; no provider is told. */
function resumed(request: CanonicalRequest, id: string | undefined): CanonicalRequest {
  if (id === undefined) return request;
  const own = request.extensions?.[request.source];
  const members = { ...own?.members, previous_response_id: id };
  return { ...request, extensions: { ...request.extensions, [request.source]: { members, lost: own?.lost ?? [] } } };
}

function value<T>(
  result: { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: { field: string; reason: string } },
): T {
  if (result.ok) return result.value;
  const { field, reason } = result.error;
  throw new BulkheadError('invalid_request', { reason: `${field}: ${reason}`, param: field });
}

const isStrict = ({ request }: Exchange): boolean => request.headers['x-bulkhead-strict'] === 'true';
