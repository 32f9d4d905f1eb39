import assert from 'node:assert/strict';
import http from 'node:http';
import { describe, it } from 'node:test';
import type { IncomingCall } from '../ipc/peer.ts';
import { errorOf, POLICY, startCompartment } from './testing/compartment.ts';

const event = (text: string): string =>
  `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: text }, finish_reason: null }] })}\n\n`;
const END = `data: ${JSON.stringify({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] })}\n\ndata: [DONE]\n\n`;
const STREAM = { model: 'fast', stream: true, messages: [] };

const openStream = (call: IncomingCall): void => call.sendHead({ status: 200, headers: [['content-type', 'text/event-stream']] });

describe('a slow client', () => {
  it('slows its provider: no more than the buffers’ bytes leave the vault', async () => {
    const chunk = Buffer.from(event('x'.repeat(16_000)));
    let sent = 0;
    const gateway = await startCompartment({
      vault: (call) => {
        openStream(call);
        const more = (): void => {
          while (sent < 50_000_000) {
            sent += chunk.length;
            if (!call.send(chunk)) return;
          }
          call.send(Buffer.from(END));
          call.end({ bytesIn: sent, bytesOut: 1 });
        };
        call.events = { ...call.events, onWritable: more };
        more();
      },
    });
    const response = await new Promise<http.IncomingMessage>((resolve) => {
      const request = http.request(
        `${gateway.url}/v1/chat/completions`,
        { method: 'POST', agent: false, headers: { 'content-type': 'application/json', authorization: `Bearer ${gateway.key}` } },
        resolve,
      );
      request.end(JSON.stringify(STREAM));
    });
    await new Promise((resolve) => setTimeout(resolve, 300));
    const held = sent;
    // The kernel's own buffers of two sockets are in it too.
    assert.ok(held < 12_000_000, `${held} bytes left the vault for a client that reads nothing`);
    let received = 0;
    for await (const piece of response) received += (piece as Buffer).length;
    assert.ok(received >= 50_000_000, String(received));
    await gateway.accounted();
    assert.equal(gateway.settled[0]?.outcome, 'ok');
    await gateway.close();
  });
});

describe('limits of time', () => {
  it('a stream that lasts too long is ended with an error, and its provider’s call with it', async () => {
    const gateway = await startCompartment({
      vault: (call) => {
        openStream(call);
        call.send(Buffer.from(event('a')));
      },
      policy: { timeouts: { ...POLICY.timeouts, streamMs: 100 } },
    });
    const answer = await gateway.ask(STREAM);
    assert.ok(answer.broken);
    assert.match(answer.body, /"code":"upstream_timeout"/);
    await gateway.accounted();
    assert.deepEqual([gateway.settled[0]?.outcome, gateway.calls[0]?.cancelled], ['timeout', true]);
    await gateway.close();
  });
});

describe('draining', () => {
  it('lets a stream end and its usage reach the ledger', async () => {
    let finish: () => void = () => undefined;
    const gateway = await startCompartment({
      vault: (call) => {
        openStream(call);
        call.send(Buffer.from(event('a')));
        finish = () => {
          call.send(Buffer.from(END));
          call.end({ bytesIn: 1, bytesOut: 1 });
        };
      },
    });
    const asking = gateway.ask(STREAM);
    while (gateway.calls.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    const drained = gateway.drain();
    setTimeout(finish, 50);
    const answer = await asking;
    await drained;
    assert.ok(!answer.broken && answer.body.endsWith('data: [DONE]\n\n'));
    assert.equal(gateway.settled.length, 1);
    await gateway.close();
  });
});

describe('the ledger away', () => {
  it('keeps ends until it is back, each exactly once', async () => {
    let isAway = true;
    const gateway = await startCompartment({
      vault: (call) => {
        call.sendHead({ status: 200, headers: [['content-type', 'application/json']] });
        call.send(Buffer.from('{"usage":{"prompt_tokens":1,"completion_tokens":1}}'));
        call.end({ bytesIn: 1, bytesOut: 1 });
      },
      ledger: (call) => {
        if (call.head['op'] !== 'account' || !isAway) return false;
        call.error('ledger_unavailable');
        return true;
      },
    });
    const answers = await Promise.all(Array.from({ length: 20 }, () => gateway.ask({ model: 'fast', messages: [] })));
    assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200]);
    isAway = false;
    await gateway.accounted();
    assert.equal(gateway.settled.length, 20);
    await gateway.close();
  });

  it('refuses admission with a reason when it does not come back', async () => {
    const gateway = await startCompartment({
      vault: (call) => call.error('internal'),
      ledger: (call) => (call.head['op'] === 'reserve' ? (call.error('admission_unavailable'), true) : false),
    });
    const answer = await gateway.ask({ model: 'fast', messages: [] });
    assert.deepEqual([answer.status, errorOf(answer).code, answer.headers['retry-after']], [503, 'admission_unavailable', '1']);
    assert.equal(gateway.calls.length, 0);
    await gateway.close();
  });
});

describe('another protocol on the provider’s side', () => {
  it('is translated both ways, stream and not, and losses are named', async () => {
    const message = {
      id: 'msg_1',
      type: 'message',
      role: 'assistant',
      model: 'claude-x',
      content: [{ type: 'text', text: 'Hello' }],
      stop_reason: 'end_turn',
      stop_sequence: null,
      usage: { input_tokens: 10, output_tokens: 4 },
    };
    const events: readonly Record<string, unknown>[] = [
      { type: 'message_start', message: { ...message, content: [], stop_reason: null, usage: { input_tokens: 10, output_tokens: 1 } } },
      { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
      { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Hello' } },
      { type: 'content_block_stop', index: 0 },
      { type: 'message_delta', delta: { stop_reason: 'end_turn', stop_sequence: null }, usage: { output_tokens: 4 } },
      { type: 'message_stop' },
    ];
    const gateway = await startCompartment({
      vault: (call, _, body) => {
        const asked = JSON.parse(body.toString()) as { stream?: boolean; system?: string; metadata?: { user_id?: string } };
        const isCut = JSON.stringify(asked).includes('cut-it');
        if (JSON.stringify(asked).includes('fail-it')) {
          call.sendHead({ status: 529, headers: [['content-type', 'application/json']] });
          call.send(Buffer.from('{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}'));
          return call.end({ bytesIn: 1, bytesOut: 1 });
        }
        if (asked.stream !== true) {
          call.sendHead({ status: 200, headers: [['content-type', 'application/json']] });
          call.send(Buffer.from(JSON.stringify(message)));
        } else {
          openStream(call);
          for (const one of isCut ? events.slice(0, 3) : events)
            call.send(Buffer.from(`event: ${String(one['type'])}\ndata: ${JSON.stringify(one)}\n\n`));
        }
        call.end({ bytesIn: 1, bytesOut: 1 });
      },
    });
    const ask = (text: string, extra: Record<string, unknown> = {}, headers: Record<string, string> = {}) =>
      gateway.ask({ model: 'claude', messages: [{ role: 'user', content: text }], ...extra }, { headers });
    const whole = await ask('hi');
    const body = JSON.parse(whole.body) as { model: string; choices: { message: { content: string } }[]; usage: { total_tokens: number } };
    assert.deepEqual([whole.status, body.choices[0]?.message.content, body.usage.total_tokens], [200, 'Hello', 14]);
    assert.deepEqual(
      [gateway.calls[0]?.head.path, gateway.calls[0]?.head.headers.find(([name]) => name === 'anthropic-version')?.[1]],
      ['/v1/messages', '2023-06-01'],
    );
    const stream = await ask('hi', { stream: true });
    assert.ok(!stream.broken && stream.body.includes('"Hello"') && stream.body.endsWith('data: [DONE]\n\n'), stream.body);
    const cut = await ask('cut-it', { stream: true });
    assert.ok(cut.broken && cut.body.includes('upstream_reset') && !cut.body.includes('[DONE]'), cut.body);
    const failed = await ask('fail-it');
    assert.deepEqual([failed.status, errorOf(failed).message], [529, 'Overloaded']);
    const lossy = await ask('hi', { logit_bias: { '5': 1 }, seed: 7 });
    assert.match(String(lossy.headers['x-bulkhead-dropped']), /logit_bias/);
    const strict = await ask('hi', { logit_bias: { '5': 1 } }, { 'x-bulkhead-strict': 'true' });
    assert.deepEqual([strict.status, errorOf(strict).code], [422, 'unsupported_parameter']);
    await gateway.accounted();
    assert.deepEqual(gateway.settled.map(({ usage, outcome }) => [usage.input, usage.output, outcome]).slice(0, 2), [
      [10, 4, 'ok'],
      [10, 4, 'ok'],
    ]);
    await gateway.close();
  });
});
