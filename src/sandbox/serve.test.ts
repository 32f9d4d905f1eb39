import assert from 'node:assert/strict';
import http from 'node:http';
import { after, before, describe, it } from 'node:test';
import OpenAI from 'openai';
import { SANDBOX_MODELS, behaviourOf } from './models.ts';
import { listenSandbox } from './serve.ts';

interface Heard {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly text: string;
  readonly complete: boolean;
}

describe('sandbox', () => {
  let origin = '';
  let close = async (): Promise<void> => undefined;
  let client: OpenAI;

  before(async () => {
    const sandbox = await listenSandbox();
    origin = sandbox.origin;
    close = () => sandbox.close();
    client = new OpenAI({ apiKey: 'none', baseURL: `${origin}/v1`, maxRetries: 0 });
  });
  after(() => close());

  const post = (path: string, body: unknown): Promise<Heard> =>
    new Promise((resolve, reject) => {
      const request = http.request(origin + path, { method: 'POST', agent: false }, (response) => {
        let text = '';
        response.on('data', (chunk: Buffer) => (text += chunk.toString()));
        response.on('error', () => undefined);
        response.on('close', () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text, complete: response.complete }),
        );
      });
      request.on('error', reject);
      request.end(typeof body === 'string' ? body : JSON.stringify(body));
    });
  const messages = [{ role: 'user' as const, content: 'one two three' }];
  const tools = [
    {
      type: 'function' as const,
      function: {
        name: 'weather',
        parameters: { type: 'object', properties: { city: { type: 'string' }, days: { type: 'integer' } }, required: ['city', 'days'] },
      },
    },
  ];

  it('echoes with usage, the same answer every time', async () => {
    const first = await client.chat.completions.create({ model: 'echo', messages });
    assert.equal(first.choices[0]?.message.content, 'one two three');
    assert.equal(first.choices[0]?.finish_reason, 'stop');
    assert.deepEqual([first.usage?.prompt_tokens, first.usage?.completion_tokens, first.usage?.total_tokens], [11, 4, 15]);
    assert.deepEqual(await client.chat.completions.create({ model: 'echo', messages }), first);
  });

  it('streams the same text, and usage only when asked', async () => {
    for (const include_usage of [true, false]) {
      const stream = await client.chat.completions.create({ model: 'stream-7', messages, stream: true, stream_options: { include_usage } });
      let text = '';
      let chunks = 0;
      let usage: number | undefined;
      for await (const chunk of stream) {
        const piece = chunk.choices[0]?.delta.content ?? '';
        if (piece !== '') chunks += 1;
        text += piece;
        usage ??= chunk.usage?.completion_tokens;
      }
      assert.equal(chunks, 7);
      assert.equal(text, 'the hull holds water out because each');
      assert.equal(usage, include_usage ? 12 : undefined);
    }
  });

  it('calls the first tool with its required fields, streamed and not', async () => {
    const whole = await client.chat.completions.create({ model: 'tools', messages, tools });
    const call = whole.choices[0]?.message.tool_calls?.[0];
    assert.ok(call?.type === 'function');
    assert.deepEqual(JSON.parse(call.function.arguments), { city: 'sandbox', days: 1 });
    assert.equal(whole.choices[0]?.finish_reason, 'tool_calls');
    let streamed = '';
    for await (const chunk of await client.chat.completions.create({ model: 'tools', messages, tools, stream: true })) {
      streamed += chunk.choices[0]?.delta.tool_calls?.[0]?.function?.arguments ?? '';
    }
    assert.equal(streamed, call.function.arguments);
  });

  it('refuses', async () => {
    const { choices } = await client.chat.completions.create({ model: 'refuse', messages });
    assert.deepEqual([choices[0]?.message.content, choices[0]?.finish_reason], [null, 'content_filter']);
    assert.match(choices[0]?.message.refusal ?? '', /can’t help/);
  });

  it('ends at the token limit with finish reason length', async () => {
    const { choices } = await client.chat.completions.create({ model: 'long', messages, max_completion_tokens: 5 });
    assert.equal(choices[0]?.finish_reason, 'length');
  });

  it('answers with any error status, and 429 with retry-after', async () => {
    for (const status of [400, 401, 500, 503, 599])
      assert.equal((await post('/v1/chat/completions', { model: `error-${status}`, messages })).status, status);
    const limited = await post('/v1/chat/completions', { model: 'rate-limit', messages });
    assert.deepEqual([limited.status, limited.headers['retry-after'], limited.headers['x-ratelimit-remaining-requests']], [429, '2', '0']);
  });

  it('cuts the answer in the middle, streamed and not', async () => {
    for (const stream of [true, false]) {
      const { status, complete, text } = await post('/v1/chat/completions', { model: 'cut', messages, stream });
      assert.deepEqual([status, complete, text.includes('[DONE]')], [200, false, false]);
      assert.ok(text.length > 0);
    }
  });

  it('completes text and embeds it', async () => {
    const { choices, usage } = await client.completions.create({ model: 'echo', prompt: 'alpha beta' });
    assert.deepEqual([choices[0]?.text, usage?.prompt_tokens], ['alpha beta', 3]);
    const { data } = await client.embeddings.create({ model: 'echo', input: ['a', 'b'], dimensions: 8 });
    assert.deepEqual(
      data.map(({ embedding }) => embedding.length),
      [8, 8],
    );
    assert.ok(Math.abs(Math.hypot(...(data[0]?.embedding ?? [])) - 1) < 1e-6);
  });

  it('lists its models', async () => {
    const { data } = await client.models.list();
    assert.equal(data.length, SANDBOX_MODELS.length);
    assert.equal((await client.models.retrieve('echo')).id, 'echo');
  });

  it('refuses what it does not know', async () => {
    assert.equal((await post('/v1/unknown', { model: 'echo' })).status, 404);
    assert.equal((await post('/v1/chat/completions', 'not json')).status, 400);
    assert.equal((await post('/v1/chat/completions', '[]')).status, 400);
  });
});

describe('sandbox model names', () => {
  it('every name of the table but echo means something of its own', () => {
    const echo = JSON.stringify(behaviourOf('echo'));
    for (const { name } of SANDBOX_MODELS.filter((row) => row.name !== 'echo'))
      assert.notEqual(JSON.stringify(behaviourOf(name.replace('<n>', '500'))), echo, name);
  });

  it('bounds what a name may ask for', () => {
    assert.deepEqual(behaviourOf('slow-999999'), { kind: 'answer', waitMs: 600_000, words: 'echo', paceMs: 0 });
    assert.deepEqual(behaviourOf('error-200'), behaviourOf('echo'));
  });
});
