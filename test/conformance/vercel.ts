import { createAnthropic } from '@ai-sdk/anthropic';
import { createGoogle } from '@ai-sdk/google';
import { createOpenAI } from '@ai-sdk/openai';
import { generateText, streamText, type LanguageModel, type LanguageModelUsage } from 'ai';
import type { WireProtocolId } from '../../src/wire/protocol.ts';
import { answering, type Read, type Reading, type StopReading } from './reading.ts';

/** What Vercel's `ai` package hands out from an answer in each of the client protocols. */

type Model = (body: Buffer, stream: boolean) => LanguageModel;

const key = 'none';

const STOPS: ReadonlyMap<string, StopReading> = new Map([
  ['stop', 'stop'],
  ['length', 'length'],
  ['tool-calls', 'tool_calls'],
  ['content-filter', 'content_filter'],
]);

interface Generated {
  readonly text: string;
  readonly reasoningText: string | undefined;
  readonly toolCalls: readonly {
    readonly toolCallId: string;
    readonly toolName: string;
    readonly input: unknown;
    readonly providerExecuted?: boolean;
  }[];
  readonly finishReason: string;
  readonly usage: LanguageModelUsage;
}

function usageOf({
  inputTokens: input,
  outputTokens: output,
  inputTokenDetails,
  outputTokenDetails,
}: LanguageModelUsage): Reading['usage'] {
  if (input === undefined || output === undefined) return undefined;
  return { input, output, cached: inputTokenDetails.cacheReadTokens ?? 0, reasoning: outputTokenDetails.reasoningTokens };
}

function readingOf({ text, reasoningText, toolCalls, finishReason, usage }: Generated): Reading {
  const own = toolCalls.filter(({ providerExecuted }) => providerExecuted !== true);
  return {
    text,
    thinking: reasoningText ?? '',
    tools: own.map(({ toolCallId: id, toolName: name, input }) => ({ id, name, input })),
    stop: STOPS.get(finishReason),
    usage: usageOf(usage),
  };
}

async function streamed(model: LanguageModel): Promise<Generated> {
  // The package hands errors of a stream to this listener and not to who awaits its parts.
  const faults: unknown[] = [];
  const result = streamText({ model, prompt: 'any', maxOutputTokens: 1, maxRetries: 0, onError: ({ error }) => void faults.push(error) });
  for await (const part of result.fullStream) if (part.type === 'error' || part.type === 'abort') faults.push(part);
  if (faults.length > 0) throw new Error('the stream failed', { cause: faults[0] });
  const [text, reasoningText, toolCalls, finishReason, usage] = await Promise.all([
    result.text,
    result.reasoningText,
    result.toolCalls,
    result.finishReason,
    result.usage,
  ]);
  return { text, reasoningText, toolCalls, finishReason, usage };
}

const reader =
  (model: Model): Read =>
  async (body, stream) =>
    readingOf(
      stream
        ? await streamed(model(body, true))
        : await generateText({ model: model(body, false), prompt: 'any', maxOutputTokens: 1, maxRetries: 0 }),
    );

interface VercelReader {
  readonly package: string;
  readonly read: Read;
  /** What its users are never shown, whoever answers. */
  readonly hides: readonly (keyof Reading)[];
}

/** By the protocol that the package's provider speaks. */
export const VERCEL_READERS: Readonly<Partial<Record<WireProtocolId, VercelReader>>> = {
  'openai-chat': {
    package: '@ai-sdk/openai',
    read: reader((body, stream) => createOpenAI({ apiKey: key, fetch: answering(body, stream) }).chat('any')),
    // OpenAI itself sends no reasoning in chat completions, so the package reads none.
    hides: ['thinking'],
  },
  'openai-responses': {
    package: '@ai-sdk/openai',
    read: reader((body, stream) => createOpenAI({ apiKey: key, fetch: answering(body, stream) }).responses('any')),
    hides: [],
  },
  'anthropic-messages': {
    package: '@ai-sdk/anthropic',
    read: reader((body, stream) => createAnthropic({ apiKey: key, fetch: answering(body, stream) })('any')),
    hides: [],
  },
  gemini: {
    package: '@ai-sdk/google',
    read: reader((body, stream) => createGoogle({ apiKey: key, fetch: answering(body, stream) })('any')),
    hides: [],
  },
};
