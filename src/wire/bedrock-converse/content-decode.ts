import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts';
import {
  ANTHROPIC_SIGNATURE,
  type CacheMarker,
  type Citation,
  type Part,
  type RedactedThinkingPart,
  type TextPart,
} from '../../canonical/part.ts';
import { Fields } from '../fields.ts';
import { unwrapOpaque } from '../opaque.ts';
import { decodeAudio, decodeDocument, decodeImage, decodeVideo } from './media-decode.ts';
import { PROTOCOL } from './names.ts';

/*
 * A block is an object with one member, which names its kind. An extension of a block always holds that whole member, so that an encoder of this protocol
 * writes the extension in place of the block.
 */

const TTL: ReadonlyMap<Json | undefined, number | undefined> = new Map([
  [undefined, undefined],
  ['5m', 300],
  ['1h', 3600],
]);

/** `{cachePoint: {type: 'default', ttl?}}`: what stands before it is worth caching. Undefined: no such block, or one with more in it. */
export function decodeCachePoint(block: Json): CacheMarker | undefined {
  if (!isJsonObject(block)) return undefined;
  const point = block['cachePoint'];
  if (!isJsonObject(point) || point['type'] !== 'default' || !TTL.has(point['ttl'])) return undefined;
  const isPlain = Object.keys(block).length === 1 && Object.keys(point).every((name) => name === 'type' || name === 'ttl');
  return isPlain ? { ttl: TTL.get(point['ttl']) } : undefined;
}

/** What is left over of a block, as its whole member. */
function rest(block: Fields, name: string, inner?: Fields): Fields {
  if (inner !== undefined) block.within(name, inner);
  if (block.hasRest()) block.respell(name);
  return block;
}

const words = (value: Json | undefined): string | undefined => (typeof value === 'string' ? value : undefined);

/** Only web pages have an address; a search result's source may be one. Places in documents live in `native` alone. */
export function decodeCitation(native: JsonObject): Citation {
  const location = isJsonObject(native['location']) ? native['location'] : {};
  const web = isJsonObject(location['web']) ? words(location['web']['url']) : undefined;
  const source = words(native['source']);
  return {
    url: web ?? (source !== undefined && /^https?:\/\//.test(source) ? source : undefined),
    title: words(native['title']),
    protocol: PROTOCOL,
    native,
  };
}

/** Texts of a list of `{text}`; undefined if there is anything else in it. */
function textsOf(list: Json | undefined): readonly string[] | undefined {
  if (!Array.isArray(list)) return undefined;
  const texts = (list as readonly Json[]).map((item) => (isJsonObject(item) ? words(item['text']) : undefined));
  return texts.every((text) => text !== undefined) ? texts : undefined;
}

function decodeCited(block: Fields): Part | undefined {
  const cited = new Fields(block.peek('citationsContent'), block.at('citationsContent'));
  const content = cited.value('content');
  const texts = content === undefined ? [] : textsOf(content);
  if (texts === undefined) return undefined;
  const citations = (cited.array('citations') ?? []).filter(isJsonObject);
  block.value('citationsContent');
  const [only] = Array.isArray(content) ? (content as readonly Json[]) : [];
  const isPlain = texts.length === 1 && isJsonObject(only) && Object.keys(only).length === 1 && citations.length > 0;
  if (!isPlain) block.respell('citationsContent');
  const extensions = rest(block, 'citationsContent', cited).extensions(PROTOCOL);
  return { type: 'text', text: texts.join(''), citations: citations.length === 0 ? undefined : citations.map(decodeCitation), extensions };
}

/** What a guardrail is to look at, and a search result, are texts with something said about them. */
function decodeQualified(block: Fields, name: 'guardContent' | 'searchResult'): TextPart | undefined {
  const outer = new Fields(block.peek(name), block.at(name));
  const inner = name === 'guardContent' ? new Fields(outer.peek('text') ?? {}, outer.at('text')) : outer;
  const content = inner.value(name === 'guardContent' ? 'text' : 'content');
  const text = typeof content === 'string' ? content : textsOf(content)?.join('\n');
  if (text === undefined) return undefined;
  if (inner !== outer) {
    outer.value('text');
    outer.within('text', inner);
  }
  block.value(name);
  block.within(name, outer);
  block.respell(name);
  return { type: 'text', text, extensions: block.extensions(PROTOCOL) };
}

/** Of the models on Bedrock only Anthropic's sign; what another vendor signed came here through an answer of ours. */
export function decodeSignature(signature: string | undefined): { readonly signature?: string; readonly format?: string } {
  if (signature === undefined) return {};
  const foreign = unwrapOpaque(signature);
  return foreign === undefined ? { signature, format: ANTHROPIC_SIGNATURE } : { signature: foreign.data, format: foreign.format };
}

export function decodeRedacted(redacted: string): RedactedThinkingPart {
  const foreign = unwrapOpaque(Buffer.from(redacted, 'base64').toString('utf8'));
  return { type: 'redacted_thinking', data: foreign?.data ?? redacted, format: foreign?.format ?? ANTHROPIC_SIGNATURE };
}

function decodeReasoning(block: Fields): Part | undefined {
  const reasoning = new Fields(block.peek('reasoningContent'), block.at('reasoningContent'));
  const redacted = reasoning.string('redactedContent');
  const said = reasoning.fields('reasoningText');
  block.value('reasoningContent');
  if (redacted !== undefined)
    return { ...decodeRedacted(redacted), extensions: rest(block, 'reasoningContent', reasoning).extensions(PROTOCOL) };
  if (said === undefined) return undefined;
  const text = said.string('text') ?? '';
  const signature = said.string('signature');
  reasoning.within('reasoningText', said);
  const extensions = rest(block, 'reasoningContent', reasoning).extensions(PROTOCOL);
  return { type: 'thinking', text, ...decodeSignature(signature), extensions };
}

/** A tool that the provider runs by itself is no call that the client is to answer. */
function decodeToolUse(block: Fields): Part | undefined {
  const call = new Fields(block.peek('toolUse'), block.at('toolUse'));
  const type = call.peek('type');
  if (type !== undefined && type !== 'tool_use') return undefined;
  const id = call.requiredString('toolUseId');
  const name = call.requiredString('name');
  const input = call.value('input') ?? {};
  if (call.value('type') !== undefined) call.respell('type');
  block.value('toolUse');
  const extensions = rest(block, 'toolUse', call).extensions(PROTOCOL);
  return { type: 'tool_call', id, name, arguments: JSON.stringify(input), kind: 'function', extensions };
}

function decodeToolResult(block: Fields): Part | undefined {
  const result = new Fields(block.peek('toolResult'), block.at('toolResult'));
  if (result.peek('type') !== undefined) return undefined;
  const callId = result.requiredString('toolUseId');
  const parts = decodeBlocks(result.array('content') ?? [], result.at('content'));
  const status = result.string('status');
  if (status !== undefined && status !== 'success' && status !== 'error') result.untake('status');
  block.value('toolResult');
  const extensions = rest(block, 'toolResult', result).extensions(PROTOCOL);
  return { type: 'tool_result', callId, parts, isError: status === undefined ? undefined : status === 'error', extensions };
}

function decodeJson(block: Fields): Part {
  const value = block.value('json');
  block.respell('json');
  return { type: 'text', text: JSON.stringify(value), extensions: block.extensions(PROTOCOL) };
}

function decodeText(block: Fields): Part {
  const text = block.requiredString('text');
  return { type: 'text', text, extensions: rest(block, 'text').extensions(PROTOCOL) };
}

const DECODERS: ReadonlyMap<string, (block: Fields) => Part | undefined> = new Map<string, (block: Fields) => Part | undefined>([
  ['text', decodeText],
  ['json', decodeJson],
  ['image', (block) => decodeImage(block, rest)],
  ['document', (block) => decodeDocument(block, rest)],
  ['video', (block) => decodeVideo(block, rest)],
  ['audio', (block) => decodeAudio(block, rest)],
  ['toolUse', decodeToolUse],
  ['toolResult', decodeToolResult],
  ['reasoningContent', decodeReasoning],
  ['citationsContent', decodeCited],
  ['guardContent', (block) => decodeQualified(block, 'guardContent')],
  ['searchResult', (block) => decodeQualified(block, 'searchResult')],
]);

/** One block. Those without a neutral meaning stay whole. */
function decodeBlock(value: Json, path: string): Part {
  const block = new Fields(value, path);
  const name = Object.keys(value as JsonObject).find((kind) => DECODERS.has(kind));
  const decode = name === undefined ? undefined : DECODERS.get(name);
  return decode?.(block) ?? { type: 'other', protocol: PROTOCOL, value };
}

/** Blocks with each cache point as a marker on what it follows; one that follows nothing, or another one, is a part of its own. */
export function decodeBlocks(blocks: readonly Json[], path: string): readonly Part[] {
  const parts: Part[] = [];
  blocks.forEach((value, index) => {
    const cache = decodeCachePoint(value);
    const last = parts.at(-1);
    if (cache === undefined || last === undefined || last.type === 'other' || last.cache !== undefined)
      parts.push(decodeBlock(value, `${path}[${index}]`));
    else parts[parts.length - 1] = { ...last, cache };
  });
  return parts;
}
