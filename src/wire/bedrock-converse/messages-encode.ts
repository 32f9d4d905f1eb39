import type { JsonObject } from '../../core/json.ts';
import type { CanonicalRequest, Message } from '../../canonical/request.ts';
import { takesSystemInPlace } from '../anthropic-messages/models.ts';
import { encodeBlocks, type Encoding } from './content-encode.ts';
import { vendorOf } from './models.ts';
import { PROTOCOL } from './names.ts';

interface Turn {
  readonly role: 'user' | 'assistant' | 'system';
  readonly blocks: readonly JsonObject[];
  readonly own: JsonObject | undefined;
}

const isSystem = (message: Message): boolean => message.role === 'system' || message.role === 'developer';

function encodeTurn(message: Message, encoding: Encoding): Turn {
  if (message.name !== undefined) encoding.dropped.field('participant');
  const own = encoding.dropped.extensions(message.extensions, 'message');
  const role = message.role === 'assistant' ? 'assistant' : isSystem(message) ? 'system' : 'user';
  return { role, blocks: encodeBlocks(message.parts, encoding), own };
}

/** User and assistant must take turns here: what one of them says in several messages becomes one, results of tools first as they came first. */
function joined(turns: readonly Turn[]): readonly Turn[] {
  const all: Turn[] = [];
  for (const turn of turns) {
    const last = all.at(-1);
    if (last?.role === turn.role) all[all.length - 1] = { ...last, blocks: [...last.blocks, ...turn.blocks] };
    else all.push(turn);
  }
  return all;
}

export interface Conversation {
  readonly system: readonly JsonObject[] | undefined;
  readonly messages: readonly JsonObject[];
}

/** System takes texts and cache points alone. */
function systemBlocks(turn: Turn, { dropped }: Encoding): readonly JsonObject[] {
  return turn.blocks.filter((block) => {
    const fits = 'text' in block || 'cachePoint' in block || 'guardContent' in block || dropped.sourceIs(PROTOCOL);
    if (!fits) dropped.inside('part', Object.keys(block)[0] ?? '');
    return fits;
  });
}

/**
 * System and developer messages at the head become `system`. Those in between stay in their place for models that take them there, and otherwise join
 * the others at the top.
 */
export function encodeConversation(request: CanonicalRequest, encoding: Encoding): Conversation {
  const { model, dropped } = encoding;
  const isOwn = dropped.sourceIs(PROTOCOL);
  const inPlace = isOwn || (vendorOf(model) === 'anthropic' && takesSystemInPlace(model));
  const head = request.messages.findIndex((message) => !isSystem(message));
  const start = head === -1 ? request.messages.length : head;
  const system: JsonObject[] = [];
  const turns: Turn[] = [];
  request.messages.forEach((message, index) => {
    const turn = encodeTurn(message, encoding);
    const isAtTop = isOwn ? index === 0 : index < start;
    if (turn.role === 'system' && (isAtTop || !inPlace)) system.push(...systemBlocks(turn, encoding));
    else if (isOwn || turn.blocks.length > 0) turns.push(turn);
  });
  const messages = (isOwn ? turns : joined(turns)).map(({ role, blocks, own }) => ({ role, content: blocks, ...own }));
  return { system: system.length === 0 ? undefined : system, messages };
}
