import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts';
import { ANTHROPIC_SIGNATURE, type CacheMarker, type Citation, type MediaSource, type Part } from '../../canonical/part.ts';
import { FieldFault, Fields } from '../fields.ts';
import { unwrapOpaque } from '../opaque.ts';
import { TRANSLATED } from './citations.ts';
import { PROTOCOL } from './names.ts';

const TTL: ReadonlyMap<unknown, number> = new Map([
  ['5m', 300],
  ['1h', 3600],
]);

export function decodeCache(holder: Fields): CacheMarker | undefined {
  const control = holder.peek('cache_control');
  if (!isJsonObject(control) || control['type'] !== 'ephemeral') return undefined;
  const ttl = TTL.get(control['ttl']);
  const isPlain = Object.keys(control).every((name) => name === 'type' || (name === 'ttl' && ttl !== undefined));
  if (isPlain) holder.value('cache_control');
  else holder.respell('cache_control');
  return { ttl };
}

const words = (value: Json | undefined): string | undefined => (typeof value === 'string' ? value : undefined);

/** Only web results have an address; places in documents live in `native` alone. One without an index is a citation that we put into these words. */
export const decodeCitation = (native: JsonObject): Citation => ({
  url: words(native['url']),
  title: words(native['title']),
  protocol: native['encrypted_index'] === '' ? TRANSLATED : PROTOCOL,
  native,
});

function decodeText(block: Fields): Part {
  const text = block.requiredString('text');
  const native = (block.array('citations') ?? []).filter(isJsonObject);
  if (native.length === 0) block.respell('citations');
  const cache = decodeCache(block);
  return {
    type: 'text',
    text,
    citations: native.length === 0 ? undefined : native.map(decodeCitation),
    cache,
    extensions: block.extensions(PROTOCOL),
  };
}

/** The text of content that is a string or a list of texts; undefined where there is more than text in it. */
function textIn(content: Json | undefined): string | undefined {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return undefined;
  const texts = (content as readonly Json[]).map((block) =>
    isJsonObject(block) && block['type'] === 'text' ? words(block['text']) : undefined,
  );
  return texts.includes(undefined) ? undefined : texts.join('\n\n');
}

/** Sources of images and documents. Undefined: one that only this protocol has (`content` with images in it). */
function decodeSource(source: JsonObject, path: string): MediaSource | undefined {
  const fields = new Fields(source, path);
  switch (source['type']) {
    case 'url':
      return { kind: 'url', url: fields.requiredString('url') };
    case 'base64':
      return { kind: 'data', mediaType: fields.requiredString('media_type'), data: fields.requiredString('data') };
    case 'text':
      return { kind: 'text', mediaType: fields.requiredString('media_type'), text: fields.requiredString('data') };
    case 'file':
      return { kind: 'file', id: fields.requiredString('file_id') };
    case 'content': {
      const text = textIn(source['content']);
      return text === undefined ? undefined : { kind: 'text', mediaType: 'text/plain', text };
    }
    default:
      return undefined;
  }
}

/** A search result is a text with an address for every other protocol. The block stays in the extension. */
function decodeSearchResult(block: Fields, value: Json): Part {
  const [text, address, title] = [textIn(block.value('content')), block.string('source'), block.string('title')];
  if (text === undefined) return { type: 'other', protocol: PROTOCOL, value };
  const cache = decodeCache(block);
  block.respell('type', 'content', 'source', 'title', 'citations');
  const source = { kind: 'text', mediaType: 'text/plain', text: address === undefined ? text : `${address}\n\n${text}` } as const;
  return { type: 'file', source, name: title, cache, extensions: block.extensions(PROTOCOL) };
}

function decodeMedia(block: Fields, value: Json, type: 'image' | 'file'): Part {
  const source = decodeSource(block.object('source') ?? block.missing('source', 'an object'), block.at('source'));
  if (source === undefined) return { type: 'other', protocol: PROTOCOL, value };
  if (block.peek('source') !== undefined && (block.peek('source') as JsonObject)['type'] === 'content') block.respell('source');
  const cache = decodeCache(block);
  if (type === 'image') return { type, source, cache, extensions: block.extensions(PROTOCOL) };
  const name = block.string('title');
  return { type, source, name, cache, extensions: block.extensions(PROTOCOL) };
}

/** Another vendor's signature comes back in the wrapping in which it was given to the client. */
function decodeSignature(text: string): { readonly signature: string; readonly format: string } {
  const foreign = unwrapOpaque(text);
  return foreign === undefined ? { signature: text, format: ANTHROPIC_SIGNATURE } : { signature: foreign.data, format: foreign.format };
}

function decodeThinking(block: Fields): Part {
  const text = block.string('thinking') ?? '';
  const signature = block.string('signature');
  if (signature === '') block.respell('signature');
  const signed = signature === undefined || signature === '' ? {} : decodeSignature(signature);
  return { type: 'thinking', text, ...signed, extensions: block.extensions(PROTOCOL) };
}

function decodeToolUse(block: Fields): Part {
  const id = block.requiredString('id');
  const name = block.requiredString('name');
  const input = block.value('input') ?? {};
  const cache = decodeCache(block);
  return { type: 'tool_call', id, name, arguments: JSON.stringify(input), kind: 'function', cache, extensions: block.extensions(PROTOCOL) };
}

function decodeToolResult(block: Fields): Part {
  const callId = block.requiredString('tool_use_id');
  const parts = decodeContent(block, 'content');
  const isError = block.boolean('is_error');
  const cache = decodeCache(block);
  return { type: 'tool_result', callId, parts, isError, cache, extensions: block.extensions(PROTOCOL) };
}

/** One content block, of a request or an answer. Blocks without a neutral meaning (server tools, search results, …) stay whole. */
export function decodeBlock(value: Json, path: string): Part {
  const block = new Fields(value, path);
  switch (block.requiredString('type')) {
    case 'text':
      return decodeText(block);
    case 'image':
      return decodeMedia(block, value, 'image');
    case 'document':
      return decodeMedia(block, value, 'file');
    case 'thinking':
      return decodeThinking(block);
    case 'redacted_thinking':
      return decodeRedacted(block);
    case 'tool_use':
      return decodeToolUse(block);
    case 'tool_result':
      return decodeToolResult(block);
    case 'search_result':
      return decodeSearchResult(block, value);
    default:
      return { type: 'other', protocol: PROTOCOL, value };
  }
}

function decodeRedacted(block: Fields): Part {
  const { signature: data, format } = decodeSignature(block.requiredString('data'));
  return { type: 'redacted_thinking', data, format, extensions: block.extensions(PROTOCOL) };
}

/** Content is a string or a list of blocks. */
export function decodeContent(holder: Fields, name: string): readonly Part[] {
  const content = holder.value(name);
  if (content === undefined) return [];
  if (typeof content === 'string') return [{ type: 'text', text: content }];
  if (!Array.isArray(content)) throw new FieldFault(holder.at(name), 'must be a string or a list');
  return (content as readonly Json[]).map((block, index) => decodeBlock(block, `${holder.at(name)}[${index}]`));
}
