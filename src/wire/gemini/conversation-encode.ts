import type { JsonObject } from '../../core/json.ts';
import { GEMINI_SIGNATURE, type Part } from '../../canonical/part.ts';
import type { CanonicalRequest, Message } from '../../canonical/request.ts';
import type { Dropped } from '../dropped.ts';
import { encodePart, type Writing } from './content-encode.ts';
import { thinkingStyle } from './models.ts';
import { PROTOCOL } from './names.ts';
import { encodeSigned, settled, signForProvider } from './signature.ts';
import { over } from './spelling.ts';

/** A content being put together. `results`: it answers calls, and all answers to one round of calls must be one content. */
interface Turn {
  readonly role: 'user' | 'model';
  readonly parts: readonly JsonObject[];
  readonly results: boolean;
  readonly own: JsonObject | undefined;
}

const isSystem = (message: Message): boolean => message.role === 'system' || message.role === 'developer';

/** Google's own word for "this call was not made by me" (base64 of its bytes); without a signature Gemini 3 refuses the first call of a step. */
const NO_SIGNATURE = 'Y29udGV4dF9lbmdpbmVlcmluZ19pc190aGVfd2F5X3RvX2dv';

function withFirstCallSigned(parts: readonly JsonObject[]): readonly JsonObject[] {
  const at = parts.findIndex((part) => part['functionCall'] !== undefined);
  const call = parts[at];
  return call === undefined || call['thoughtSignature'] !== undefined ? parts : parts.with(at, { ...call, thoughtSignature: NO_SIGNATURE });
}

/** Another vendor's turn in a Gemini client's own history: its signature is left out, and Gemini's there never was. */
const isForeignSigned = (part: Part): boolean =>
  (part.type === 'thinking' || part.type === 'redacted_thinking') && part.format !== undefined && part.format !== GEMINI_SIGNATURE;

/** Results first: they must follow the calls at once. */
const answersFirst = (parts: readonly Part[]): readonly Part[] => [
  ...parts.filter((part) => part.type === 'tool_result'),
  ...parts.filter((part) => part.type !== 'tool_result'),
];

function encodeTurn(message: Message, writing: Writing): Turn {
  const { dropped, model } = writing;
  const isNative = dropped.sourceIs(PROTOCOL);
  if (message.name !== undefined) dropped.field('participant');
  const own = dropped.extensions(message.extensions, 'message');
  const role = message.role === 'assistant' ? 'model' : 'user';
  const said = isNative ? message.parts : role === 'model' ? settled(message.parts) : answersFirst(message.parts);
  const parts = encodeSigned(said, (part) => encodePart(part, writing), signForProvider);
  const isForeign = !isNative || message.parts.some(isForeignSigned);
  const needsSignature = role === 'model' && isForeign && thinkingStyle(model) === 'level';
  return {
    role,
    parts: needsSignature ? withFirstCallSigned(parts) : parts,
    results: message.role === 'tool' && !isNative,
    own,
  };
}

function append(turns: Turn[], turn: Turn): void {
  const last = turns.at(-1);
  if (last?.results === true && turn.results) turns[turns.length - 1] = { ...last, parts: [...last.parts, ...turn.parts] };
  else turns.push(turn);
}

export interface Conversation {
  readonly systemInstruction: JsonObject | undefined;
  readonly contents: readonly JsonObject[];
}

const contentOf = ({ role, parts, own }: Turn): JsonObject => over({ role, parts }, own);

/** Gemini has one instruction, in front: system messages from anywhere join it. Where nothing else was said, it is the user's word, since there must be one. */
export function encodeConversation(request: CanonicalRequest, model: string, dropped: Dropped): Conversation {
  const writing: Writing = { dropped, model, called: new Map() };
  const system: Turn[] = [];
  const turns: Turn[] = [];
  for (const message of request.messages) {
    const turn = encodeTurn(message, writing);
    if (turn.parts.length === 0 && !dropped.sourceIs(PROTOCOL)) continue;
    if (isSystem(message)) system.push(turn);
    else append(turns, turn);
  }
  const parts = system.flatMap((turn) => turn.parts);
  if (turns.length === 0 && !dropped.sourceIs(PROTOCOL)) return { systemInstruction: undefined, contents: [{ role: 'user', parts }] };
  return {
    systemInstruction: parts.length === 0 ? undefined : over({ parts }, system[0]?.own),
    contents: turns.map(contentOf),
  };
}
