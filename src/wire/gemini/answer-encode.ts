import type { JsonObject } from '../../core/json.ts';
import type { Part } from '../../canonical/part.ts';
import { ownMembers } from '../fields.ts';
import { callMembers, encodeSource, inlineData } from './content-encode.ts';
import { audioTypeOf } from './media.ts';
import { PROTOCOL, untagged } from './names.ts';
import { encodeSigned, signForClient } from './signature.ts';
import { over } from './spelling.ts';

/** A part of an answer; undefined for what answers do not have here (another's server tools). */
export function encodeAnswerPart(part: Part): JsonObject | undefined {
  switch (part.type) {
    case 'text':
    case 'refusal':
      return { text: part.text };
    case 'thinking':
      return { text: part.text, thought: true, thoughtSignature: signForClient(part.signature, part.format) };
    case 'tool_call':
      return { functionCall: callMembers(part) };
    case 'image':
    case 'file':
    case 'video':
      return encodeSource(part.source, true);
    case 'audio':
      return inlineData(audioTypeOf(part.format), part.data);
    case 'other':
      return part.protocol === PROTOCOL ? untagged(part.value) : undefined;
    case 'redacted_thinking':
    case 'tool_result':
      return undefined;
  }
}

function encode(part: Part): readonly JsonObject[] {
  const encoded = encodeAnswerPart(part);
  if (encoded === undefined) return [];
  return [part.type === 'other' ? encoded : over(encoded, ownMembers(part.extensions, PROTOCOL))];
}

export const encodeAnswer = (parts: readonly Part[]): readonly JsonObject[] => encodeSigned(parts, encode, signForClient);
