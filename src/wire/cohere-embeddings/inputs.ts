import { BulkheadError } from '../../core/errors.ts';
import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts';
import type { EmbedInput } from '../../canonical/call.ts';
import type { Part } from '../../canonical/part.ts';
import { FieldFault, Fields } from '../fields.ts';
import { dataUri, sourceOfUrl } from '../media.ts';

const image = (url: string): Part => ({ type: 'image', source: sourceOfUrl(url) });

function strings(body: Fields, name: string): readonly string[] {
  return (body.array(name) ?? []).map((item, index) => {
    if (typeof item === 'string') return item;
    throw new FieldFault(`${name}[${index}]`, 'must be a string');
  });
}

/** A part of an input: `{type: 'text', text}` or `{type: 'image_url', image_url: {url}}`. */
function decodePart(value: Json, path: string): Part {
  const part = new Fields(value, path);
  const type = part.requiredString('type');
  if (type === 'text') return { type: 'text', text: part.requiredString('text') };
  const address = part.value('image_url');
  const url = isJsonObject(address) ? address['url'] : address;
  if (type === 'image_url' && typeof url === 'string') return image(url);
  throw new FieldFault(part.at('type'), 'must be text or image_url');
}

function decodeMixed(value: Json, path: string): EmbedInput {
  const content = new Fields(value, path).requiredArray('content');
  return { kind: 'parts', parts: content.map((part, index) => decodePart(part, `${path}.content[${index}]`)) };
}

/** Texts, images, or inputs that mix both for one vector each. What is no text is kept as it was spelled. */
export function decodeInputs(body: Fields): readonly EmbedInput[] {
  const texts = strings(body, 'texts');
  const images = strings(body, 'images');
  const mixed = body.array('inputs') ?? [];
  body.respell('images', 'inputs');
  return [
    ...texts.map((text) => ({ kind: 'text', text }) as const),
    ...images.map((url) => ({ kind: 'parts', parts: [image(url)] }) as const),
    ...mixed.map((input, index) => decodeMixed(input, `inputs[${index}]`)),
  ];
}

const refused = (fields: string): BulkheadError => new BulkheadError('unsupported_parameter', { provider: 'cohere', fields });

function imageUrl(part: Part): string {
  if (part.type === 'image' && part.source.kind === 'url') return part.source.url;
  if (part.type === 'image' && part.source.kind === 'data') return dataUri(part.source.mediaType, part.source.data);
  throw refused(`input (${part.type})`);
}

const encodePart = (part: Part): JsonObject =>
  part.type === 'text' ? { type: 'text', text: part.text } : { type: 'image_url', image_url: { url: imageUrl(part) } };

/** Throws unsupported_parameter where an input cannot be sent: an answer with other vectors than were asked for would be worse than none. */
export function encodeInputs(inputs: readonly EmbedInput[]): JsonObject {
  const texts = inputs.flatMap((input) => (input.kind === 'text' ? [input.text] : []));
  if (texts.length === inputs.length) return { texts };
  const mixed = inputs.map((input) => {
    if (input.kind === 'tokens') throw refused('input (token numbers)');
    return { content: input.kind === 'text' ? [{ type: 'text', text: input.text }] : input.parts.map(encodePart) };
  });
  return { inputs: mixed };
}
