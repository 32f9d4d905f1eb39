import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import OpenAI, { toFile } from 'openai';
import { listCases, readAnswer } from '../replay/cases.ts';
import { startReplayUpstream, type ReplayUpstream } from '../replay/upstream.ts';
import { httpRequest, startNode, type RunningNode } from './node.ts';

/** What is no JSON, and what is no endpoint of ours: forms, sound, and the paths of a provider that its configuration opens. */

describe('forms, sound and paths of a provider through a whole node', () => {
  let upstream: ReplayUpstream;
  let node: RunningNode;
  let key: string;
  let client: OpenAI;

  before(async () => {
    upstream = await startReplayUpstream();
    const own = `base_url: "${upstream.origin}/v1", private: true, auth: none`;
    node = await startNode({
      config: `providers:
  gpt: { kind: openai, ${own} }
  open: { kind: openai, ${own}, pass_through: ["GET /files", "GET /files/*", "POST /echo", "DELETE /files/*"] }
models:
  speech: gpt/case:openai/audio-speech/genai
`,
    });
    key = await node.newKey();
    client = new OpenAI({ apiKey: key, baseURL: `${node.url}/v1`, maxRetries: 0 });
  });

  after(async () => {
    await node.stop();
    await upstream.close();
  });

  const ofEndpoint = (endpoint: string) => listCases().filter((entry) => entry.provider === 'openai' && entry.endpoint === endpoint);

  for (const found of ofEndpoint('audio-transcriptions')) {
    it(`transcribes a file: ${found.case}`, async () => {
      const file = await toFile(Buffer.alloc(300_000, 7), 'sound.wav');
      const form = new FormData();
      form.append('file', file);
      form.append('model', `gpt/case:${found.case}`);
      if (found.stream) form.append('stream', 'true');
      const answer = await fetch(`${node.url}/v1/audio/transcriptions`, {
        method: 'POST',
        headers: { authorization: `Bearer ${key}` },
        body: form,
      });
      assert.equal(answer.status, found.status);
      assert.equal(Buffer.compare(Buffer.from(await answer.arrayBuffer()), readAnswer(found.case).body), 0);
      const seen = upstream.seen.at(-1);
      assert.match(String(seen?.headers['content-type']), /^multipart\/form-data; boundary=/);
      // The file's bytes are the client's; only the model's name is another.
      assert.ok(seen?.body.includes(Buffer.alloc(300_000, 7)) === true);
      assert.ok(seen.body.includes(`\r\n\r\ncase:${found.case}\r\n`));
    });
  }

  for (const found of ofEndpoint('audio-speech')) {
    it(`speaks, byte for byte: ${found.case}`, async () => {
      const answer = await client.audio.speech.create({ model: `gpt/case:${found.case}`, voice: 'alloy', input: 'Hello' });
      assert.equal(Buffer.compare(Buffer.from(await answer.arrayBuffer()), readAnswer(found.case).body), 0);
    });
  }

  for (const endpoint of ['images', 'moderations'] as const) {
    for (const found of ofEndpoint(endpoint)) {
      it(`${endpoint}: ${found.case}`, async () => {
        const body = { model: `gpt/case:${found.case}`, prompt: 'x', input: 'x' };
        const path = endpoint === 'images' ? '/images/generations' : '/moderations';
        const answer = await httpRequest('POST', `${node.url}/v1${path}`, json(), JSON.stringify(body));
        assert.equal(answer.status, found.status);
        assert.equal(answer.body, readAnswer(found.case).body.toString('utf8'));
      });
    }
  }

  it('is read by the official client', async () => {
    const [found] = ofEndpoint('audio-transcriptions').filter(({ stream, status }) => !stream && status === 200);
    const file = await toFile(Buffer.from('sound'), 'sound.wav');
    const { text } = await client.audio.transcriptions.create({ file, model: `gpt/case:${found?.case}` });
    assert.equal(text, (JSON.parse(readAnswer(found?.case ?? '').body.toString()) as { text: string }).text);
  });

  it('refuses a form without a model, with two, and one that is cut', async () => {
    const type = { authorization: `Bearer ${key}`, 'content-type': 'multipart/form-data; boundary=b' };
    const part = (name: string, value: string): string => `--b\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
    const target = `${node.url}/v1/audio/transcriptions`;
    for (const body of [`${part('x', 'y')}--b--\r\n`, `${part('model', 'a')}${part('model', 'b')}--b--\r\n`, part('model', 'a'), '']) {
      const answer = await httpRequest('POST', target, type, body);
      assert.equal(answer.status, 400, body);
      assert.equal((JSON.parse(answer.body) as { error: { code: string } }).error.code, 'invalid_request');
    }
    assert.equal((await httpRequest('POST', target, { ...type, 'content-type': 'text/plain' }, 'x')).status, 415);
  });

  const json = (more: Record<string, string> = {}): Record<string, string> => ({
    authorization: `Bearer ${key}`,
    'content-type': 'application/json',
    ...more,
  });

  it('opens the paths that the configuration names, with the method that it names', async () => {
    const body = JSON.stringify({ model: 'case:openai/models/x', any: [1, 2.5] });
    const answer = await httpRequest('POST', `${node.url}/open/echo?a=b`, json(), body);
    // The replay has no such case; what matters is what it was asked.
    assert.equal(answer.status, 500);
    const seen = upstream.seen.at(-1);
    assert.deepEqual([seen?.method, seen?.path, seen?.body.toString()], ['POST', '/v1/echo?a=b', body]);
    // The base path may be written or left out.
    await httpRequest('GET', `${node.url}/open/v1/files/f-1`, json());
    assert.deepEqual([upstream.seen.at(-1)?.method, upstream.seen.at(-1)?.path], ['GET', '/v1/files/f-1']);
    await httpRequest('DELETE', `${node.url}/open/files/f-1`, json());
    assert.deepEqual([upstream.seen.at(-1)?.method, upstream.seen.at(-1)?.path], ['DELETE', '/v1/files/f-1']);
  });

  it('refuses every other path, method and provider, before a byte leaves', async () => {
    const before = upstream.seen.length;
    const refused: readonly (readonly [string, string, number, string])[] = [
      ['GET', '/open/models', 403, 'path_not_allowed'],
      ['POST', '/open/files', 403, 'path_not_allowed'],
      ['DELETE', '/open/files', 403, 'path_not_allowed'],
      ['GET', '/open/files/', 403, 'path_not_allowed'],
      ['GET', '/gpt/files', 403, 'path_not_allowed'],
      ['GET', '/nobody/files', 404, 'unknown_endpoint'],
    ];
    for (const [method, path, status, code] of refused) {
      const answer = await httpRequest(method, node.url + path, json(), method === 'POST' ? '{}' : undefined);
      assert.deepEqual(
        [answer.status, (JSON.parse(answer.body) as { error: { code: string } }).error.code],
        [status, code],
        `${method} ${path}`,
      );
    }
    assert.equal((await httpRequest('GET', `${node.url}/open/files`, {})).status, 401);
    assert.equal(upstream.seen.length, before);
  });

  it('no way around the models of a key', async () => {
    const held = await node.newKey('held', { models: ['open/allowed'] });
    const before = upstream.seen.length;
    const call = (body: unknown) =>
      httpRequest('POST', `${node.url}/open/echo`, { ...json(), authorization: `Bearer ${held}` }, JSON.stringify(body));
    assert.equal((await call({ model: 'other' })).status, 403);
    assert.equal((await call({})).status, 403);
    assert.equal(upstream.seen.length, before);
    await call({ model: 'allowed' });
    assert.equal(upstream.seen.length, before + 1);
  });
});
