import assert from 'node:assert/strict';
import fs from 'node:fs';
import { describe, it } from 'node:test';
import type { JsonObject } from '../../core/json.ts';
import { openaiResponsesErrors } from './errors.ts';
import { openaiResponsesPassThrough } from './pass-through.ts';

const WIRE = new URL('../../../../shared/wire/', import.meta.url);
const { mayMatter, readEvent, usageOfResponse } = openaiResponsesPassThrough;

/** The events of a recorded stream as their bytes on the wire. */
const eventsOf = (name: string): readonly Buffer[] =>
  fs
    .readFileSync(new URL(`${name}/response.sse`, WIRE), 'utf8')
    .split(/\r?\n\r?\n/)
    .filter((block) => block.includes('data:'))
    .map((block) => Buffer.from(block));

const dataOf = (bytes: Buffer): string => /data: ?(.*)/.exec(bytes.toString('utf8'))?.[1] ?? '';

const facts = (name: string) =>
  eventsOf(name)
    .filter((bytes) => mayMatter(bytes))
    .map((bytes) => readEvent({ data: dataOf(bytes) }));

describe('Responses that pass', () => {
  it('are parsed in their last event only, where usage and end are', () => {
    const seen = facts('xai/responses/rig-streaming-tools-raw-stream-emits-required-zero-arg-tool-call');
    assert.equal(seen.length, 1);
    assert.equal(seen[0]?.done, true);
    assert.ok((seen[0]?.usage?.output ?? 0) > 0 && (seen[0]?.usage?.reasoning ?? 0) > 0);
  });

  it('end where a limit was met, too', () => {
    const [last] = facts('openai/responses/genai-gpt-5-6-luna-thinking-genstream-maxtokens').slice(-1);
    assert.equal(last?.done, true);
    assert.ok((last?.usage?.output ?? 0) > 0);
  });

  it('fail where the provider says so', () => {
    const seen = facts('openai/responses/prism-stream-rate-limited-1');
    assert.deepEqual(
      seen.map(({ error, done }) => [error?.startsWith('Request too large'), done]),
      [
        [true, undefined],
        [true, undefined],
      ],
    );
  });

  it('are not parsed for a null error or words about one', () => {
    assert.equal(mayMatter(Buffer.from('data: {"type":"response.created","response":{"error":null}}')), false);
    assert.equal(mayMatter(Buffer.from('data: {"type":"response.output_text.delta","delta":"\\"error\\", \\"response.failed\\""}')), false);
    assert.equal(mayMatter(Buffer.from('data: {"type": "error" ,"message":"m"}')), true);
    assert.equal(mayMatter(Buffer.from('data: {"message":"m","type":"error"}')), true);
  });

  it('say what they cost, cached and written cache included', () => {
    const body = JSON.parse(
      fs.readFileSync(new URL('openrouter/responses/pydai-responses-prompt-cache-e2e/response.json', WIRE), 'utf8'),
    ) as JsonObject;
    assert.deepEqual(usageOfResponse(body), {
      input: 4020,
      output: 5,
      cachedInput: 0,
      cacheWrite: 4012,
      cacheWrite1h: 0,
      reasoning: 0,
      inputAudio: 0,
      outputAudio: 0,
    });
    assert.equal(usageOfResponse({ usage: null }), undefined);
    assert.equal(usageOfResponse({ usage: { input_tokens: -5, output_tokens: 1.5 } })?.input, 0);
  });
});

describe('errors of Responses', () => {
  it('end a stream with an error and a failed response', () => {
    const error = { status: 502, kind: 'upstream', code: 'upstream_reset', message: 'Gone.', param: null } as const;
    const events = openaiResponsesErrors.encodeStreamError(error, 'req_1');
    assert.deepEqual(
      events.map(({ event }) => event),
      ['error', 'response.failed'],
    );
    assert.ok(events.every(({ data }) => readEvent({ data }).error === 'Gone.'));
  });

  it('are OpenAI’s own where no stream has begun', () => {
    const body = { error: { message: 'no such model', type: 'invalid_request_error', param: 'model', code: 'model_not_found' } };
    const decoded = openaiResponsesErrors.decodeError(400, body);
    assert.deepEqual([decoded.kind, decoded.code, decoded.param], ['invalid_request', 'model_not_found', 'model']);
    assert.equal((openaiResponsesErrors.encodeError(decoded, 'req_1')['error'] as JsonObject)['message'], 'no such model');
  });
});
