import { BulkheadError } from '../../core/errors.ts';
import type { JsonObject } from '../../core/json.ts';
import { NO_USAGE, type TokenUsage } from '../../core/usage.ts';
import { callCodecs, codecFor } from '../../wire/registry.ts';
import { NATIVE } from '../../wire/native.ts';
import type { EgressHead } from '../../ipc/messages/vault.ts';
import type { AnswerContext, Codec, WireError, WireProtocolId } from '../../wire/protocol.ts';
import type { Answer } from '../answer.ts';
import { answerHeaders } from '../answer-headers.ts';
import { MemberCapture, parseObject } from '../capture.ts';
import { collect } from '../collect.ts';
import type { Deps } from '../deps.ts';
import { providerFraming } from '../framing.ts';
import { keeperOf, type Keeper } from '../keep-response.ts';
import { estimateOutputTokens } from '../estimate.ts';
import { PassBytes, PassStream } from '../pass-stream.ts';
import { relayed } from '../relay.ts';
import { pass, type Translated, type Upstream } from '../steps.ts';
import { TranslatedStream } from '../translated-stream.ts';

/** An answer up to this size is held and leaves in one write with its length. */
const HELD_BYTES = 64 * 1024;
/** Up to here building all of an answer costs less than looking for a few members of it. */
const PARSED_BYTES = 4 * 1024;
/** Blanks around an answer, at most. */
const EDGE_BYTES = 256;
/** No provider says why it failed at greater length. */
const ERROR_BYTES = 1024 * 1024;
/** A whole answer that must be translated has to be in hand. */
const TRANSLATED_BYTES = 64 * 1024 * 1024;

type KeepDeps = Pick<Deps, 'responses' | 'log'>;

const JSON_TYPE = 'application/json';

/** The provider's answer in the client's protocol. Throws upstream_invalid for one that is neither JSON nor the stream that was asked for. */
export async function translateBack(upstream: Upstream, deps: KeepDeps): Promise<Translated> {
  const { exchange } = upstream.decoded;
  return pass<Translated>({ exchange, answer: await translated(upstream, deps) });
}

function translated(upstream: Upstream, deps: KeepDeps): Promise<Answer> | Answer {
  const { decoded, head, sent } = upstream;
  if (head.status >= 400) return errorAnswer(upstream);
  const type = contentType(upstream);
  const isStream = type === providerFraming(upstream.record.target.operation.framing).contentType;
  const isJson = type === JSON_TYPE || type.endsWith('+json');
  if (head.status < 200 || head.status >= 300) throw invalid(upstream, `its status is ${head.status}`);
  const isAny = NATIVE[providerProtocol(upstream)].passThrough.anyAnswer === true;
  if (!isAny && (isStream !== decoded.body.stream || !(isStream || isJson)))
    throw invalid(upstream, `its content type is ${type === '' ? 'missing' : type.slice(0, 100)}`);
  const keeper = keeperOf(upstream, deps);
  if (isStream) return sent.translated ? translatedStream(upstream, keeper) : passedStream(upstream, keeper);
  if (!isJson) return passedBytes(upstream, []);
  return sent.translated ? translatedWhole(upstream, keeper) : passedWhole(upstream, keeper);
}

const contentType = ({ head }: Upstream): string =>
  (head.headers.find(([name]) => name === 'content-type')?.[1] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';

function invalid({ call, record }: Upstream, reason: string): BulkheadError {
  call.cancel();
  record.outcome = 'upstream_error';
  return new BulkheadError('upstream_invalid', { provider: record.target.provider.policy.id, reason });
}

const providerProtocol = ({ record }: Upstream): WireProtocolId => record.target.operation.protocol;

const clientProtocol = ({ decoded }: Upstream): WireProtocolId => decoded.exchange.endpoint.protocol;

/** Faithful where the client speaks the provider's protocol and the body is what it claims; mapped otherwise. */
async function errorAnswer(upstream: Upstream): Promise<Answer> {
  const { decoded, head, record, sent } = upstream;
  record.outcome = head.status >= 500 || head.status === 429 ? 'upstream_error' : 'client_error';
  const { body, isWhole } = await collect(upstream, ERROR_BYTES);
  if (!isWhole) upstream.call.cancel();
  const object = isWhole ? withErrorType(parseObject(body), head) : undefined;
  const { errors } = record.target.operation;
  if (object !== undefined && !sent.translated && errors === undefined)
    return { kind: 'whole', status: head.status, headers: answerHeaders(upstream, JSON_TYPE), body };
  const told = NATIVE[errors ?? providerProtocol(upstream)].errors.decodeError(head.status, object);
  const shown: WireError = object === undefined ? { ...told, code: 'upstream_error', message: unreadable(upstream) } : told;
  const encoded = NATIVE[clientProtocol(upstream)].errors.encodeError(shown, decoded.exchange.id);
  return { kind: 'whole', status: head.status, headers: answerHeaders(upstream, JSON_TYPE), body: Buffer.from(JSON.stringify(encoded)) };
}

/** AWS names the kind of an error in a header alone: `ThrottlingException:http://…`. */
function withErrorType(object: JsonObject | undefined, { headers }: EgressHead): JsonObject | undefined {
  const type = headers.find(([name]) => name === 'x-amzn-errortype')?.[1].split(':', 1)[0];
  return object === undefined || type === undefined ? object : { __type: type, ...object };
}

function unreadable({ record, head }: Upstream): string {
  const error = new BulkheadError('upstream_error', {
    provider: record.target.provider.policy.id,
    status: head.status,
    reason: 'its error is not JSON; it may come from a proxy in between.',
  });
  return `${error.message} ${error.remedy}`;
}

async function passedWhole(upstream: Upstream, keeper: Keeper | undefined): Promise<Answer> {
  const { head, record } = upstream;
  const native = NATIVE[clientProtocol(upstream)];
  const { body, isWhole } = await collect(upstream, HELD_BYTES);
  const headers = answerHeaders(upstream);
  await keeper?.passed(body);
  if (!isWhole) return passedBytes(upstream, [body]);
  if (!isObjectText(body)) throw invalid(upstream, 'its JSON is not a whole object');
  record.usage = native.passThrough.usageOfResponse(membersOf(body, native.passThrough.responseMembers)) ?? usageInHead(upstream);
  record.outputEstimate = estimateOutputTokens(body.length);
  record.outcome = 'ok';
  return { kind: 'whole', status: head.status, headers, body };
}

/** Of models on Bedrock whose answers do not say what they used. */
function usageInHead(upstream: Upstream): TokenUsage | undefined {
  const { inputTokensHeader: wanted } = NATIVE[providerProtocol(upstream)].passThrough;
  const told = wanted === undefined ? undefined : upstream.head.headers.find(([name]) => name === wanted)?.[1];
  return told !== undefined && /^\d{1,9}$/.test(told) ? { ...NO_USAGE, input: Number(told) } : undefined;
}

/** What is too large to hold, or no JSON: `early` was taken from the call already. */
function passedBytes(upstream: Upstream, early: readonly Buffer[]): Answer {
  const { decoded, head, record, call } = upstream;
  const length = head.headers.filter(([name]) => name === 'content-length');
  return relayed({
    exchange: decoded.exchange,
    record,
    call,
    transform: new PassBytes(NATIVE[clientProtocol(upstream)]),
    status: head.status,
    headers: [...answerHeaders(upstream), ...length],
    early,
  });
}

/** An object by its first and last character: enough to tell one that was cut off, at no cost for a long one. */
function isObjectText(body: Buffer): boolean {
  const text =
    body.length > 2 * EDGE_BYTES
      ? `${body.toString('latin1', 0, EDGE_BYTES)}${body.toString('latin1', body.length - EDGE_BYTES)}`
      : body.toString('latin1');
  const trimmed = text.trim();
  return trimmed.startsWith('{') && trimmed.endsWith('}');
}

function membersOf(body: Buffer, names: readonly string[]): JsonObject {
  if (body.length <= PARSED_BYTES) return parseObject(body, JSON.parse) ?? {};
  const capture = new MemberCapture(names);
  capture.push(body);
  return capture.members();
}

function passedStream(upstream: Upstream, keeper: Keeper | undefined): Answer {
  const { decoded, head, record, sent, call } = upstream;
  const { framing } = decoded.exchange;
  const transform = new PassStream({
    native: NATIVE[clientProtocol(upstream)],
    requestId: decoded.exchange.id,
    provider: record.target.provider.policy.id,
    hidesUsage: sent.hidesUsage,
    from: providerFraming(record.target.operation.framing),
    to: framing,
    ...(keeper === undefined ? {} : { onFirst: keeper.passedEvent }),
  });
  const type = transform.isUnchanged ? undefined : framing.contentType;
  return relayed({ exchange: decoded.exchange, record, call, transform, status: head.status, headers: answerHeaders(upstream, type) });
}

function codecs(upstream: Upstream): { from: Codec; to: Codec } {
  const [from, to] = [codecFor(providerProtocol(upstream)), codecFor(clientProtocol(upstream))];
  if (from === undefined || to === undefined) throw new BulkheadError('internal', {}, { cause: new Error('a routed target has codecs') });
  return { from, to };
}

const contextOf = ({ decoded, sent }: Upstream): AnswerContext => ({
  model: decoded.alias,
  requestId: decoded.exchange.id,
  created: Math.floor(decoded.exchange.startedAt / 1000),
  includeUsage: decoded.body.streamOptions?.['include_usage'] === true,
  ...(sent.understood?.kind === 'conversation' ? { request: sent.understood.request } : {}),
});

async function translatedWhole(upstream: Upstream, keeper: Keeper | undefined): Promise<Answer> {
  const { head, record } = upstream;
  const { body, isWhole } = await collect(upstream, TRANSLATED_BYTES);
  const object = isWhole ? parseObject(body) : undefined;
  if (object === undefined) throw invalid(upstream, isWhole ? 'it is not one JSON object' : 'it is too large to be translated');
  record.usage = NATIVE[providerProtocol(upstream)].passThrough.usageOfResponse(object) ?? usageInHead(upstream);
  record.outputEstimate = estimateOutputTokens(body.length);
  const encoded = encodedAnswer(upstream, object);
  await keeper?.translated(encoded);
  record.outcome = 'ok';
  return { kind: 'whole', status: head.status, headers: answerHeaders(upstream, JSON_TYPE), body: Buffer.from(JSON.stringify(encoded)) };
}

function encodedAnswer(upstream: Upstream, object: JsonObject): JsonObject {
  const { record, sent } = upstream;
  if (sent.understood?.kind === 'call') return encodedCall(upstream, object, sent.understood.request);
  const { from, to } = codecs(upstream);
  const response = from.decodeResponse(object);
  if (!response.ok) throw invalid(upstream, `${response.error.field}: ${response.error.reason}`);
  record.usage ??= response.value.usage;
  return to.encodeResponse(response.value, contextOf(upstream));
}

function encodedCall(upstream: Upstream, object: JsonObject, request: unknown): JsonObject {
  const pair = callCodecs(clientProtocol(upstream), providerProtocol(upstream));
  if (pair === undefined) throw new BulkheadError('internal', {}, { cause: new Error('a routed target has codecs') });
  const response = pair.to.decodeResponse(object, request);
  if (!response.ok) throw invalid(upstream, `${response.error.field}: ${response.error.reason}`);
  return pair.from.encodeResponse(response.value, request, contextOf(upstream));
}

function translatedStream(upstream: Upstream, keeper: Keeper | undefined): Answer {
  const { decoded, head, record, call } = upstream;
  const { framing } = decoded.exchange;
  const transform = new TranslatedStream({
    ...codecs(upstream),
    native: NATIVE[clientProtocol(upstream)],
    context: contextOf(upstream),
    provider: record.target.provider.policy.id,
    framing: providerFraming(record.target.operation.framing),
    written: framing,
    ...(keeper === undefined ? {} : { onLast: keeper.lastEvent }),
  });
  return relayed({
    exchange: decoded.exchange,
    record,
    call,
    transform,
    status: head.status,
    headers: answerHeaders(upstream, framing.contentType),
  });
}
