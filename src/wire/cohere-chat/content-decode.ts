import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts';
import type { Part, ThinkingPart, ToolCallPart } from '../../canonical/part.ts';
import { FieldFault, Fields } from '../fields.ts';
import { sourceOfUrl } from '../media.ts';
import { withCitations } from './citations.ts';
import { PROTOCOL } from './names.ts';

function decodeImage(part: Fields): Part {
  const image = part.fields('image_url') ?? part.missing('image_url', 'an object');
  const url = image.requiredString('url');
  const detail = image.string('detail');
  part.within('image_url', image);
  return { type: 'image', source: sourceOfUrl(url), detail, extensions: part.extensions(PROTOCOL) };
}

/** A document's words: its one text, or all that it holds. */
function documentText(data: JsonObject): string {
  const values = Object.values(data);
  return values.length === 1 && typeof values[0] === 'string' ? values[0] : JSON.stringify(data);
}

/** What a tool gave, as a document that can be cited: its words are the text, and this protocol gets the document itself back. */
function decodeDocument(part: Fields, value: JsonObject): Part {
  const document = part.fields('document') ?? part.missing('document', 'an object');
  const data = document.value('data');
  const text = typeof data === 'string' ? data : documentText(isJsonObject(data) ? data : {});
  return { type: 'text', text, extensions: { [PROTOCOL]: { members: value, lost: [] } } };
}

function decodePart(value: Json, path: string): Part {
  const part = new Fields(value, path);
  switch (part.requiredString('type')) {
    case 'text': {
      const text = part.requiredString('text');
      return { type: 'text', text, extensions: part.extensions(PROTOCOL) };
    }
    case 'thinking': {
      const text = part.requiredString('thinking');
      return { type: 'thinking', text, extensions: part.extensions(PROTOCOL) };
    }
    case 'image_url':
      return decodeImage(part);
    case 'document':
      return decodeDocument(part, value as JsonObject);
    default:
      return { type: 'other', protocol: PROTOCOL, value };
  }
}

/** `content`: a string, a list of items, or nothing. */
export function decodeContent(message: Fields): readonly Part[] {
  const content = message.value('content');
  if (content === undefined) return [];
  if (typeof content === 'string') return [{ type: 'text', text: content }];
  if (!Array.isArray(content)) throw new FieldFault(message.at('content'), 'must be a string or a list');
  return (content as readonly Json[]).map((part, index) => decodePart(part, `${message.at('content')}[${index}]`));
}

/** Marks the reasoning that stood in `tool_plan`, so that this protocol gets it back there. */
const PLANNED = { [PROTOCOL]: { members: { tool_plan: true }, lost: [] } } as const;

/** Cohere calls it "a chain-of-thought style reflection": it is reasoning, not part of the answer. */
const plan = (text: string): ThinkingPart => ({ type: 'thinking', text, extensions: PLANNED });

export const isPlan = (part: ThinkingPart): boolean => part.extensions?.[PROTOCOL]?.members['tool_plan'] === true;

function decodeToolCall(value: Json, path: string): ToolCallPart {
  const call = new Fields(value, path);
  const id = call.string('id') ?? '';
  call.string('type');
  const inner = call.fields('function') ?? call.missing('function', 'an object');
  const name = inner.requiredString('name');
  const args = inner.string('arguments') ?? '';
  call.within('function', inner);
  return { type: 'tool_call', id, name, arguments: args, kind: 'function', extensions: call.extensions(PROTOCOL) };
}

/** An assistant's message, in a request or an answer: content, plan, tool calls, in this order. */
export function decodeAssistant(message: Fields): readonly Part[] {
  const content = decodeContent(message);
  const citations = message.array('citations') ?? [];
  const cited = withCitations(content, citations);
  if (!cited.whole || citations.length === 0) message.respell('citations');
  const planned = message.string('tool_plan');
  if (planned === '') message.respell('tool_plan');
  const calls = message.array('tool_calls') ?? [];
  if (calls.length === 0) message.respell('tool_calls');
  return [
    ...cited.parts,
    ...(planned === undefined || planned === '' ? [] : [plan(planned)]),
    ...calls.map((call, index) => decodeToolCall(call, `${message.at('tool_calls')}[${index}]`)),
  ];
}
