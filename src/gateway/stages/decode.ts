import { BulkheadError } from '../../core/errors.ts';
import { isJsonObject, type Json } from '../../core/json.ts';
import { JsonScanner, scanJson, type Member } from '../../core/json-scan.ts';
import { readBody } from '../../http/body.ts';
import { mayUse, type Resolved } from '../../routing/model-table.ts';
import type { Principal } from '../../access/principal.ts';
import type { ProviderId } from '../../core/ids.ts';
import { endUserIn, ownersInHead } from '../client-owners.ts';
import type { Deps } from '../deps.ts';
import { checkOpen, resolveRaw } from '../raw-call.ts';
import { readForm } from '../read-form.ts';
import { resume } from '../resume.ts';
import type { Exchange } from '../exchange.ts';
import { wantedMembers } from '../wanted-members.ts';
import { pass, type Authenticated, type Decoded, type RequestBody } from '../steps.ts';

/** From here on a body is scanned while it arrives, so that no single turn of the event loop has all of it. */
const SCAN_AS_IT_COMES = 128 * 1024;
/** Names of models in a refusal: enough to see the mistake. */
const CHOICES = 50;
/** No API makes more answers of one request. */
const MAX_COPIES = 1024;
const NO_MEMBERS: ReadonlyMap<string, Member> = new Map();

/** The body within its bounds, as strict JSON or a form, for a model that exists and that the key may use. */
export async function decode(caller: Authenticated, deps: Pick<Deps, 'responses'>): Promise<Decoded> {
  const { exchange, principal, presented } = caller;
  if (exchange.raw !== undefined) checkOpen(exchange, exchange.raw);
  const said = ownersInHead(exchange.request);
  const read = await readAs(exchange);
  const { body, pinned, resumedFrom } =
    exchange.endpoint.protocol === 'openai-responses' ? await resume(exchange, caller, read, deps) : { body: read };
  const { alias, resolved } =
    exchange.raw === undefined ? resolveModel(exchange, principal, body) : resolveRaw(exchange, exchange.raw, principal, rawModel(body));
  exchange.facts = { key: principal.key.id, alias: alias.slice(0, 128), stream: body.stream };
  return pass<Decoded>({
    exchange,
    principal,
    presented,
    body,
    alias,
    resolved,
    endUser: said.endUser ?? endUserIn(exchange.endpoint.protocol, read),
    tags: said.tags,
    ...(pinned === undefined ? {} : { pinned }),
    ...(resumedFrom === undefined ? {} : { resumedFrom }),
  });
}

function readAs(exchange: Exchange): Promise<RequestBody> {
  const { head, endpoint } = exchange;
  if (endpoint.body === 'form' && head.contentType === 'multipart/form-data') return readForm(exchange);
  return endpoint.body === 'any' ? readAny(exchange) : readJson(exchange);
}

function resolveModel(exchange: Exchange, { key }: Principal, body: RequestBody): { alias: string; resolved: Resolved<ProviderId> } {
  const { models } = exchange.policy;
  const alias = exchange.pathModel ?? modelNamed(body);
  const resolved = models.resolve(alias);
  const choices = (): string => models.choices(key.models).slice(0, CHOICES).join(', ') || '(none)';
  const shown = alias.slice(0, 128);
  if (resolved === undefined) throw new BulkheadError('unknown_model', { model: shown, models: choices() });
  if (!mayUse(key.models, alias, resolved.rule)) throw new BulkheadError('model_not_allowed', { model: shown, models: choices() });
  return { alias, resolved };
}

/** What a raw call names as its model; its provider judges the rest. */
function rawModel({ bytes, members }: RequestBody): string {
  const member = members.get('model');
  const value: unknown = member === undefined ? undefined : JSON.parse(bytes.toString('utf8', member.start, member.end));
  return typeof value === 'string' ? value : '';
}

async function readAny(exchange: Exchange): Promise<RequestBody> {
  const bytes = await exchange.waitFor(readBytes(exchange, undefined));
  const { head, policy, request } = exchange;
  const isJson = head.contentType === 'application/json' && bytes.length > 0;
  return {
    bytes,
    members: isJson ? scanJson(bytes, policy.json, wantedMembers('raw')).members : NO_MEMBERS,
    stream: false,
    streamOptions: undefined,
    maxOutputTokens: undefined,
    copies: 1,
    contentType: request.headers['content-type'] ?? '',
  };
}

async function readJson(exchange: Exchange): Promise<RequestBody> {
  const { head, policy, endpoint } = exchange;
  const wanted = wantedMembers(endpoint.protocol);
  const isSmall = head.contentLength !== undefined && head.contentLength <= SCAN_AS_IT_COMES && head.contentEncoding === '';
  const early = isSmall ? undefined : new JsonScanner(policy.json, wanted);
  const bytes = await exchange.waitFor(readBytes(exchange, early));
  return requestBody(exchange, bytes, early ?? scanJson(bytes, policy.json, wanted));
}

function modelNamed(body: RequestBody): string {
  return body.form === undefined ? requiredString(body, 'model') : (body.form.model.value ?? '');
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

function requestBody({ endpoint }: Exchange, bytes: Buffer, { members, rootKind }: JsonScanner): RequestBody {
  if (rootKind !== 'object') throw new BulkheadError('invalid_request', { reason: 'The body must be one JSON object.' });
  const value = (name: string): Json | undefined => {
    const member = members.get(name);
    return member === undefined ? undefined : (JSON.parse(bytes.toString('utf8', member.start, member.end)) as Json);
  };
  const streamOptions = value('stream_options');
  return {
    bytes,
    members,
    stream: endpoint.stream === undefined ? flag(value('stream'), 'stream') : endpoint.stream === 'always',
    streamOptions: isJsonObject(streamOptions) ? streamOptions : undefined,
    ...outputBound(value),
    contentType: 'application/json',
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
function outputBound(value: (name: string) => Json | undefined): Pick<RequestBody, 'maxOutputTokens' | 'copies'> {
  const gemini = value('generationConfig');
  const config = isJsonObject(gemini) ? gemini : {};
  const most = value('max_completion_tokens') ?? value('max_tokens') ?? value('max_output_tokens') ?? config['maxOutputTokens'];
  const isBound = typeof most === 'number' && most >= 0 && most <= Number.MAX_SAFE_INTEGER;
  return {
    maxOutputTokens: isBound ? Math.ceil(most) : undefined,
    copies: Math.max(copies(value('n')), copies(value('best_of')), copies(config['candidateCount'])),
  };
}

const copies = (value: Json | undefined): number => (typeof value === 'number' && value >= 1 && value <= MAX_COPIES ? Math.ceil(value) : 1);
