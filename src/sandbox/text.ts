import { createHash } from 'node:crypto';
import { isJsonObject, type Json, type JsonObject } from '../core/json.ts';

/** Deterministic text, token counts and vectors: the same request always gets the same answer. */

const WORDS =
  'the hull holds water out because each bulkhead keeps its own side dry and a breach in one part floods no other part of the ship'.split(
    ' ',
  );
/** Characters of English text per token, as the common rule of thumb has it. */
const CHARACTERS_PER_TOKEN = 4;

export const tokensOf = (text: string): number => Math.ceil(text.length / CHARACTERS_PER_TOKEN);

export const words = (count: number): string[] => Array.from({ length: count }, (_, i) => WORDS[i % WORDS.length] as string);

/** Pieces that joined give `text` again: a stream's chunks. */
export const piecesOf = (text: string): string[] => text.match(/\s*\S+\s*$|\s*\S+/g) ?? [text];

/** The text of a message's content, whether it is one string or a list of parts. */
export function textOf(content: Json | undefined): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return (content as readonly Json[])
    .map((part) => (isJsonObject(part) && typeof part['text'] === 'string' ? part['text'] : ''))
    .filter((text) => text !== '')
    .join('\n');
}

/** Tokens of a chat request: every message plus a fixed share for its role, as providers count. */
export function promptTokens(messages: readonly Json[]): number {
  return messages.reduce<number>((sum, message) => sum + 4 + (isJsonObject(message) ? tokensOf(textOf(message['content'])) : 0), 3);
}

/** What the user said last. */
export function lastUserText(messages: readonly Json[]): string {
  const said = messages.filter((message): message is JsonObject => isJsonObject(message) && message['role'] === 'user');
  return textOf(said.at(-1)?.['content']);
}

/** A vector of length one that depends on the text alone. */
export function vectorOf(text: string, dimensions: number): number[] {
  const values: number[] = [];
  for (let block = 0; values.length < dimensions; block++) {
    const digest = createHash('sha256').update(`${block}\n${text}`).digest();
    for (let i = 0; i < digest.length && values.length < dimensions; i += 2) values.push(digest.readInt16BE(i) / 32_768);
  }
  const norm = Math.hypot(...values) || 1;
  return values.map((value) => value / norm);
}

export const idOf = (prefix: string, seed: string): string =>
  `${prefix}-sandbox-${createHash('sha256').update(seed).digest('hex').slice(0, 24)}`;

/** Arguments that satisfy the required fields of a JSON Schema. */
export function argumentsFor(schema: Json | undefined): JsonObject {
  if (!isJsonObject(schema)) return {};
  const properties = isJsonObject(schema['properties']) ? schema['properties'] : {};
  const required = Array.isArray(schema['required']) ? (schema['required'] as readonly Json[]) : [];
  return Object.fromEntries(required.filter((name) => typeof name === 'string').map((name) => [name, exampleOf(properties[name])]));
}

function exampleOf(schema: Json | undefined): Json {
  if (!isJsonObject(schema)) return null;
  if (Array.isArray(schema['enum'])) return (schema['enum'] as readonly Json[])[0] ?? null;
  switch (schema['type']) {
    case 'string':
      return 'sandbox';
    case 'number':
    case 'integer':
      return 1;
    case 'boolean':
      return true;
    case 'array':
      return [];
    case 'object':
      return argumentsFor(schema);
    default:
      return null;
  }
}
