/**
 * Free-text tools among protocols that have only functions: such a tool becomes a function with one string, `input`, and a client that asked for
 * the free-text tool gets its calls back as free text.
 */
import { isJsonObject, type JsonObject } from '../core/json.ts';
import type { CustomTool } from '../canonical/request.ts';
import type { AnswerContext } from './protocol.ts';

const SCHEMA: JsonObject = {
  type: 'object',
  properties: { input: { type: 'string' } },
  required: ['input'],
  additionalProperties: false,
};

/** A function in the place of a free-text tool. The grammar that its text must follow is said in the description, since nothing else can hold the model to it. */
export function functionOfCustom(tool: CustomTool): {
  readonly name: string;
  readonly description: string | undefined;
  readonly parameters: JsonObject;
} {
  const grammar = isJsonObject(tool.format?.['grammar']) ? tool.format['grammar'] : undefined;
  const rule =
    grammar === undefined ? [] : [`\`input\` must follow this ${String(grammar['syntax'])} grammar:\n${String(grammar['definition'])}`];
  const words = [...(tool.description === undefined ? [] : [tool.description]), ...rule];
  return { name: tool.name, description: words.length === 0 ? undefined : words.join('\n\n'), parameters: SCHEMA };
}

/** The arguments of the function that stands for a free-text tool. */
export const argumentsOfInput = (text: string): string => JSON.stringify({ input: text });

/** The free text in a function's arguments; arguments of another shape are taken as the text itself. */
export function inputOfArguments(text: string): string {
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) && typeof value['input'] === 'string' ? value['input'] : text;
  } catch {
    // The model wrote no JSON: its words are the text.
    return text;
  }
}

/** Whether the client asked for a free-text tool of this name, so that a call of the function that stood for it is a call of that. */
export const isCustomCall = (context: AnswerContext, name: string): boolean =>
  context.request?.tools?.some((tool) => tool.type === 'custom' && tool.name === name) === true;

/*
 * A free text as the arguments of a function, in pieces: `{"input":"`, each piece escaped, `"}`. Halves of a surrogate pair in two pieces are
 * escaped one by one and join again when the arguments are parsed.
 */
export const INPUT_OPENS = '{"input":"';
export const INPUT_CLOSES = '"}';
export const inputPiece = (text: string): string => JSON.stringify(text).slice(1, -1);

/** How far the arguments of a function have been read as free text. `head`: up to the opening quote; `kept`: no text of the expected shape, so it waits for its end. */
export interface InputReader {
  readonly at: 'head' | 'text' | 'end' | 'kept';
  /** What cannot be told yet: all of it in `head` and `kept`, a started escape in `text`. */
  readonly held: string;
}

export const INPUT_READER: InputReader = { at: 'head', held: '' };

const HEAD = /^\s*\{\s*"input"\s*:\s*"/;
/** The longest head that is waited for; white space could go on for ever. */
const LONGEST_HEAD = 200;

/** The text up to the closing quote or to an escape that is not whole, and where that is. */
function textUntil(held: string): { readonly text: string; readonly end: number; readonly closed: boolean } {
  let at = 0;
  while (at < held.length && held[at] !== '"') {
    const size = held[at] !== '\\' ? 1 : held[at + 1] === 'u' ? 6 : 2;
    if (at + size > held.length) break;
    at += size;
  }
  const closed = held[at] === '"';
  try {
    return { text: JSON.parse(`"${held.slice(0, at)}"`) as string, end: at, closed };
  } catch {
    // A raw line break or a wrong escape, which models write: it is taken as it stands.
    return { text: held.slice(0, at), end: at, closed };
  }
}

function readText(held: string): readonly [InputReader, string] {
  const { text, end, closed } = textUntil(held);
  return closed ? [{ at: 'end', held: '' }, text] : [{ at: 'text', held: held.slice(end) }, text];
}

/** One more piece of arguments; gives the free text that it holds. */
export function readInput(reader: InputReader, piece: string): readonly [InputReader, string] {
  const held = reader.held + piece;
  switch (reader.at) {
    case 'head': {
      const head = HEAD.exec(held.slice(0, LONGEST_HEAD));
      if (head !== null) return readText(held.slice(head[0].length));
      return [{ at: held.length >= LONGEST_HEAD ? 'kept' : 'head', held }, ''];
    }
    case 'text':
      return readText(held);
    case 'kept':
      return [{ at: 'kept', held }, ''];
    case 'end':
      return [reader, ''];
  }
}

/** What is left to say when the arguments have ended. */
export const endInput = (reader: InputReader): string =>
  reader.at === 'head' || reader.at === 'kept' ? inputOfArguments(reader.held) : reader.held;
