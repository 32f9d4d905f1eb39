/** Recorded answers that a client cannot be shown as the provider's own client shows them, each with the reason. They count as unequal in the matrix. */

interface KnownDifference {
  readonly case: string;
  /** Names of the matrix's clients. */
  readonly clients: RegExp;
  readonly reason: string;
}

/** `ai` hands out all choices of a stream as one, for whichever protocol. */
const JOINED = 'several choices were asked for, and `ai` joins those of a stream';

/** A client that asks for a free-text tool gets calls of it as such. */
const FREE_TEXT = 'a free-text tool was asked for, which `ai` does not know in chat completions';
const VERCEL_CHAT = /^ai .*\(chat\)$/;

export const UNEQUAL: readonly KnownDifference[] = [
  { case: 'openai/chat-completions/ddjs-chat-completions-post-6df851cc-stream', clients: /^ai /, reason: JOINED },
  { case: 'openai/chat-completions/otel-chat-completion-multiple-choices-streaming', clients: /^ai /, reason: JOINED },
  { case: 'mistral/chat-completions/rig-terminal-metadata-matrix-streaming-mistral-small-tiny-plain-two', clients: /^ai /, reason: JOINED },
  { case: 'openai/responses/ddpy-response-custom-tool-call', clients: VERCEL_CHAT, reason: FREE_TEXT },
  {
    case: 'openai/responses/lingua-responsesadditionaltoolsmultipletoolsparam-followup-stream',
    clients: VERCEL_CHAT,
    reason: FREE_TEXT,
  },
];

/** Recorded streams that tell of a failure, or that were cut: their provider's own client refuses them, and so must every other. */
export const REFUSED: ReadonlyMap<string, string> = new Map([
  ['alibaba/chat-completions/genai-qwen3-vl-flash-genstreammultimodal-image-gif-url', 'an error instead of a first chunk'],
  ['openai/chat-completions/genai-gpt-audio-genstream-stop', 'an error after some words'],
  ['openai/responses/prism-stream-rate-limited-1', 'ends as failed'],
  ['gemini/stream-generate-content/firebase-streaming-failure-prompt-blocked-safety', 'was captured without its last line'],
]);
