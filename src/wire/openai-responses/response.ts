import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts';
import type { TokenUsage } from '../../core/usage.ts';
import type { CanonicalRequest } from '../../canonical/request.ts';
import type { CanonicalResponse } from '../../canonical/response.ts';
import { Dropped } from '../dropped.ts';
import { FieldFault, Fields, ownMembers } from '../fields.ts';
import type { AnswerContext } from '../protocol.ts';
import { decodeFinish, encodeFinish, type Ending } from './finish.ts';
import { decodeOutputItems, logprobsOf } from './items-decode.ts';
import { PROTOCOL } from './names.ts';
import { encodeOutput } from './output-encode.ts';
import { formatOf } from './reasoning.ts';
import { instructionsOf } from './request-encode.ts';
import { encodeSettings } from './settings-encode.ts';
import { encodeUsage, responsesUsage } from './usage.ts';

const word = (value: Json | undefined): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);

export const incompleteReason = (response: JsonObject): string | undefined =>
  isJsonObject(response['incomplete_details']) ? word(response['incomplete_details']['reason']) : undefined;

/** A response that failed is no answer, though it came with status 200. */
function refuseFailed(body: Fields): void {
  if (body.peek('status') !== 'failed') return;
  const error = body.peek('error');
  throw new FieldFault('status', `failed: ${(isJsonObject(error) ? word(error['message']) : undefined) ?? 'the provider gives no reason'}`);
}

/** All that the response repeats of its request stays in the extension; so does `usage`, where providers say more than is counted. */
export function decodeResponse(value: JsonObject): CanonicalResponse {
  const body = new Fields(value, '');
  refuseFailed(body);
  const model = body.string('model') ?? '';
  const parts = decodeOutputItems(body.requiredArray('output'), formatOf(model));
  const hasToolCalls = parts.some((part) => part.type === 'tool_call');
  const finish = decodeFinish(body.string('status') ?? '', incompleteReason(value), hasToolCalls);
  if (finish === undefined) body.respell('status');
  const logprobs = parts.flatMap(logprobsOf);
  const response = {
    id: body.string('id') ?? '',
    model,
    created: body.number('created_at'),
    choices: [{ index: 0, parts, finish, logprobs: logprobs.length === 0 ? undefined : { content: logprobs } }],
    usage: responsesUsage(body.peek('usage')),
    serviceTier: word(body.peek('service_tier')),
  };
  return { ...response, extensions: body.extensions(PROTOCOL) };
}

/** What an answer repeats of its request, with what holds where the request says nothing. */
function repeated(request: CanonicalRequest | undefined): JsonObject {
  const asked = request?.source === PROTOCOL ? request : undefined;
  const said =
    asked === undefined ? {} : { ...encodeSettings(asked, new Dropped(asked, PROTOCOL)), ...ownMembers(asked.extensions, PROTOCOL) };
  return {
    background: said['background'],
    instructions: instructionsOf(asked?.messages[0]) ?? said['instructions'] ?? null,
    max_output_tokens: said['max_output_tokens'] ?? null,
    max_tool_calls: said['max_tool_calls'] ?? null,
    metadata: said['metadata'] ?? {},
    parallel_tool_calls: said['parallel_tool_calls'] ?? true,
    previous_response_id: said['previous_response_id'] ?? null,
    prompt_cache_key: said['prompt_cache_key'] ?? null,
    reasoning: said['reasoning'] ?? { effort: null, summary: null },
    safety_identifier: said['safety_identifier'] ?? null,
    store: said['store'] ?? true,
    temperature: said['temperature'] ?? null,
    text: said['text'] ?? { format: { type: 'text' } },
    tool_choice: said['tool_choice'] ?? 'auto',
    tools: said['tools'] ?? [],
    top_logprobs: said['top_logprobs'],
    top_p: said['top_p'] ?? null,
    truncation: said['truncation'],
    user: said['user'] ?? null,
  };
}

/** What a response says before and after its output; the events of a stream hold it too. */
export interface ResponseState {
  readonly id: string;
  readonly model: string;
  readonly created: number | undefined;
  readonly serviceTier: string | undefined;
  readonly status: string;
  readonly details: Ending['details'];
  readonly error: JsonObject | null;
  readonly output: readonly JsonObject[];
  readonly usage: TokenUsage | undefined;
}

/** Ids of other protocols' answers: some providers count them from 1, and clients come back to a response by its id. */
const isForeignId = (id: string): boolean => /^(chatcmpl|cmpl|msg)[-_]/.test(id);

export const responseObject = (state: ResponseState, context: AnswerContext): JsonObject => ({
  id: state.id === '' || isForeignId(state.id) ? `resp_${context.requestId}` : state.id,
  object: 'response',
  created_at: state.created ?? context.created,
  status: state.status,
  error: state.error,
  incomplete_details: state.details,
  model: state.model === '' ? context.model : state.model,
  output: state.output,
  ...repeated(context.request),
  service_tier: state.serviceTier,
  usage: state.usage === undefined ? null : encodeUsage(state.usage),
});

const logprobList = (logprobs: JsonObject | undefined): readonly Json[] =>
  Array.isArray(logprobs?.['content']) ? (logprobs['content'] as readonly Json[]) : [];

/** The first choice: an answer has only one here. */
export function encodeResponse(response: CanonicalResponse, context: AnswerContext): JsonObject {
  const [choice] = response.choices;
  const { status, details } = encodeFinish(choice?.finish);
  const output = encodeOutput(choice?.parts ?? [], context, { status, logprobs: logprobList(choice?.logprobs) });
  const { id, model, created, serviceTier, usage } = response;
  const encoded = responseObject({ id, model, created, serviceTier, status, details, error: null, output, usage }, context);
  return { ...encoded, ...ownMembers(response.extensions, PROTOCOL) };
}
