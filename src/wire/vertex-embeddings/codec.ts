/** Embeddings through Vertex AI's predict (cloud.google.com/vertex-ai, "Text embeddings API"): a list of texts with their tasks, and settings for all. */
import { BulkheadError } from '../../core/errors.ts';
import type { Json, JsonObject } from '../../core/json.ts';
import type { EmbedInput, EmbedRequest, EmbedResponse } from '../../canonical/call.ts';
import { callDropped } from '../call-dropped.ts';
import { Fields, ownMembers, understood } from '../fields.ts';
import { spelled } from '../gemini/spelling.ts';
import { purposeOf, taskOf } from '../gemini-embeddings/purpose.ts';
import { readTokens, vectorOf } from '../gemini-embeddings/vectors.ts';
import { tokenCount } from '../openai-chat/usage.ts';
import type { CallCodec, Encoded, EncodeTarget } from '../protocol.ts';

const PROTOCOL = 'vertex-embeddings';

/** Cohere's words for what happens to a text that is too long. */
const truncateOf = (automatic: boolean | undefined): string | undefined =>
  automatic === undefined ? undefined : automatic ? 'END' : 'NONE';

function automaticOf(truncate: string | undefined): boolean | undefined {
  return truncate === 'END' ? true : truncate === 'NONE' ? false : undefined;
}

function decodeInstance(value: Json, path: string): { readonly text: string } & Pick<EmbedRequest, 'purpose' | 'title'> {
  const instance = new Fields(value, path);
  return {
    text: instance.requiredString('content'),
    purpose: purposeOf(instance.string(instance.peek('taskType') === undefined ? 'task_type' : 'taskType')),
    title: instance.string('title'),
  };
}

/** Kept as it came; the first text's task and title are those of all. */
function decodeRequest(value: JsonObject): EmbedRequest {
  const body = new Fields(value, '');
  const instances = body.requiredArray('instances').map((item, index) => decodeInstance(item, `instances[${index}]`));
  const parameters = body.fields('parameters');
  return {
    source: PROTOCOL,
    model: '',
    inputs: instances.map(({ text }) => ({ kind: 'text', text })),
    purpose: instances[0]?.purpose,
    title: instances[0]?.title,
    dimensions: parameters?.number(spelled(parameters, 'outputDimensionality')),
    truncate: truncateOf(parameters?.boolean(spelled(parameters, 'autoTruncate'))),
    extensions: { [PROTOCOL]: { members: value, lost: body.lost() } },
  };
}

const refused = (fields: string): BulkheadError => new BulkheadError('unsupported_parameter', { provider: 'vertex', fields });

function textOf(input: EmbedInput): string {
  if (input.kind === 'text') return input.text;
  if (input.kind === 'tokens') throw refused('input (token numbers)');
  return input.parts
    .map((part) => {
      if (part.type !== 'text') throw refused(`input (${part.type})`);
      return part.text;
    })
    .join('');
}

/** Throws unsupported_parameter where an input cannot be sent: an answer with other vectors than were asked for would be worse than none. */
function encodeRequest(request: EmbedRequest, _target: EncodeTarget): Encoded {
  const own = ownMembers(request.extensions, PROTOCOL);
  if (own !== undefined) return { body: own, dropped: [] };
  const { dimensions: outputDimensionality, purpose, truncate, user } = request;
  const task = taskOf(purpose);
  const title = task === 'RETRIEVAL_DOCUMENT' ? request.title : undefined;
  const autoTruncate = automaticOf(truncate);
  const hasParameters = outputDimensionality !== undefined || autoTruncate !== undefined;
  return {
    body: {
      instances: request.inputs.map((input) => ({ content: textOf(input), task_type: task, title })),
      parameters: hasParameters ? { outputDimensionality, autoTruncate } : undefined,
    },
    dropped: callDropped(request.extensions, PROTOCOL, {
      input_type: task === undefined ? purpose : undefined,
      title: title === undefined ? request.title : undefined,
      truncate: autoTruncate === undefined ? truncate : undefined,
      user,
    }),
  };
}

function decodePrediction(value: Json, path: string): { readonly vector: readonly number[]; readonly tokens: number } {
  const embeddings = new Fields(value, path).fields('embeddings');
  const statistics = embeddings?.fields('statistics');
  return {
    vector: vectorOf(embeddings?.array('values') ?? [], `${path}.embeddings.values`),
    tokens: tokenCount(statistics?.number('token_count')),
  };
}

/** Kept as it came: each vector says how long its text was and whether it was cut. */
function decodeResponse(value: JsonObject): EmbedResponse {
  const body = new Fields(value, '');
  const predictions = body.requiredArray('predictions').map((item, index) => decodePrediction(item, `predictions[${index}]`));
  const tokens = predictions.reduce((sum, one) => sum + one.tokens, 0);
  return {
    model: '',
    vectors: predictions.map(({ vector }) => vector),
    usage: tokens === 0 ? undefined : readTokens(tokens),
    extensions: { [PROTOCOL]: { members: value, lost: body.lost() } },
  };
}

const encodeResponse = ({ vectors, extensions }: EmbedResponse): JsonObject => ({
  predictions: vectors.map((values) => ({ embeddings: { values } })),
  ...ownMembers(extensions, PROTOCOL),
});

export const vertexEmbeddingsCodec = {
  protocol: PROTOCOL,
  decodeRequest: (body) => understood(() => decodeRequest(body)),
  encodeRequest,
  decodeResponse: (body) => understood(() => decodeResponse(body)),
  encodeResponse,
} as const satisfies CallCodec<EmbedRequest, EmbedResponse>;
