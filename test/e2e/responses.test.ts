import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import OpenAI from 'openai';
import { startReplayUpstream, type ReplayUpstream } from '../replay/upstream.ts';
import { httpRequest, startNode, type RunningNode } from './node.ts';

/**
 * Responses that a client comes back to, by the official client: kept by us where the provider speaks another protocol, kept by the provider where it has
 * them, and never another tenant's.
 */

type Json = Record<string, unknown>;
const SECRET_WORDS = 'the heron stands in the reeds';

describe('stored responses through a whole node', () => {
  let upstream: ReplayUpstream;
  let node: RunningNode;
  let client: OpenAI;
  let stranger: OpenAI;

  before(async () => {
    upstream = await startReplayUpstream(({ method, path: at, body }, response) => {
      const asked = (body.length === 0 ? {} : JSON.parse(body.toString())) as Json;
      const answer = at.startsWith('/v1/responses') ? native(method, at, asked) : chat(asked);
      response.writeHead(200, { 'content-type': asked['stream'] === true ? 'text/event-stream' : 'application/json' });
      response.end(asked['stream'] === true ? chatStream() : JSON.stringify(answer));
    });
    node = await startNode({
      config: `providers:
  far: { kind: openai-compatible, base_url: "${upstream.origin}/v1", private: true, auth: none }
  gpt: { kind: openai, base_url: "${upstream.origin}/v1", private: true, auth: none }
`,
    });
    const { body: organization } = await node.admin('POST', '/admin/v1/organizations', { name: 'other' });
    const other = await node.newKey('stranger', { organization: organization['id'] });
    client = new OpenAI({ apiKey: await node.newKey(), baseURL: `${node.url}/v1`, maxRetries: 0 });
    stranger = new OpenAI({ apiKey: other, baseURL: `${node.url}/v1`, maxRetries: 0 });
  });

  after(async () => {
    await node.stop();
    await upstream.close();
  });

  const chat = ({ messages }: Json): Json => ({
    id: 'chatcmpl-1',
    object: 'chat.completion',
    created: 1,
    model: 'm',
    choices: [
      { index: 0, message: { role: 'assistant', content: `I see ${(messages as Json[]).length} messages.` }, finish_reason: 'stop' },
    ],
    usage: { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 },
  });
  const chatStream = (): string =>
    [
      {
        id: 'c',
        object: 'chat.completion.chunk',
        created: 1,
        model: 'm',
        choices: [{ index: 0, delta: { role: 'assistant', content: 'Streamed.' }, finish_reason: null }],
      },
      { id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm', choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] },
    ]
      .map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`)
      .join('') + 'data: [DONE]\n\n';
  const native = (method: string, at: string, asked: Json): Json =>
    method === 'DELETE'
      ? { id: 'resp_native', object: 'response', deleted: true }
      : at.endsWith('/input_items')
        ? { object: 'list', data: [], has_more: false, first_id: null, last_id: null }
        : {
            id: 'resp_native',
            object: 'response',
            created_at: 1,
            status: 'completed',
            model: 'g',
            output: [],
            previous: asked['previous_response_id'] ?? null,
          };

  it('goes on from a response by its id, though the provider has no such thing', async () => {
    const first = await client.responses.create({ model: 'far/m', instructions: 'Be brief.', input: SECRET_WORDS });
    assert.equal(first.output_text, 'I see 2 messages.');
    const second = await client.responses.create({ model: 'far/m', input: 'and then?', previous_response_id: first.id });
    // User, assistant, user: the instructions of the turn before do not go on.
    assert.equal(second.output_text, 'I see 3 messages.');
    assert.equal(second.previous_response_id, first.id);
    const sent = JSON.parse(upstream.seen.at(-1)?.body.toString() ?? '') as { messages: { role: string; content: string }[] };
    assert.deepEqual(
      sent.messages.map(({ role }) => role),
      ['user', 'assistant', 'user'],
    );
    const third = client.responses.stream({ model: 'far/m', input: 'go on', previous_response_id: second.id });
    const { id, output_text: words } = await third.finalResponse();
    assert.equal(words, 'Streamed.');
    // What was streamed is there as soon as its client knows its id.
    assert.equal((await client.responses.retrieve(id)).output_text, 'Streamed.');
  });

  it('shows, lists and removes what it keeps', async () => {
    const made = await client.responses.create({
      model: 'far/m',
      input: [
        { role: 'user', content: 'one' },
        { role: 'user', content: 'two' },
      ],
    });
    assert.deepEqual(await client.responses.retrieve(made.id), made);
    const items = await client.responses.inputItems.list(made.id, { order: 'asc', limit: 1 });
    assert.equal((items.data[0] as { content?: unknown }).content, 'one');
    assert.equal(items.has_more, true);
    await assert.rejects(client.responses.cancel(made.id), { status: 400, code: 'not_cancellable' });
    await client.responses.delete(made.id);
    await assert.rejects(client.responses.retrieve(made.id), { status: 404, code: 'unknown_response' });
    await assert.rejects(client.responses.create({ model: 'far/m', input: 'x', previous_response_id: made.id }), {
      status: 404,
      code: 'unknown_response',
    });
  });

  it('keeps nothing where the client says so', async () => {
    const made = await client.responses.create({ model: 'far/m', input: 'x', store: false });
    await assert.rejects(client.responses.retrieve(made.id), { status: 404 });
  });

  it('asks the provider for what the provider keeps', async () => {
    const made = await client.responses.create({ model: 'gpt/g', input: 'x' });
    assert.equal(made.id, 'resp_native');
    assert.equal((await client.responses.retrieve(made.id, { include: ['reasoning.encrypted_content'] })).id, 'resp_native');
    assert.equal(upstream.seen.at(-1)?.path.startsWith('/v1/responses/resp_native?include'), true);
    await client.responses.inputItems.list(made.id);
    assert.equal(upstream.seen.at(-1)?.path, '/v1/responses/resp_native/input_items');
    const next = (await client.responses.create({ model: 'gpt/g', input: 'y', previous_response_id: made.id })) as unknown as Json;
    assert.equal(next['previous'], 'resp_native');
    await assert.rejects(client.responses.create({ model: 'far/m', input: 'y', previous_response_id: made.id }), {
      status: 409,
      code: 'response_elsewhere',
    });
  });

  it('other tenant’s id: opens nothing, kept by us or by the provider', async () => {
    const ours = await client.responses.create({ model: 'far/m', input: SECRET_WORDS });
    const theirs = await client.responses.create({ model: 'gpt/g', input: 'x' });
    const before = upstream.seen.length;
    for (const { id } of [ours, theirs]) {
      await assert.rejects(stranger.responses.retrieve(id), { status: 404, code: 'unknown_response' });
      await assert.rejects(stranger.responses.delete(id), { status: 404, code: 'unknown_response' });
      await assert.rejects(stranger.responses.cancel(id), { status: 404, code: 'unknown_response' });
      await assert.rejects(stranger.responses.inputItems.list(id), { status: 404, code: 'unknown_response' });
      await assert.rejects(stranger.responses.create({ model: 'gpt/g', input: 'x', previous_response_id: id }), {
        status: 404,
        code: 'unknown_response',
      });
    }
    assert.equal(upstream.seen.length, before);
    assert.equal((await client.responses.retrieve(ours.id)).id, ours.id);
  });

  it('no stored word can be read from the disk', async () => {
    await client.responses.create({ model: 'far/m', input: SECRET_WORDS });
    const folder = path.join(node.dataDir, 'ledger');
    const files = fs.readdirSync(folder).filter((name) => name.startsWith('responses.db'));
    assert.ok(files.length > 0);
    for (const name of files) assert.equal(fs.readFileSync(path.join(folder, name)).includes(SECRET_WORDS), false, name);
  });

  it('a removal at the provider removes the note of it', async () => {
    const made = await client.responses.create({ model: 'gpt/g', input: 'x' });
    await client.responses.delete(made.id);
    await assert.rejects(client.responses.retrieve(made.id), { status: 404, code: 'unknown_response' });
  });

  it('refuses ids that could be another path', async () => {
    for (const id of ['a%2Fb', '..%2Fmodels', 'a%3Fb']) {
      const { status } = await httpRequest('GET', `${node.url}/v1/responses/${id}`, { authorization: `Bearer ${client.apiKey}` });
      assert.equal(status, 404, id);
    }
  });
});
