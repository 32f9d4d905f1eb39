import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { after, before, describe, it } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { encodeEventFrame } from '../../src/http/aws-eventstream.ts';
import { startReplayUpstream, type ReplayUpstream } from '../replay/upstream.ts';
import { startNode, type RunningNode } from './node.ts';

/**
 * Coding agents: long loops of reasoning, tool calls and large results, as their official clients send them. The provider holds every turn to what it said before:
 * reasoning, signatures and tool calls must come back byte for byte, or it refuses like the real one.
 */

const TURNS = 14;
const RESULT_BYTES = 24 * 1024;
const MODEL = 'claude-sonnet-4-5';

type Json = Record<string, unknown>;

const signature = (turn: number): string => Buffer.from(`signature ${turn} ${'é'.repeat(40)}`).toString('base64');
const result = (turn: number): string => `file ${turn}\n${`line "${turn}" \\ of naïve text 😀\n`.repeat(RESULT_BYTES / 32)}`;

/** What Claude says in a turn: reasoning and two calls at once, at last a text. */
const claudeBlocks = (turn: number): readonly Json[] =>
  turn >= TURNS
    ? [
        { type: 'thinking', thinking: 'All is read.', signature: signature(turn) },
        { type: 'text', text: `Done after ${turn} turns.` },
      ]
    : [
        { type: 'thinking', thinking: `I need file ${turn}.\nThen "more".`, signature: signature(turn) },
        { type: 'text', text: `Reading ${turn}.` },
        { type: 'tool_use', id: `toolu_${turn}_a`, name: 'read_file', input: { path: `src/${turn}.ts`, range: [1, 20.5] } },
        { type: 'tool_use', id: `toolu_${turn}_b`, name: 'run', input: { command: 'ls -la "a b"', nested: { deep: [null, true] } } },
      ];

/** Fault of a request to Claude, or nothing. */
function claudeFault(raw: string): string | undefined {
  const { messages } = JSON.parse(raw) as { messages: { role: string; content: string | Json[] }[] };
  const assistants = messages.filter(({ role }) => role === 'assistant');
  for (const [turn, { content }] of assistants.entries()) {
    for (const block of claudeBlocks(turn)) {
      const found = Array.isArray(content) && content.some((each) => sameBlock(each, block));
      if (!found) return `turn ${turn}: ${JSON.stringify(block)} did not come back: ${JSON.stringify(content).slice(0, 500)}`;
    }
    const types = (content as Json[]).map(({ type }) => type);
    if (types.indexOf('thinking') !== 0) return `turn ${turn}: reasoning must come first, but there is ${types.join(', ')}`;
  }
  const results = messages.flatMap(({ content }) => (Array.isArray(content) ? content.filter(({ type }) => type === 'tool_result') : []));
  if (results.length !== 2 * assistants.length) return `${results.length} results for ${assistants.length} turns`;
  return undefined;
}

/** Markers of the cache are the client's to move from turn to turn. */
function sameBlock(got: Json, wanted: Json): boolean {
  return JSON.stringify(sorted({ ...got, cache_control: undefined })) === JSON.stringify(sorted(wanted));
}

const sorted = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, each]) => [name, sorted(each)]),
  );
};

/** A stream of the Messages API, text and arguments in small pieces. */
function claudeEvents(turn: number): readonly Json[] {
  const blocks = claudeBlocks(turn);
  const usage = { input_tokens: 12, cache_read_input_tokens: 1000 * turn, cache_creation_input_tokens: 50, output_tokens: 1 };
  const start = {
    type: 'message_start',
    message: {
      id: `msg_${turn}`,
      type: 'message',
      role: 'assistant',
      model: MODEL,
      content: [],
      stop_reason: null,
      stop_sequence: null,
      usage,
    },
  };
  const stop = turn >= TURNS ? 'end_turn' : 'tool_use';
  return [
    start,
    { type: 'ping' },
    ...blocks.flatMap(blockEvents),
    { type: 'message_delta', delta: { stop_reason: stop, stop_sequence: null }, usage: { output_tokens: 90 } },
    { type: 'message_stop' },
  ];
}

function blockEvents(block: Json, index: number): readonly Json[] {
  const delta = (words: Json): Json => ({ type: 'content_block_delta', index, delta: words });
  const pieces = (text: string): readonly string[] => text.match(/[\s\S]{1,7}/gu) ?? [];
  const [head, deltas] =
    block['type'] === 'thinking'
      ? [
          { type: 'thinking', thinking: '', signature: '' },
          [
            ...pieces(String(block['thinking'])).map((thinking) => delta({ type: 'thinking_delta', thinking })),
            delta({ type: 'signature_delta', signature: block['signature'] }),
          ],
        ]
      : block['type'] === 'text'
        ? [{ type: 'text', text: '' }, pieces(String(block['text'])).map((text) => delta({ type: 'text_delta', text }))]
        : [
            { ...block, input: {} },
            pieces(JSON.stringify(block['input'])).map((json) => delta({ type: 'input_json_delta', partial_json: json })),
          ];
  return [{ type: 'content_block_start', index, content_block: head }, ...deltas, { type: 'content_block_stop', index }];
}

const asSse = (event: Json): Buffer => Buffer.from(`event: ${String(event['type'])}\ndata: ${JSON.stringify(event)}\n\n`);
const asFrame = (event: Json): Buffer =>
  encodeEventFrame({ event: 'chunk', data: JSON.stringify({ bytes: Buffer.from(JSON.stringify(event)).toString('base64'), p: 'abc' }) });

/** Claude behind any of its doors; what it was asked is held to what it said. */
function answerClaude(raw: string, path: string, response: ServerResponse): void {
  const fault = claudeFault(raw);
  if (fault !== undefined) {
    response.writeHead(400, { 'content-type': 'application/json' });
    return void response.end(JSON.stringify({ type: 'error', error: { type: 'invalid_request_error', message: fault }, message: fault }));
  }
  const isBedrock = path.includes('/invoke');
  const turn = (JSON.parse(raw) as { messages: { role: string }[] }).messages.filter(({ role }) => role === 'assistant').length;
  response.writeHead(200, { 'content-type': isBedrock ? 'application/vnd.amazon.eventstream' : 'text/event-stream' });
  for (const event of claudeEvents(turn)) response.write(isBedrock ? asFrame(event) : asSse(event));
  response.end();
}

const reasoning = (turn: number): Json => ({
  type: 'reasoning',
  id: `rs_${turn}`,
  summary: [{ type: 'summary_text', text: `Thinking of ${turn}` }],
  encrypted_content: signature(turn),
});
const message = (turn: number): Json => ({
  type: 'message',
  id: `msg_${turn}`,
  status: 'completed',
  role: 'assistant',
  content: [{ type: 'output_text', text: `Reading ${turn}.`, annotations: [] }],
});
const patch = (turn: number): Json => ({
  type: 'custom_tool_call',
  id: `ctc_${turn}`,
  call_id: `call_${turn}_p`,
  name: 'apply_patch',
  input: `*** Begin Patch\n*** Update File: src/${turn}.ts\n+"${turn}"\n*** End Patch`,
  status: 'completed',
});
const shell = (turn: number): Json => ({
  type: 'function_call',
  id: `fc_${turn}`,
  call_id: `call_${turn}_s`,
  name: 'shell',
  arguments: `{"command": ["ls",  "-la"], "turn": ${turn}}`,
  status: 'completed',
});
const gptItems = (turn: number): readonly Json[] =>
  turn >= TURNS ? [reasoning(turn), message(turn)] : [reasoning(turn), message(turn), patch(turn), shell(turn)];

/** Without what OpenAI's client adds for its user to the items that it hands out. */
const unparsed = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(unparsed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).flatMap(([name, each]) => (name.startsWith('parsed') ? [] : [[name, unparsed(each)]])));
};

/** OpenAI's Responses: what it said must come back as it was. */
function answerResponses(raw: string, response: ServerResponse): void {
  const { input } = JSON.parse(raw) as { input: Json[] };
  const turn = input.filter(({ type }) => type === 'reasoning').length;
  const missing = Array.from({ length: turn }, (_, index) => gptItems(index))
    .flat()
    .find((item) => {
      const found = input.find(({ id }) => id === item['id']);
      return found === undefined || JSON.stringify(sorted(unparsed(found))) !== JSON.stringify(sorted(item));
    });
  if (missing !== undefined) {
    response.writeHead(400, { 'content-type': 'application/json' });
    return void response.end(
      JSON.stringify({
        error: { message: `${JSON.stringify(missing)} did not come back`, type: 'invalid_request_error', code: null, param: 'input' },
      }),
    );
  }
  const base = {
    id: `resp_${turn}`,
    object: 'response',
    created_at: 1_700_000_000,
    model: 'gpt-5.6',
    output: [],
    status: 'in_progress',
    tools: [],
    parallel_tool_calls: true,
  };
  const output = gptItems(turn);
  const usage = {
    input_tokens: 100,
    input_tokens_details: { cached_tokens: 90 },
    output_tokens: 20,
    output_tokens_details: { reasoning_tokens: 5 },
    total_tokens: 120,
  };
  const events: Json[] = [
    { type: 'response.created', response: base },
    ...output.flatMap((item, index) => [
      { type: 'response.output_item.added', output_index: index, item },
      { type: 'response.output_item.done', output_index: index, item },
    ]),
    { type: 'response.completed', response: { ...base, status: 'completed', output, usage } },
  ];
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  events.forEach((event, index) => response.write(asSse({ ...event, sequence_number: index })));
  response.end();
}

describe('coding agents through a whole node', () => {
  let upstream: ReplayUpstream;
  let node: RunningNode;
  let key: string;

  before(async () => {
    upstream = await startReplayUpstream(({ path, body }, response) =>
      path.endsWith('/responses') ? answerResponses(body.toString(), response) : answerClaude(body.toString(), path, response),
    );
    const own = `private: true, auth: none`;
    node = await startNode({
      config: `providers:
  claude: { kind: anthropic, base_url: "${upstream.origin}/v1", ${own} }
  aws: { kind: bedrock, base_url: "${upstream.origin}/bedrock", region: us-east-1, ${own} }
  google: { kind: vertex-anthropic, base_url: "${upstream.origin}/vertex", project: p, region: us-east5, ${own} }
  gpt: { kind: openai, base_url: "${upstream.origin}/v1", ${own} }
models:
  sonnet: claude/${MODEL}
  sonnet-aws: aws/eu.anthropic.${MODEL}-v1:0
  sonnet-google: google/${MODEL}@20250929
`,
    });
    key = await node.newKey();
  });

  after(async () => {
    await node.stop();
    await upstream.close();
  });

  const tools = [
    { name: 'read_file', description: 'Reads', input_schema: { type: 'object' as const, properties: { path: { type: 'string' } } } },
    { name: 'run', input_schema: { type: 'object' as const } },
  ];

  /** Claude Code's way: everything of the answer goes back, the cache's marker moves along. */
  async function claudeLoop(model: string): Promise<string> {
    const client = new Anthropic({ authToken: key, apiKey: null, baseURL: node.url, maxRetries: 0 });
    const messages: Anthropic.MessageParam[] = [
      { role: 'user', content: [{ type: 'text', text: 'Fix the bug.', cache_control: { type: 'ephemeral' } }] },
    ];
    for (let turn = 0; ; turn++) {
      const stream = client.messages.stream(
        {
          model,
          max_tokens: 32_000,
          thinking: { type: 'enabled', budget_tokens: 10_000 },
          system: [{ type: 'text', text: 'You are an agent.', cache_control: { type: 'ephemeral' } }],
          tools,
          messages,
        },
        { headers: { 'anthropic-beta': 'fine-grained-tool-streaming-2025-05-14,context-1m-2025-08-07' } },
      );
      const { content, stop_reason: stop, usage } = await stream.finalMessage();
      assert.equal(usage.cache_read_input_tokens, 1000 * turn);
      messages.push({ role: 'assistant', content });
      if (stop !== 'tool_use') return content.map((block) => (block.type === 'text' ? block.text : '')).join('');
      const calls = content.filter((block) => block.type === 'tool_use');
      messages.push({
        role: 'user',
        content: calls.map(({ id }) => ({ type: 'tool_result', tool_use_id: id, content: [{ type: 'text', text: result(turn) }] })),
      });
    }
  }

  for (const model of ['sonnet', 'sonnet-aws', 'sonnet-google']) {
    it(`Claude Code on ${model}: ${TURNS} turns, over 300 KB`, async () => {
      assert.equal(await claudeLoop(model), `Done after ${TURNS} turns.`);
      assert.ok((upstream.seen.at(-1)?.body.length ?? 0) > 300 * 1024);
    });
  }

  it('Claude on Bedrock is reached through InvokeModel, with its beta flags in the body', () => {
    const seen = upstream.seen.filter(({ path }) => path.startsWith('/bedrock'));
    assert.ok(seen.length > TURNS);
    for (const { path, body } of seen) {
      assert.equal(path, `/bedrock/model/eu.anthropic.${MODEL}-v1:0/invoke-with-response-stream`);
      const sent = JSON.parse(body.toString()) as Json;
      assert.deepEqual([sent['model'], sent['stream'], sent['anthropic_version']], [undefined, undefined, 'bedrock-2023-05-31']);
      assert.deepEqual(sent['anthropic_beta'], ['fine-grained-tool-streaming-2025-05-14', 'context-1m-2025-08-07']);
    }
  });

  it('Claude on Vertex is asked under its publisher, without the model in the body', () => {
    const { path, body } = upstream.seen.findLast((request) => request.path.startsWith('/vertex')) ?? assert.fail('never asked');
    assert.equal(path, `/vertex/publishers/anthropic/models/${MODEL}@20250929:streamRawPredict`);
    const sent = JSON.parse(body.toString()) as Json;
    assert.deepEqual([sent['model'], sent['anthropic_version']], [undefined, 'vertex-2023-10-16']);
  });

  /** Codex's way: nothing is stored, every item of the answer goes back as it came. */
  async function codexLoop(model: string): Promise<string> {
    const client = new OpenAI({ apiKey: key, baseURL: `${node.url}/v1`, maxRetries: 0 });
    const input: OpenAI.Responses.ResponseInput = [
      { type: 'message', role: 'user', content: [{ type: 'input_text', text: 'Fix the bug.' }] },
    ];
    for (let turn = 0; ; turn++) {
      const stream = client.responses.stream({
        model,
        instructions: 'You are Codex.',
        input,
        store: false,
        include: ['reasoning.encrypted_content'],
        reasoning: { effort: 'high', summary: 'auto' },
        parallel_tool_calls: true,
        tools: [
          { type: 'function', name: 'shell', parameters: { type: 'object', properties: {} }, strict: false },
          { type: 'function', name: 'read_file', parameters: { type: 'object', properties: {} }, strict: false },
          { type: 'function', name: 'run', parameters: { type: 'object', properties: {} }, strict: false },
          { type: 'custom', name: 'apply_patch', format: { type: 'grammar', syntax: 'lark', definition: 'start: "x"' } },
        ],
      });
      const { output, output_text: text } = await stream.finalResponse();
      input.push(...(output as OpenAI.Responses.ResponseInput));
      const calls = output.filter((item) => item.type === 'function_call' || item.type === 'custom_tool_call');
      if (calls.length === 0) return text;
      for (const call of calls)
        input.push(
          call.type === 'function_call'
            ? { type: 'function_call_output', call_id: call.call_id, output: result(turn) }
            : { type: 'custom_tool_call_output', call_id: call.call_id, output: result(turn) },
        );
    }
  }

  it('Codex on Responses: items come back byte for byte', async () => {
    assert.equal(await codexLoop('gpt/gpt-5.6'), `Reading ${TURNS}.`);
    assert.ok((upstream.seen.at(-1)?.body.length ?? 0) > 300 * 1024);
  });

  it('Codex on Claude: reasoning and its signature survive translation both ways', async () => {
    assert.equal(await codexLoop('sonnet'), `Done after ${TURNS} turns.`);
  });

  it('Cursor-style chat on Claude: reasoning comes back with the history', async () => {
    const client = new OpenAI({ apiKey: key, baseURL: `${node.url}/v1`, maxRetries: 0 });
    const messages: OpenAI.ChatCompletionMessageParam[] = [{ role: 'user', content: 'Fix the bug.' }];
    for (let turn = 0; ; turn++) {
      const runner = client.chat.completions.stream({
        model: 'sonnet',
        reasoning_effort: 'high',
        messages,
        tools: tools.map(({ name, input_schema: parameters }) => ({ type: 'function', function: { name, parameters } })),
        stream_options: { include_usage: true },
      });
      const details: unknown[] = [];
      runner.on('chunk', (chunk) =>
        details.push(...((chunk.choices[0]?.delta as { reasoning_details?: unknown[] } | undefined)?.reasoning_details ?? [])),
      );
      const completion = await runner.finalChatCompletion();
      const said = completion.choices[0]?.message ?? assert.fail('no answer');
      if (said.tool_calls === undefined || said.tool_calls.length === 0) {
        assert.equal(said.content, `Done after ${TURNS} turns.`);
        return;
      }
      messages.push({
        role: 'assistant',
        content: said.content,
        tool_calls: said.tool_calls,
        reasoning_details: merged(details),
      } as OpenAI.ChatCompletionMessageParam);
      for (const { id } of said.tool_calls) messages.push({ role: 'tool', tool_call_id: id, content: result(turn) });
    }
  });
});

/** What OpenRouter's clients do: pieces of one entry become one. */
function merged(details: readonly unknown[]): readonly Json[] {
  const entries = new Map<unknown, Json>();
  for (const detail of details as readonly Json[]) {
    const known = entries.get(detail['index']);
    const text = `${String(known?.['text'] ?? '')}${String(detail['text'] ?? '')}`;
    entries.set(detail['index'], { ...known, ...detail, text });
  }
  return [...entries.values()];
}
