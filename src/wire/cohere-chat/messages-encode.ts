import type { JsonObject } from '../../core/json.ts';
import type { FilePart, Part, ThinkingPart, ToolResultPart } from '../../canonical/part.ts';
import type { CanonicalRequest, Message } from '../../canonical/request.ts';
import type { Dropped } from '../dropped.ts';
import { encodeCitations } from './citations.ts';
import { isPlan } from './content-decode.ts';
import { asContent, asDocument, encodeParts, encodeToolCall, sortAssistant } from './content-encode.ts';
import { reasons } from './models.ts';
import { PROTOCOL } from './names.ts';

export interface Conversation {
  readonly messages: readonly JsonObject[];
  /** Text files of the conversation: Cohere reads them beside the messages. */
  readonly documents: readonly JsonObject[];
}

/** A conversation being written: its documents are counted over all messages. */
interface Writing {
  readonly dropped: Dropped;
  readonly model: string;
  readonly documents: JsonObject[];
}

/** Reasoning before tool calls is their plan. Models that reason get it back as they said it; the others know no reasoning but a plan. */
function plannedBy(message: Message, { dropped, model }: Writing): (part: ThinkingPart) => boolean {
  const callsTools = message.parts.some((part) => part.type === 'tool_call');
  return (part) => isPlan(part) || (!dropped.sourceIs(PROTOCOL) && callsTools && !reasons(model));
}

function encodeAssistant(message: Message, writing: Writing): JsonObject {
  const { dropped } = writing;
  const { spoken, contents, plan, calls } = sortAssistant(message.parts, plannedBy(message, writing));
  for (const part of message.parts) {
    if (part.type === 'tool_call' && part.cache !== undefined) dropped.field('cacheMarker');
    if (part.type === 'tool_call') dropped.extensions(part.extensions, 'part');
    if (part.type === 'image' || part.type === 'audio' || part.type === 'video' || part.type === 'file') dropped.field(part.type);
  }
  const content = encodeParts(spoken, dropped);
  return {
    role: 'assistant',
    content:
      content.length === 0 && (calls.length > 0 || dropped.sourceIs(PROTOCOL)) ? undefined : content.length === 0 ? '' : asContent(content),
    citations: encodeCitations(message.parts, contents),
    tool_plan: plan,
    tool_calls: calls.length === 0 ? undefined : calls.map((call, index) => encodeToolCall(call, `call_${index}`)),
    ...dropped.extensions(message.extensions, 'message'),
  };
}

/** Text files leave the messages for `documents`; what cannot be read is reported. */
function takeFiles(parts: readonly Part[], { dropped, documents }: Writing): void {
  for (const part of parts) {
    if (part.type !== 'file') continue;
    const document = asDocument(part satisfies FilePart, documents.length);
    if (document === undefined) dropped.field('file');
    else documents.push(document);
  }
}

const staysInResult = (part: Part): boolean => part.type === 'text' || part.type === 'other';

/** A tool's message holds text and documents; images of a result follow in a user message. */
function encodeToolResult(result: ToolResultPart, own: JsonObject | undefined, { dropped }: Writing): JsonObject {
  if (result.isError === true) dropped.field('toolResultError');
  if (result.cache !== undefined) dropped.field('cacheMarker');
  dropped.extensions(result.extensions, 'part');
  const content = encodeParts(result.parts.filter(staysInResult), dropped);
  return {
    role: 'tool',
    tool_call_id: result.callId,
    content: content.length === 0 && !dropped.sourceIs(PROTOCOL) ? '' : asContent(content),
    ...own,
  };
}

/** A user's or tool's message: results first, each as a message of its own, then the rest. */
function encodeTurn(message: Message, writing: Writing): readonly JsonObject[] {
  const { dropped } = writing;
  const own = dropped.extensions(message.extensions, 'message');
  const results = message.parts.filter((part) => part.type === 'tool_result');
  const media = results.flatMap((result) => result.parts.filter((part) => !staysInResult(part)));
  const others = [...media, ...message.parts.filter((part) => part.type !== 'tool_result')];
  takeFiles(others, writing);
  const rest = encodeParts(others, dropped);
  const encoded = results.map((result) => encodeToolResult(result, message.role === 'tool' ? own : undefined, writing));
  if (results.length > 0 && rest.length === 0) return encoded;
  if (results.length > 0) return [...encoded, { role: 'user', content: asContent(rest) }];
  const content = rest.length === 0 && !dropped.sourceIs(PROTOCOL) ? '' : asContent(rest);
  return [{ role: 'user', content, ...own }];
}

/** A system message is text alone. */
function encodeSystem(message: Message, { dropped }: Writing): JsonObject {
  for (const part of message.parts) if (part.type === 'image' || part.type === 'file') dropped.field(part.type);
  const own = dropped.extensions(message.extensions, 'message');
  const content = encodeParts(
    message.parts.filter((part) => part.type !== 'image'),
    dropped,
  );
  return { role: 'system', content: content.length === 0 && !dropped.sourceIs(PROTOCOL) ? '' : asContent(content), ...own };
}

function encodeMessage(message: Message, writing: Writing): readonly JsonObject[] {
  if (message.name !== undefined) writing.dropped.field('participant');
  switch (message.role) {
    case 'system':
    case 'developer':
      return [encodeSystem(message, writing)];
    case 'assistant':
      return [encodeAssistant(message, writing)];
    case 'user':
    case 'tool':
      return encodeTurn(message, writing);
  }
}

export function encodeConversation(request: CanonicalRequest, model: string, dropped: Dropped): Conversation {
  const writing = { dropped, model, documents: [] };
  return { messages: request.messages.flatMap((message) => encodeMessage(message, writing)), documents: writing.documents };
}
