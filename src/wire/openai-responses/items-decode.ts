import type { Json, JsonObject } from '../../core/json.ts';
import type { Extensions, Part, SignatureFormat } from '../../canonical/part.ts';
import { ROLES, type Message, type Role } from '../../canonical/request.ts';
import { FieldFault, Fields } from '../fields.ts';
import { decodeContent } from './content-decode.ts';
import { PROTOCOL } from './names.ts';
import { decodeReasoning } from './reasoning.ts';

/*
 * Items are flat here: reasoning, words and calls of one turn follow each other. In the canonical form they are parts of one assistant message. What a message
 * item says of itself (id, status, phase) hangs on its first part, which so also says where an item begins.
 */

type Spoken = Extract<Part, { type: 'text' | 'refusal' }>;
const isSpoken = (part: Part): part is Spoken => part.type === 'text' || part.type === 'refusal';

const isRole = (text: string): text is Role => (ROLES as readonly string[]).includes(text);

/** The extension of the first part of a message item: the part's own members under `part`, the item's under `message`. */
function withMessage(part: Spoken, message: Extensions | undefined, unsaid: readonly string[]): Part {
  const own = part.extensions?.[PROTOCOL];
  const item = message?.[PROTOCOL];
  const members = { part: own?.members ?? {}, message: item?.members ?? {} };
  return { ...part, extensions: { [PROTOCOL]: { members, lost: [...(own?.lost ?? []), ...(item?.lost ?? []), ...unsaid] } } };
}

const withPart = (part: Spoken): Part => {
  const own = part.extensions?.[PROTOCOL];
  return own === undefined ? part : { ...part, extensions: { [PROTOCOL]: { members: { part: own.members }, lost: own.lost } } };
};

const kindOf = (part: Part): string => (part.type === 'other' ? String((part.value as JsonObject)['type']) : part.type);

/** What the assistant said. Content of other kinds than words stays with the item, and an item without words stays whole. */
function decodeSpoken(item: Fields, value: Json, base: number): readonly Part[] {
  const parts = decodeContent(item, 'content', { text: 'output_text', base });
  const [first, ...rest] = parts.filter(isSpoken);
  if (first === undefined) return [{ type: 'other', protocol: PROTOCOL, value }];
  const unsaid = parts.filter((part) => !isSpoken(part)).map(kindOf);
  item.respell('id', 'status', 'type', ...(unsaid.length === 0 ? [] : ['content']));
  return [withMessage(first, item.extensions(PROTOCOL), unsaid), ...rest.map(withPart)];
}

function decodeCall(item: Fields, kind: 'function' | 'custom'): Part {
  const id = item.requiredString('call_id');
  const name = item.requiredString('name');
  const text = item.requiredString(kind === 'custom' ? 'input' : 'arguments');
  item.respell('id', 'status');
  return { type: 'tool_call', id, name, arguments: text, kind, extensions: item.extensions(PROTOCOL) };
}

function decodeOutput(item: Fields): Part {
  const callId = item.requiredString('call_id');
  const parts = decodeContent(item, 'output', { text: 'input_text', base: 0 });
  item.respell('id', 'status', ...(parts.length === 0 ? ['output'] : []));
  if (item.peek('type') === 'custom_tool_call_output') item.respell('type');
  return { type: 'tool_result', callId, parts, extensions: item.extensions(PROTOCOL) };
}

/** An item that is a message of its own; undefined: it belongs to the assistant's turn. */
function decodeOwnMessage(item: Fields, type: string): Message | undefined {
  if (type === 'function_call_output' || type === 'custom_tool_call_output') {
    return typeof item.peek('call_id') === 'string' ? { role: 'tool', parts: [decodeOutput(item)] } : undefined;
  }
  if (type !== 'message') return undefined;
  const role = item.requiredString('role');
  if (!isRole(role) || role === 'tool') throw new FieldFault(item.at('role'), 'must be one of system, developer, user, assistant');
  if (role === 'assistant') return undefined;
  const parts = decodeContent(item, 'content', { text: 'input_text', base: 0 });
  item.respell('id', 'status', 'type');
  return { role, parts, extensions: item.extensions(PROTOCOL) };
}

/** Items that only this protocol has (its server's tools, references, compactions) stay whole. */
function decodeTurnItem(item: Fields, value: Json, type: string, format: SignatureFormat, base: number): readonly Part[] {
  switch (type) {
    case 'message':
      item.value('role');
      return decodeSpoken(item, value, base);
    case 'reasoning':
      return [decodeReasoning(item, value, format)];
    case 'function_call':
      return [decodeCall(item, 'function')];
    case 'custom_tool_call':
      return [decodeCall(item, 'custom')];
    default:
      return [{ type: 'other', protocol: PROTOCOL, value }];
  }
}

/** The short form of a message says no type, and neither does that of a reference. */
const typeOf = (item: Fields): string => item.string('type') ?? (item.peek('role') === undefined ? 'item_reference' : 'message');

/** The input of a request: what the assistant said and did between two other messages is one message. */
export function decodeInput(items: readonly Json[], format: SignatureFormat): readonly Message[] {
  const messages: Message[] = [];
  let turn: Part[] = [];
  const endTurn = (): void => {
    if (turn.length > 0) messages.push({ role: 'assistant', parts: turn });
    turn = [];
  };
  items.forEach((value, index) => {
    const item = new Fields(value, `input[${index}]`);
    const type = typeOf(item);
    const message = decodeOwnMessage(item, type);
    if (message === undefined) turn.push(...decodeTurnItem(item, value, type, format, 0));
    else {
      endTurn();
      messages.push(message);
    }
  });
  endTurn();
  return messages;
}

/** The output of a response: the parts of its one choice. */
export function decodeOutputItems(items: readonly Json[], format: SignatureFormat): readonly Part[] {
  let base = 0;
  return items.flatMap((value, index) => {
    const item = new Fields(value, `output[${index}]`);
    const parts = decodeTurnItem(item, value, typeOf(item), format, base);
    for (const part of parts) if (part.type === 'text') base += part.text.length;
    return parts;
  });
}

/** Logprobs of a text, from its extension. */
export function logprobsOf(part: Part): readonly Json[] {
  const own = part.type === 'text' ? (part.extensions?.[PROTOCOL]?.members['part'] as JsonObject | undefined) : undefined;
  const logprobs = own?.['logprobs'];
  return Array.isArray(logprobs) ? (logprobs as readonly Json[]) : [];
}
