import { providerFraming } from '../../src/gateway/framing.ts';
import { laterUsage } from '../../src/gateway/usage-merge.ts';
import { parseObject } from '../../src/gateway/capture.ts';
import type { TokenUsage } from '../../src/core/usage.ts';
import { NATIVE } from '../../src/wire/native.ts';
import type { WireProtocolId } from '../../src/wire/protocol.ts';
import { readAnswer } from '../replay/cases.ts';

/** What the gateway reports of a recorded answer that passes through it. */

const PROTOCOLS: Readonly<Record<string, WireProtocolId>> = {
  'chat-completions': 'openai-chat',
  completions: 'openai-completions',
  responses: 'openai-responses',
  embeddings: 'openai-embeddings',
  'audio-transcriptions': 'openai-audio',
  'audio-translations': 'openai-audio',
  images: 'openai-images',
  'images-edits': 'openai-images',
  messages: 'anthropic-messages',
  'generate-content': 'gemini',
  'stream-generate-content': 'gemini',
  'embed-content': 'gemini-embeddings',
  converse: 'bedrock-converse',
  'converse-stream': 'bedrock-converse',
  chat: 'cohere-chat',
  embed: 'cohere-embeddings',
  rerank: 'cohere-rerank',
  ocr: 'raw',
};

const PRICE_LISTS: Readonly<Record<string, string>> = {
  'azure-openai': 'azure',
  gemini: 'google',
  vertex: 'google',
  'vertex-anthropic': 'anthropic',
  bedrock: 'aws',
  xai: 'x-ai',
  moonshot: 'moonshotai',
  voyage: 'voyageai',
};

export const priceListOf = (name: string): string => {
  const provider = name.split('/')[0] ?? '';
  return PRICE_LISTS[provider] ?? provider;
};

/** Undefined: the answer tells no figures. */
export function recordedUsage(name: string): TokenUsage | undefined {
  const protocol = PROTOCOLS[name.split('/')[1] ?? ''];
  if (protocol === undefined) throw new Error(`no protocol for ${name}`);
  const { passThrough } = NATIVE[protocol];
  const { body, framing } = readAnswer(name);
  if (framing === 'json') return passThrough.usageOfResponse(parseObject(body) ?? {});
  const provider = providerFraming(framing === 'aws-eventstream' ? framing : 'sse');
  let usage: TokenUsage | undefined;
  const read = (raw: Buffer): void => {
    const event = passThrough.mayMatter(raw) ? provider.parse(raw) : undefined;
    const found = event === undefined ? undefined : passThrough.readEvent(event).usage;
    if (found !== undefined) usage = laterUsage(usage, found);
  };
  const splitter = provider.splitter(read, { source: name });
  splitter.push(body);
  read(splitter.rest());
  return usage;
}
