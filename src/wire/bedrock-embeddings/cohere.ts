import { BulkheadError } from '../../core/errors.ts';
import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts';
import type { EmbedInput, EmbedRequest, EmbedResponse } from '../../canonical/call.ts';
import type { Part } from '../../canonical/part.ts';
import { callDropped } from '../call-dropped.ts';
import { FieldFault, Fields, ownMembers } from '../fields.ts';
import { dataUri, sourceOfUrl } from '../media.ts';
import type { Encoded, EncodeTarget } from '../protocol.ts';
import { PROTOCOL } from './names.ts';
import { billedUsage, vectors } from './vectors.ts';

/*
 * Cohere's models on Bedrock (user guide, "Cohere Embed v3" and "v4"): texts or images, and with v4 `inputs` that mix both, a size and a limit of tokens.
 */

/** v3 has Cohere's own words for the end that is cut off; v4 on Bedrock has others (user guide, "Cohere Embed v4"). */
const CUT_IN_V4: Readonly<Record<string, string>> = { START: 'LEFT', END: 'RIGHT' };
const CUT: Readonly<Record<string, string>> = { LEFT: 'START', RIGHT: 'END' };

const cutWord = (truncate: string | undefined, { model }: EncodeTarget): string | undefined =>
  truncate !== undefined && model.includes('embed-v4') ? (CUT_IN_V4[truncate] ?? truncate) : truncate;

/** Cohere demands to know what the vectors are for. */
const DEFAULT_PURPOSE = 'search_document';

const image = (url: string): Part => ({ type: 'image', source: sourceOfUrl(url) });

/** A part of an input of v4: `{type: 'text', text}` or `{type: 'image_url', image_url: {url} | url}`. */
function decodePart(value: Json, path: string): Part {
  const part = new Fields(value, path);
  const type = part.requiredString('type');
  const address = part.value('image_url');
  const url = isJsonObject(address) ? address['url'] : address;
  if (type === 'text') return { type: 'text', text: part.requiredString('text') };
  if (type === 'image_url' && typeof url === 'string') return image(url);
  return { type: 'other', protocol: PROTOCOL, value };
}

function decodeMixed(value: Json, path: string): EmbedInput {
  const content = new Fields(value, path).requiredArray('content');
  return { kind: 'parts', parts: content.map((part, index) => decodePart(part, `${path}.content[${index}]`)) };
}

const strings = (list: readonly Json[], name: string): readonly string[] =>
  list.map((item, index) => {
    if (typeof item === 'string') return item;
    throw new FieldFault(`${name}[${index}]`, 'must be a string');
  });

function decodeInputs(body: Fields): readonly EmbedInput[] {
  const texts = strings(body.array('texts') ?? [], 'texts');
  const images = strings(body.array('images') ?? [], 'images');
  const mixed = body.array('inputs') ?? [];
  body.respell('texts', 'images', 'inputs');
  return [
    ...texts.map((text) => ({ kind: 'text', text }) as const),
    ...images.map((url) => ({ kind: 'parts', parts: [image(url)] }) as const),
    ...mixed.map((input, index) => decodeMixed(input, `inputs[${index}]`)),
  ];
}

export function decodeRequest(value: JsonObject): EmbedRequest {
  const body = new Fields(value, '');
  const truncate = body.string('truncate');
  const request = {
    source: PROTOCOL,
    model: '',
    inputs: decodeInputs(body),
    dimensions: body.number('output_dimension'),
    purpose: body.string('input_type'),
    truncate: CUT[truncate ?? ''] ?? truncate,
  };
  body.respell('truncate');
  return { ...request, extensions: body.extensions(PROTOCOL) };
}

const refused = (fields: string): BulkheadError => new BulkheadError('unsupported_parameter', { provider: 'bedrock', fields });

/** An address would have to be fetched, which Bedrock does not do. */
function imageUrl(part: Part): string {
  if (part.type === 'image' && part.source.kind === 'data') return dataUri(part.source.mediaType, part.source.data);
  throw refused(`input (${part.type})`);
}

const encodePart = (part: Part): JsonObject =>
  part.type === 'text' ? { type: 'text', text: part.text } : { type: 'image_url', image_url: { url: imageUrl(part) } };

const partsOf = (input: EmbedInput): readonly Part[] => (input.kind === 'parts' ? input.parts : []);

/** Texts alone, images alone, or, which only v4 takes, both together. */
function encodeInputs(inputs: readonly EmbedInput[]): { readonly body: JsonObject; readonly purpose?: string } {
  if (inputs.some(({ kind }) => kind === 'tokens')) throw refused('input (token numbers)');
  const texts = inputs.flatMap((input) => (input.kind === 'text' ? [input.text] : []));
  if (texts.length === inputs.length) return { body: { texts } };
  const lone = inputs.flatMap((input) => (partsOf(input).length === 1 ? partsOf(input) : []));
  if (lone.length === inputs.length && lone.every(({ type }) => type === 'image')) {
    const images = lone.map(imageUrl);
    return { body: { images }, purpose: 'image' };
  }
  const mixed = inputs.map((input) => ({
    content: (input.kind === 'text' ? [{ type: 'text', text: input.text } as const] : partsOf(input)).map(encodePart),
  }));
  return { body: { inputs: mixed } };
}

/** Throws unsupported_parameter where an input cannot be sent: an answer with other vectors than were asked for would be worse than none. */
export function encodeRequest(request: EmbedRequest, target: EncodeTarget): Encoded {
  const own = ownMembers(request.extensions, PROTOCOL);
  const isOwn = request.source === PROTOCOL;
  const { body: inputs, purpose } = isOwn ? { body: {} } : encodeInputs(request.inputs);
  const takesSize = isOwn || (!target.model.includes('embed-english-v3') && !target.model.includes('embed-multilingual-v3'));
  const { dimensions, truncate, title, user } = request;
  const body = {
    ...inputs,
    input_type: request.purpose ?? (isOwn ? undefined : (purpose ?? DEFAULT_PURPOSE)),
    truncate: isOwn ? undefined : cutWord(truncate, target),
    output_dimension: takesSize ? dimensions : undefined,
    embedding_types: isOwn ? undefined : ['float'],
    ...own,
  };
  return { body, dropped: callDropped(request.extensions, PROTOCOL, { dimensions: takesSize ? undefined : dimensions, title, user }) };
}

/** A list of vectors, or lists by type where types were asked for; only numbers that are the vector itself are read. */
export function decodeResponse(value: JsonObject): EmbedResponse {
  const body = new Fields(value, '');
  const embeddings = body.value('embeddings');
  body.respell('embeddings');
  const list = isJsonObject(embeddings) ? embeddings['float'] : embeddings;
  const response = {
    id: body.string('id'),
    model: '',
    vectors: list === undefined ? [] : vectors(list, 'embeddings'),
    usage: billedUsage(body.peek('meta')),
  };
  return { ...response, extensions: body.extensions(PROTOCOL) };
}

export const encodeResponse = (response: EmbedResponse): JsonObject => ({
  id: response.id,
  embeddings: { float: response.vectors },
  response_type: 'embeddings_by_type',
  ...ownMembers(response.extensions, PROTOCOL),
});
