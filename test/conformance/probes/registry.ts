import { PROTOCOLS } from '../protocols/registry.ts';
import { anthropicMessagesProbes } from './anthropic-messages.ts';
import { geminiProbes } from './gemini.ts';
import { openaiChatProbes } from './openai-chat.ts';
import { openaiResponsesProbes } from './openai-responses.ts';
import type { ProbeSet } from './probe.ts';

const ALL: readonly ProbeSet[] = [openaiChatProbes, openaiResponsesProbes, anthropicMessagesProbes, geminiProbes];

/** The fields of every client protocol that the suite knows. */
export const PROBES: readonly ProbeSet[] = ALL.filter(({ protocol }) => PROTOCOLS.some(({ id }) => id === protocol));
