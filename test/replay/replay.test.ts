import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { after, before, describe, it } from 'node:test';
import { BedrockRuntimeClient, ConverseStreamCommand } from '@aws-sdk/client-bedrock-runtime';
import { answerEnds, listCases, readAnswer } from './cases.ts';
import { startReplayUpstream, type ReplayUpstream } from './upstream.ts';

/** Captured without the empty line behind the last event. */
const UNENDED: ReadonlySet<string> = new Set(['gemini/stream-generate-content/firebase-streaming-failure-prompt-blocked-safety']);

describe('recordings are put back on the wire', () => {
  for (const entry of listCases().filter(({ stream }) => stream)) {
    it(`${entry.case} has events that end where it ends`, () => {
      const answer = readAnswer(entry.case);
      const rest = answer.body.length - (answerEnds(answer).at(-1) ?? 0);
      assert.equal(rest > 2, UNENDED.has(entry.case), 'at most a line end is left over');
    });
  }

  it('a recording without framing gets that of its provider', () => {
    const chunks = listCases().filter(({ framing }) => framing === 'chunks');
    const start = (protocol: string, endpoint: string): string | undefined => {
      const found = chunks.find((entry) => entry.protocol === protocol && entry.endpoint === endpoint);
      return found && readAnswer(found.case).body.subarray(0, 6).toString('latin1');
    };
    assert.equal(start('openai', 'chat-completions'), 'data: ');
    assert.equal(start('openai', 'responses'), 'event:');
    assert.equal(start('anthropic', 'messages'), 'event:');
    assert.equal(start('cohere', 'chat'), 'event:');
    assert.equal(start('gemini', 'stream-generate-content'), 'data: ');
    assert.match(start('bedrock', 'converse-stream') ?? '', /^\0\0\0/);
  });
});

interface AmazonRequest {
  readonly path: string;
  readonly body: Uint8Array | string;
}

const forwardTo = (origin: string) => async (request: AmazonRequest) => {
  const answer = await fetch(origin + request.path, { method: 'POST', body: String(request.body) });
  assert.ok(answer.body);
  return { response: { statusCode: answer.status, headers: Object.fromEntries(answer.headers), body: Readable.fromWeb(answer.body) } };
};

describe('the replayed provider', () => {
  let upstream: ReplayUpstream;
  before(async () => {
    upstream = await startReplayUpstream();
  });
  after(() => upstream.close());

  const NAME = 'case:mistral/models/rig-models-list-models-0';
  const found = listCases().find(({ endpoint, status }) => endpoint === 'embeddings' && status === 200)?.case ?? NAME;
  const answers = async (at: string, init: RequestInit): Promise<void> => {
    const response = await fetch(`${upstream.origin}${at}`, { method: 'POST', ...init });
    assert.equal(response.status, 200);
    assert.deepEqual(Buffer.from(await response.arrayBuffer()), readAnswer(found).body);
  };

  it('finds the case in the body', () => answers('/v1/embeddings', { body: JSON.stringify({ model: `case:${found}` }) }));

  it('finds the case in the path, encoded or not', async () => {
    for (const model of [`case:${found}`, encodeURIComponent(`case:${found}`), encodeURIComponent(`case:${found}|pieces=7`)]) {
      await answers(`/v1beta/models/${model}:generateContent`, { body: '{}' });
      await answers(`/v1/projects/p/locations/l/publishers/google/models/${model}:streamGenerateContent?alt=sse`, { body: '{}' });
      await answers(`/model/${model}/converse-stream`, { body: '{}' });
      await answers(`/openai/deployments/${model}/chat/completions?api-version=1`, { body: '{}' });
    }
  });

  it('finds the case in a form', async () => {
    const body = new FormData();
    body.set('file', new Blob(['case:none']), 'a.wav');
    body.set('model', `case:${found}`);
    await answers('/v1/audio/transcriptions', { body });
  });

  it('sends event streams that Amazon’s own client reads', async () => {
    const cases = listCases().filter(({ endpoint, stream }) => endpoint === 'converse-stream' && stream);
    const client = new BedrockRuntimeClient({
      endpoint: upstream.origin,
      region: 'us-east-1',
      credentials: { accessKeyId: 'none', secretAccessKey: 'none' },
      // The client's own transport speaks HTTP/2 alone.
      requestHandler: { handle: forwardTo(upstream.origin) },
      maxAttempts: 1,
    });
    for (const entry of [cases.find(({ framing }) => framing === 'chunks'), cases.find(({ framing }) => framing !== 'chunks')]) {
      const { stream } = await client.send(new ConverseStreamCommand({ modelId: `case:${entry?.case}`, messages: [] }));
      const seen: string[] = [];
      for await (const event of stream ?? []) seen.push(Object.keys(event)[0] ?? '');
      assert.deepEqual([seen[0], seen.at(-1)], ['messageStart', 'metadata']);
    }
    client.destroy();
  });
});
