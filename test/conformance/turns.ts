import type { Json, JsonObject } from '../../src/core/json.ts';
import type { Part, ToolCallPart } from '../../src/canonical/part.ts';
import type { WireProtocolId } from '../../src/wire/protocol.ts';
import { parsed } from './reading.ts';
import { isObject } from './same.ts';

/** The next request of a conversation: what a client sends back of an answer, as each protocol's documentation says. */

const list = (value: Json | undefined): readonly Json[] => (Array.isArray(value) ? (value as readonly Json[]) : []);
const first = (value: Json | undefined): JsonObject => {
  const [head] = list(value);
  return isObject(head) ? head : {};
};
const member = (value: JsonObject, name: string): JsonObject => (isObject(value[name]) ? value[name] : {});
const asked = { role: 'user', content: 'any' };

const NEXT: Readonly<Partial<Record<WireProtocolId, (answer: JsonObject) => JsonObject>>> = {
  'openai-chat': (answer) => ({ model: 'any', messages: [asked, member(first(answer['choices']), 'message')] }),
  'mistral-chat': (answer) => ({ model: 'any', messages: [asked, member(first(answer['choices']), 'message')] }),
  'anthropic-messages': ({ role, content }) => ({ model: 'any', max_tokens: 4096, messages: [asked, { role, content }] }),
  'openai-responses': ({ output }) => ({ model: 'any', input: [asked, ...list(output)] }),
  gemini: (answer) => ({ contents: [{ role: 'user', parts: [{ text: 'any' }] }, member(first(answer['candidates']), 'content')] }),
  'bedrock-converse': (answer) => ({
    messages: [{ role: 'user', content: [{ text: 'any' }] }, member(member(answer, 'output'), 'message')],
  }),
  'cohere-chat': ({ message }) => ({ model: 'any', messages: [asked, message ?? {}] }),
  'ollama-chat': ({ message }) => ({ model: 'any', messages: [asked, message ?? {}] }),
};

/** Undefined: nothing is known of the protocol. */
export const nextRequest = (protocol: WireProtocolId, answer: JsonObject): JsonObject | undefined => NEXT[protocol]?.(answer);

/** What a model must find again of its own turn. */
export interface Remembered {
  readonly text: string;
  /** Signatures and sealed reasoning, in order. */
  readonly sealed: readonly string[];
  readonly calls: readonly { readonly name: string; readonly input: unknown }[];
}

/** A free-text call is one with a single text where the other side knows functions alone. */
const inputOf = ({ kind, arguments: text }: ToolCallPart): unknown => (kind === 'custom' ? { input: text } : parsed(text));

export function remembered(parts: readonly Part[]): Remembered {
  return {
    text: parts.map((part) => (part.type === 'text' || part.type === 'refusal' ? part.text : '')).join(''),
    sealed: parts.flatMap((part) =>
      part.type === 'thinking' && part.signature !== undefined && part.signature !== ''
        ? [part.signature]
        : part.type === 'redacted_thinking'
          ? [part.data]
          : [],
    ),
    calls: parts.flatMap((part) => (part.type === 'tool_call' ? [{ name: part.name, input: inputOf(part) }] : [])),
  };
}
