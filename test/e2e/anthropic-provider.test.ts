import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import OpenAI, { APIError } from 'openai';
import { listCases, type CaseIndex } from '../replay/cases.ts';
import { startReplayUpstream, type ReplayUpstream } from '../replay/upstream.ts';
import { startNode, type RunningNode } from './node.ts';

/** The official openai client, an Anthropic provider: what it reads must be what Anthropic's own client reads from the recorded bytes. */

const cases = listCases().filter(
  ({ provider, endpoint, framing }) =>
    ['anthropic', 'vertex-anthropic'].includes(provider) && endpoint === 'messages' && ['json', 'sse', 'chunks'].includes(framing),
);

interface Reading {
  readonly text: string;
  readonly tools: readonly { readonly id: string; readonly name: string; readonly input: unknown }[];
  readonly stop: string | null;
  readonly input: number;
  readonly output: number;
  readonly cached: number;
}

const FINISH: Readonly<Record<string, string>> = {
  end_turn: 'stop',
  stop_sequence: 'stop',
  tool_use: 'tool_calls',
  max_tokens: 'length',
  refusal: 'content_filter',
  pause_turn: 'stop',
  model_context_window_exceeded: 'length',
};

async function byAnthropic(client: Anthropic, found: CaseIndex): Promise<Reading | { status: number }> {
  try {
    const body = { model: `case:${found.case}`, max_tokens: 16, messages: [{ role: 'user' as const, content: 'x' }] };
    const message = found.stream ? await client.messages.stream(body).finalMessage() : await client.messages.create(body);
    const usage = message.usage;
    return {
      text: message.content.flatMap((block) => (block.type === 'text' ? [block.text] : [])).join(''),
      tools: message.content.flatMap((block) =>
        block.type === 'tool_use' ? [{ id: block.id, name: block.name, input: block.input }] : [],
      ),
      stop: FINISH[message.stop_reason ?? ''] ?? null,
      input: usage.input_tokens + (usage.cache_read_input_tokens ?? 0) + (usage.cache_creation_input_tokens ?? 0),
      output: usage.output_tokens,
      cached: usage.cache_read_input_tokens ?? 0,
    };
  } catch (error) {
    if (error instanceof Anthropic.APIError && typeof error.status === 'number') return { status: error.status };
    throw error;
  }
}

const parsed = (text: string): unknown => (text === '' ? {} : JSON.parse(text));

async function byOpenAI(client: OpenAI, found: CaseIndex): Promise<Reading | { status: number }> {
  const body = { model: `claude/case:${found.case}`, messages: [{ role: 'user' as const, content: 'x' }] };
  try {
    const completion = found.stream
      ? await client.chat.completions.stream({ ...body, stream_options: { include_usage: true } }).finalChatCompletion()
      : await client.chat.completions.create(body);
    const choice = completion.choices[0];
    return {
      text: choice?.message.content ?? '',
      tools: (choice?.message.tool_calls ?? []).flatMap((call) =>
        call.type === 'function' ? [{ id: call.id, name: call.function.name, input: parsed(call.function.arguments) }] : [],
      ),
      stop: choice?.finish_reason ?? null,
      input: completion.usage?.prompt_tokens ?? -1,
      output: completion.usage?.completion_tokens ?? -1,
      cached: completion.usage?.prompt_tokens_details?.cached_tokens ?? 0,
    };
  } catch (error) {
    if (error instanceof APIError && typeof error.status === 'number') return { status: error.status };
    throw error;
  }
}

describe('an openai client on an Anthropic provider', () => {
  let upstream: ReplayUpstream;
  let node: RunningNode;
  let openai: OpenAI;
  let anthropic: Anthropic;

  before(async () => {
    upstream = await startReplayUpstream();
    node = await startNode({ config: `providers:\n  claude: { kind: anthropic, base_url: "${upstream.origin}/v1", private: true }\n` });
    const added = await node.cli(['credential', 'add', 'claude', '--stdin', '--no-try'], 'sk-ant-test-0123456789\n');
    assert.equal(added.code, 0, added.stderr);
    openai = new OpenAI({ apiKey: await node.newKey(), baseURL: `${node.url}/v1`, maxRetries: 0 });
    anthropic = new Anthropic({ apiKey: 'none', baseURL: upstream.origin, maxRetries: 0 });
  });

  after(async () => {
    await node.stop();
    await upstream.close();
  });

  it('has enough recordings to prove something', () => assert.ok(cases.length > 90, `${cases.length} cases`));

  for (const found of cases) {
    it(found.case, async () => {
      assert.deepEqual(await byOpenAI(openai, found), await byAnthropic(anthropic, found));
    });
  }

  it('sends the credential as x-api-key, the version, and never the virtual key', () => {
    const ours = upstream.seen.filter(({ requestId }) => requestId?.startsWith('req_') === true);
    assert.ok(ours.length >= cases.length);
    for (const { headers } of ours) {
      assert.equal(headers['x-api-key'], 'sk-ant-test-0123456789');
      assert.equal(headers['anthropic-version'], '2023-06-01');
      assert.equal(headers.authorization, undefined);
      assert.ok(!JSON.stringify(headers).includes('bh_live_'));
    }
  });
});
