/** Anthropic's token counting (`/v1/messages/count_tokens`): a Messages request without an answer, answered by its size. */
import type { JsonObject } from '../../core/json.ts';
import type { CountRequest, CountResponse } from '../../canonical/call.ts';
import { decodeConversation } from '../anthropic-messages/request-decode.ts';
import { encodeRequest as encodeMessages } from '../anthropic-messages/request-encode.ts';
import { Fields, ownMembers, understood } from '../fields.ts';
import { tokenCount } from '../openai-chat/usage.ts';
import type { CallCodec, Encoded, EncodeTarget } from '../protocol.ts';

export const PROTOCOL = 'anthropic-count-tokens';

/** What a count takes of a Messages request (its schema and the beta's); the rest says nothing of its size. */
const MEMBERS: ReadonlySet<string> = new Set([
  'model',
  'messages',
  'system',
  'tools',
  'tool_choice',
  'thinking',
  'output_config',
  'output_format',
  'cache_control',
  'context_management',
  'mcp_servers',
  'speed',
]);

function decodeRequest(body: JsonObject): CountRequest {
  const conversation = decodeConversation(body);
  return { source: PROTOCOL, model: conversation.model, conversation };
}

/** An Anthropic client's own request is written as it came; the number of tokens that every Messages request must ask for is no part of it. */
function encodeRequest({ source, conversation }: CountRequest, target: EncodeTarget): Encoded {
  const { body, dropped } = encodeMessages(conversation, target);
  const isTaken = (name: string): boolean =>
    source === PROTOCOL ? name !== 'max_tokens' || conversation.maxOutputTokens !== undefined : MEMBERS.has(name);
  return { body: Object.fromEntries(Object.entries(body).filter(([name]) => isTaken(name))), dropped };
}

function decodeResponse(value: JsonObject): CountResponse {
  const body = new Fields(value, '');
  const counted = body.number('input_tokens') ?? body.missing('input_tokens', 'a number');
  return { inputTokens: tokenCount(counted), extensions: body.extensions(PROTOCOL) };
}

export const anthropicCountTokensCodec = {
  protocol: PROTOCOL,
  decodeRequest: (body) => understood(() => decodeRequest(body)),
  encodeRequest,
  decodeResponse: (body) => understood(() => decodeResponse(body)),
  encodeResponse: ({ inputTokens, extensions }) => ({ input_tokens: inputTokens, ...ownMembers(extensions, PROTOCOL) }),
} as const satisfies CallCodec<CountRequest, CountResponse>;
