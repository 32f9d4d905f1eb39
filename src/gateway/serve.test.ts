import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { EgressCall } from '../ipc/messages/vault.ts';
import type { IncomingCall } from '../ipc/peer.ts';
import { errorOf, startCompartment, type Compartment } from './testing/compartment.ts';

const ANSWER =
  '{"id":"c1","object":"chat.completion","model":"gpt-fast","choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":7,"completion_tokens":2,"total_tokens":9}}';
const JSON_HEAD = {
  status: 200,
  headers: [
    ['content-type', 'application/json'],
    ['x-request-id', 'up_1'],
    ['set-cookie', 'a=b'],
  ],
};
const SSE_HEAD = { status: 200, headers: [['content-type', 'text/event-stream; charset=utf-8']] };

const event = (data: string): string => `data: ${data}\n\n`;
const delta = (text: string): string =>
  event(
    JSON.stringify({
      id: 'c1',
      object: 'chat.completion.chunk',
      choices: [{ index: 0, delta: { content: text }, finish_reason: null }],
      usage: null,
    }),
  );
const finish = event(
  JSON.stringify({ id: 'c1', object: 'chat.completion.chunk', choices: [{ index: 0, delta: {}, finish_reason: 'stop' }], usage: null }),
);
const usage = event(
  JSON.stringify({
    id: 'c1',
    object: 'chat.completion.chunk',
    choices: [],
    usage: { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 },
  }),
);
const DONE = event('[DONE]');

const chat = (model: string, extra: Record<string, unknown> = {}): Record<string, unknown> => ({
  model,
  messages: [{ role: 'user', content: 'Hello' }],
  ...extra,
});

const head = (call: IncomingCall, value: unknown): void => call.sendHead(value as never);
const trailers = (call: IncomingCall): void => call.end({ bytesIn: 1, bytesOut: 2 });

/** What the vault does is told by the message's text. */
function script(call: IncomingCall, egress: EgressCall, body: Buffer): void {
  const text = body.toString('utf8');
  const wants = (word: string): boolean => text.includes(word);
  if (wants('refuse-credential')) return call.error('credential_missing', { credential: egress.credential });
  if (wants('fail-first') && egress.attempt === 1) return call.error('upstream_unreachable', { reason: 'ECONNREFUSED' });
  if (wants('busy-first') && egress.attempt === 1) {
    head(call, { status: 503, headers: [['content-type', 'application/json']] });
    call.send(Buffer.from('{"error":{"message":"busy"}}'));
    return trailers(call);
  }
  if (wants('teapot')) {
    head(call, {
      status: 429,
      headers: [
        ['content-type', 'application/json'],
        ['retry-after', '7'],
        ['x-ratelimit-remaining-requests', '0'],
      ],
    });
    call.send(Buffer.from('{"error": {"message": "slow down", "type": "requests", "param": null, "code": "rate_limit_exceeded"} }'));
    return trailers(call);
  }
  if (wants('html')) {
    head(call, { status: 502, headers: [['content-type', 'text/html']] });
    call.send(Buffer.from('<html>bad gateway</html>'));
    return trailers(call);
  }
  if (wants('wrong-type')) {
    head(call, { status: 200, headers: [['content-type', 'text/html']] });
    return trailers(call);
  }
  if (wants('hang')) return;
  if (wants('"stream":true')) return stream(call, wants);
  head(call, JSON_HEAD);
  if (wants('large')) {
    const filler = Buffer.from(`{"padding":"${'x'.repeat(300_000)}",`);
    for (let at = 0; at < filler.length; at += 50_000) call.send(filler.subarray(at, at + 50_000));
    call.send(Buffer.from(ANSWER.slice(1)));
  } else call.send(Buffer.from(ANSWER));
  trailers(call);
}

function stream(call: IncomingCall, wants: (word: string) => boolean): void {
  head(call, SSE_HEAD);
  call.send(Buffer.from(delta('Hel')));
  if (wants('stall')) return;
  if (wants('cut')) {
    call.send(Buffer.from(delta('lo').slice(0, 20)));
    return wants('cut-clean') ? trailers(call) : call.error('upstream_reset');
  }
  if (wants('error-event')) {
    call.send(Buffer.from(event('{"error":{"message":"overloaded","type":"server_error"}}')));
    return trailers(call);
  }
  const rest = delta('lo') + finish + usage + DONE;
  for (let at = 0; at < rest.length; at += 37) call.send(Buffer.from(rest.slice(at, at + 37)));
  trailers(call);
}

let gateway: Compartment;
before(async () => {
  gateway = await startCompartment({ vault: script });
});
after(() => gateway.close());

const lastCall = (): Compartment['calls'][number] => gateway.calls.at(-1) as Compartment['calls'][number];
const settledOf = async (id: unknown): Promise<Compartment['settled']> => {
  await gateway.accounted();
  return gateway.settled.filter(({ requestId }) => requestId === id);
};

describe('a request to a provider of the client’s own protocol', () => {
  it('passes as bytes with the model replaced, and the answer as bytes', async () => {
    const sent = '{ "messages" : [ {"role":"user","content":"Hello \\u00e9"} ],\n "seed": 12345678901234567890, "model" : "fast" }';
    const answer = await gateway.ask(sent);
    assert.equal(answer.status, 200);
    assert.equal(answer.body, ANSWER);
    assert.equal(lastCall().body.toString(), sent.replace('"fast"', '"gpt-fast"'));
    const { head: egress } = lastCall();
    assert.deepEqual(
      [egress.path, egress.credential, egress.attempt, egress.proof.kind === 'key' && egress.proof.key],
      ['/v1/chat/completions', 'openai', 1, gateway.key],
    );
    assert.equal(answer.headers['x-upstream-request-id'], 'up_1');
    assert.equal(answer.headers['set-cookie'], undefined);
    assert.deepEqual(
      [
        answer.headers['x-bulkhead-provider'],
        answer.headers['x-bulkhead-model'],
        answer.headers['x-bulkhead-attempts'],
        answer.headers['x-bulkhead-cache'],
      ],
      ['openai', 'gpt-fast', '1', 'none'],
    );
    const [row, ...others] = await settledOf(answer.headers['x-bulkhead-request-id']);
    assert.deepEqual(
      [row?.usage.input, row?.usage.output, row?.outcome, row?.status, row?.estimated, others.length],
      [7, 2, 'ok', 200, false, 0],
    );
  });

  it('never carries the client’s own headers and keys to the provider', async () => {
    await gateway.ask(chat('fast'), {
      headers: {
        cookie: 'c=1',
        'x-api-key': 'mine',
        'proxy-authorization': 'x',
        'x-forwarded-for': '1.2.3.4',
        'openai-beta': 'assistants=v2',
      },
    });
    const names = lastCall().head.headers.map(([name]) => name);
    assert.deepEqual(names.sort(), ['accept', 'content-type', 'openai-beta', 'user-agent', 'x-client-request-id']);
  });

  it('asks for the usage of a stream and hides the chunk that the client did not ask for', async () => {
    const answer = await gateway.ask(chat('fast', { stream: true }));
    assert.equal(answer.body, delta('Hel') + delta('lo') + finish + DONE);
    assert.deepEqual((JSON.parse(lastCall().body.toString()) as { stream_options: unknown }).stream_options, { include_usage: true });
    const [row] = await settledOf(answer.headers['x-bulkhead-request-id']);
    assert.deepEqual([row?.usage.input, row?.usage.output, row?.estimated, row?.stream, row?.outcome], [7, 3, false, true, 'ok']);
    assert.equal(answer.broken, false);
  });

  it('leaves the usage chunk where the client asked for it', async () => {
    const answer = await gateway.ask(chat('fast', { stream: true, stream_options: { include_usage: true } }));
    assert.equal(answer.body, delta('Hel') + delta('lo') + finish + usage + DONE);
  });

  it('streams a large whole answer through and still reads its usage', async () => {
    const answer = await gateway.ask(chat('fast', { user: 'large' }));
    assert.equal((JSON.parse(answer.body) as { padding: string }).padding.length, 300_000);
    const [row] = await settledOf(answer.headers['x-bulkhead-request-id']);
    assert.deepEqual([row?.usage.output, row?.outcome], [2, 'ok']);
  });
});

describe('a failing provider', () => {
  it('’s error passes faithfully, with Retry-After', async () => {
    const answer = await gateway.ask(chat('fast', { user: 'teapot' }));
    assert.equal(answer.status, 429);
    assert.equal(answer.body, '{"error": {"message": "slow down", "type": "requests", "param": null, "code": "rate_limit_exceeded"} }');
    assert.deepEqual([answer.headers['retry-after'], answer.headers['x-upstream-ratelimit-remaining-requests']], ['7', '0']);
    const [row] = await settledOf(answer.headers['x-bulkhead-request-id']);
    assert.deepEqual([row?.usage.input, row?.outcome, row?.status], [0, 'upstream_error', 429]);
  });

  it('’s page of HTML becomes an error in the client’s protocol', async () => {
    const answer = await gateway.ask(chat('fast', { user: 'html' }));
    assert.deepEqual([answer.status, errorOf(answer).code, answer.headers['content-type']], [502, 'upstream_error', 'application/json']);
  });

  it('’s 200 of another content type is refused', async () => {
    const answer = await gateway.ask(chat('fast', { user: 'wrong-type' }));
    assert.deepEqual([answer.status, errorOf(answer).code], [502, 'upstream_invalid']);
    assert.equal((await settledOf(answer.headers['x-bulkhead-request-id'])).length, 1);
  });

  for (const how of ['fail-first', 'busy-first']) {
    it(`is followed by the next target (${how}), each attempt accounted once`, async () => {
      const answer = await gateway.ask(chat('safe', { user: how }));
      assert.deepEqual([answer.status, answer.headers['x-bulkhead-attempts'], answer.headers['x-bulkhead-provider']], [200, '2', 'second']);
      const rows = await settledOf(answer.headers['x-bulkhead-request-id']);
      assert.deepEqual(
        rows.map(({ attempt, outcome, provider, usage: used }) => [attempt, outcome, provider, used.input]),
        [
          [1, 'upstream_error', 'openai', 0],
          [2, 'ok', 'second', 7],
        ],
      );
    });
  }

  it('without another target is named', async () => {
    const answer = await gateway.ask(chat('fast', { user: 'fail-first' }));
    assert.deepEqual([answer.status, errorOf(answer).code], [502, 'upstream_unreachable']);
    assert.match(errorOf(answer).message, /provider openai could not be reached: ECONNREFUSED/);
  });

  for (const how of ['cut', 'cut-clean']) {
    it(`that breaks its stream off (${how}) is told, and the connection never ends cleanly`, async () => {
      const answer = await gateway.ask(chat('fast', { stream: true, user: how }));
      assert.ok(answer.broken);
      assert.ok(answer.body.startsWith(delta('Hel')));
      const last = JSON.parse(answer.body.slice(delta('Hel').length + 'data: '.length)) as { error: { code: string } };
      assert.equal(last.error.code, 'upstream_reset');
      const [row] = await settledOf(answer.headers['x-bulkhead-request-id']);
      assert.deepEqual([row?.outcome, row?.estimated, (row?.usage.input ?? 0) > 0, row?.usage.output], ['upstream_cut', true, true, 1]);
    });
  }

  it('that reports an error inside its stream is passed on', async () => {
    const answer = await gateway.ask(chat('fast', { stream: true, user: 'error-event' }));
    assert.match(answer.body, /overloaded/);
    const [row] = await settledOf(answer.headers['x-bulkhead-request-id']);
    assert.equal(row?.outcome, 'upstream_error');
  });
});

describe('a client that leaves', () => {
  it('cancels the call at once, and what was used is estimated', async () => {
    const before = gateway.settled.length;
    await gateway.ask(chat('fast', { stream: true, user: 'stall' }), { leaveAfter: 1 });
    await gateway.accounted();
    assert.ok(lastCall().cancelled);
    const row = gateway.settled[before];
    assert.deepEqual([row?.outcome, row?.estimated, row?.usage.output], ['cancelled', true, 1]);
  });

  it('before the answer began cancels too', async () => {
    const before = gateway.settled.length;
    await gateway.ask(chat('fast', { user: 'hang' }), { leaveAfter: 0 });
    await gateway.accounted();
    assert.ok(lastCall().cancelled);
    assert.deepEqual([gateway.settled[before]?.outcome, gateway.settled[before]?.status], ['cancelled', 0]);
  });
});

describe('what the vault refuses', () => {
  it('is released, not settled', async () => {
    const answer = await gateway.ask(chat('fast', { user: 'refuse-credential' }));
    assert.deepEqual([answer.status, errorOf(answer).code], [503, 'credential_missing']);
    const id = answer.headers['x-bulkhead-request-id'];
    assert.equal((await settledOf(id)).length, 0);
    assert.ok(gateway.released.includes(String(id)));
  });

  it('a vault that dies after the call was sent leaves a marked row, and the call is not made again', async () => {
    const calls = gateway.calls.length;
    const asking = gateway.ask(chat('fast', { user: 'hang' }));
    while (gateway.calls.length === calls) await new Promise((resolve) => setTimeout(resolve, 5));
    gateway.cut('vault');
    const answer = await asking;
    assert.deepEqual([answer.status, errorOf(answer).code], [502, 'upstream_reset']);
    const [row] = await settledOf(answer.headers['x-bulkhead-request-id']);
    assert.equal(row?.outcome, 'unconfirmed');
    assert.equal(gateway.calls.length, calls + 1);
    assert.equal((await gateway.ask(chat('fast'))).status, 200);
  });
});
