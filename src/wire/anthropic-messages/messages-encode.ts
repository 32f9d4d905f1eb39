import type { JsonObject } from '../../core/json.ts';
import type { CanonicalRequest, Message } from '../../canonical/request.ts';
import type { Dropped } from '../dropped.ts';
import { asContent, encodeBlocks } from './content-encode.ts';
import { takesSystemInPlace } from './models.ts';
import { PROTOCOL } from './names.ts';

/** A message being put together. `results`: it began with tool results, and what follows them belongs to the same turn. `blocks` grow in place: a round may have very many. */
interface Turn {
  readonly role: 'user' | 'assistant' | 'system';
  readonly blocks: JsonObject[];
  readonly results: boolean;
  readonly own: JsonObject | undefined;
}

const isSystem = (message: Message): boolean => message.role === 'system' || message.role === 'developer';

function encodeTurn(message: Message, dropped: Dropped): Turn {
  if (message.name !== undefined) dropped.field('participant');
  const own = dropped.extensions(message.extensions, 'message');
  const role = message.role === 'assistant' ? 'assistant' : isSystem(message) ? 'system' : 'user';
  return { role, blocks: [...encodeBlocks(message.parts, dropped)], results: message.role === 'tool', own };
}

/** All results of one round of tool calls, and the user's words after them, must be one message here. */
function append(turns: Turn[], turn: Turn): void {
  const last = turns.at(-1);
  if (last?.results !== true || turn.role !== 'user') {
    turns.push(turn);
    return;
  }
  for (const block of turn.blocks) last.blocks.push(block);
  turns[turns.length - 1] = { ...last, results: turn.results };
}

/** Anthropic refuses a message without content. */
const isSaid = (turn: Turn): boolean => turn.blocks.length > 0;

export interface Conversation {
  readonly system: string | readonly JsonObject[] | undefined;
  readonly messages: readonly JsonObject[];
}

/**
 * System and developer messages at the head become `system`. Those in between stay in their place for models that take them there,
 * and otherwise join the others at the top, since older models refuse the role.
 */
export function encodeConversation(request: CanonicalRequest, model: string, dropped: Dropped): Conversation {
  const inPlace = dropped.sourceIs(PROTOCOL) || takesSystemInPlace(model);
  const head = request.messages.findIndex((message) => !isSystem(message));
  const start = head === -1 ? request.messages.length : head;
  const system: JsonObject[] = [];
  const turns: Turn[] = [];
  request.messages.forEach((message, index) => {
    const turn = encodeTurn(message, dropped);
    if (turn.role === 'system' && (index < start || !inPlace)) system.push(...turn.blocks);
    else if (isSaid(turn)) append(turns, turn);
  });
  return {
    system: system.length === 0 ? undefined : asContent(system),
    messages: turns.map(({ role, blocks, own }) => ({ role, content: asContent(blocks), ...own })),
  };
}
