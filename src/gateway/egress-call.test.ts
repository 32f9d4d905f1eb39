import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { EgressCall } from '../ipc/messages/vault.ts';
import { egressCall } from './egress-call.ts';
import type { AttemptRecord, RoutedTarget } from './exchange.ts';
import type { Decoded, SentRequest } from './steps.ts';

const SIGNED = { text: '{"id":"key_a","name":"\\"quoted\\" ü"}', signature: 'c2ln' };
const SENT = { path: '/v1/chat/completions', contentType: 'application/json', translated: false } as unknown as SentRequest;

const target = (clientHeaders: readonly string[] = ['openai-beta']): RoutedTarget =>
  ({
    model: 'm',
    operation: { protocol: 'openai-chat', path: '/chat/completions' },
    provider: {
      policy: {
        credential: 'openai',
        headers: [
          ['X-Team', 'a'],
          ['openai-beta', 'operator'],
        ],
      },
      kind: { headers: [], clientHeaders },
    },
  }) as unknown as RoutedTarget;

const decoded = (id: string, headers: Readonly<Record<string, string>> = {}, stream = false): Decoded =>
  ({
    exchange: {
      id,
      endpoint: { method: 'POST' },
      request: { headers },
      policy: { snapshot: { timeouts: { connectMs: 1, upstreamHeadMs: 2, upstreamIdleMs: 3 } } },
    },
    principal: { signedJson: JSON.stringify(SIGNED) },
    presented: 'bh_live_"odd"',
    body: { stream },
  }) as unknown as Decoded;

const read = (from: Decoded, to: RoutedTarget, attempt = 1): EgressCall =>
  JSON.parse(egressCall(from, to, { attempt } as AttemptRecord, SENT)) as EgressCall;
const headers = (call: EgressCall): Readonly<Record<string, string>> => Object.fromEntries(call.headers);

describe('call to the vault', () => {
  it('is JSON that holds the row as signed and the key as presented', () => {
    const { headers: _, ...call } = read(decoded('req_1'), target());
    assert.deepEqual(call, {
      op: 'egress',
      credential: 'openai',
      method: 'POST',
      path: '/v1/chat/completions',
      body: 'bounded',
      timeouts: { connectMs: 1, headMs: 2, idleMs: 3 },
      requestId: 'req_1',
      attempt: 1,
      proof: { kind: 'key', row: SIGNED, key: 'bh_live_"odd"' },
    });
  });

  it('keeps nothing of one request for the next to the same target', () => {
    const to = target();
    const first = headers(read(decoded('req_1', { 'openai-beta': 'mine' }), to));
    const second = read(decoded('req_2', {}, true), to, 2);
    const third = headers(read(decoded('req_3'), to));
    assert.deepEqual([first['openai-beta'], first['x-client-request-id']], ['mine', 'req_1']);
    assert.deepEqual([second.requestId, second.attempt, headers(second)['accept']], ['req_2', 2, 'text/event-stream']);
    assert.deepEqual(third, {
      'content-type': 'application/json',
      accept: 'application/json',
      'user-agent': 'bulkhead',
      'x-team': 'a',
      'openai-beta': 'operator',
      'x-client-request-id': 'req_3',
    });
  });

  it('passes a header of the client only to a kind that understands it', () => {
    assert.equal(headers(read(decoded('req_1', { 'openai-beta': 'mine' }), target([])))['openai-beta'], 'operator');
  });
});
