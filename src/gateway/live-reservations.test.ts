import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { IncomingCall } from '../ipc/peer.ts';
import { startCompartment, type Compartment } from './testing/compartment.ts';

const ANSWER = Buffer.from('{"id":"c","choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1}}');
const CHAT = { model: 'fast', messages: [{ role: 'user', content: 'Hello' }], user: 'ann' };

interface Heard {
  readonly gateway: Compartment;
  /** Every call to the ledger by what it is, in order; those of a new connection follow `connected`. */
  readonly ledger: { op: string; ids: readonly string[]; requests: readonly Record<string, unknown>[] }[];
  /** Calls that the vault has not answered. */
  readonly waiting: IncomingCall[];
  acknowledge: boolean;
}

async function start(): Promise<Heard> {
  const ledger: Heard['ledger'] = [];
  const waiting: IncomingCall[] = [];
  const heard = { ledger, waiting, acknowledge: true };
  const gateway = await startCompartment({
    vault: (call) => waiting.push(call),
    ledger: (call) => {
      const {
        op,
        requests = [],
        released = [],
        settled = [],
      } = call.head as unknown as {
        op: string;
        requests?: Record<string, unknown>[];
        released?: string[];
        settled?: { requestId: string }[];
      };
      const ids =
        op === 'resume' ? requests.map(({ requestId }) => String(requestId)) : [...released, ...settled.map(({ requestId }) => requestId)];
      ledger.push({ op, ids, requests });
      return op === 'account' && !heard.acknowledge;
    },
  });
  return Object.assign(heard, { gateway });
}

function answer(call: IncomingCall | undefined): void {
  assert.ok(call);
  call.sendHead({ status: 200, headers: [['content-type', 'application/json']] });
  call.send(ANSWER);
  call.end({ bytesIn: 1, bytesOut: 1 });
}

async function until(holds: () => boolean): Promise<void> {
  for (let i = 0; i < 400 && !holds(); i++) await new Promise((resolve) => setTimeout(resolve, 10));
  assert.ok(holds());
}

const resumes = ({ ledger }: Heard): Heard['ledger'] => ledger.filter(({ op }) => op === 'resume');

describe('a ledger that comes back', () => {
  it('is first told what it held, before anything else', async () => {
    const heard = await start();
    const { gateway, ledger, waiting } = heard;
    await until(() => resumes(heard).length === 1);
    assert.deepEqual(resumes(heard)[0]?.ids, []);
    const asking = gateway.ask(CHAT);
    await until(() => waiting.length === 1);
    const from = ledger.length;
    gateway.cut('ledger');
    const another = gateway.ask(CHAT);
    await until(() => waiting.length === 2);
    const [first, second] = ledger.slice(from);
    assert.deepEqual([first?.op, second?.op], ['resume', 'reserve']);
    assert.deepEqual(first?.ids, [gateway.reserved[0]]);
    const [request] = first?.requests ?? [];
    assert.deepEqual([request?.['key'], request?.['alias'], request?.['endUser']], ['key_1', 'fast', 'ann']);
    waiting.forEach(answer);
    assert.deepEqual([(await asking).status, (await another).status], [200, 200]);
    await gateway.accounted();
    gateway.cut('ledger');
    await until(() => resumes(heard).length === 3);
    assert.deepEqual(resumes(heard)[2]?.ids, []);
    await gateway.close();
  });

  it('holds the place of a request whose end it has not acknowledged', async () => {
    const heard = await start();
    const { gateway, waiting } = heard;
    heard.acknowledge = false;
    const asking = gateway.ask(CHAT);
    await until(() => waiting.length === 1);
    answer(waiting[0]);
    await asking;
    await until(() => heard.ledger.some(({ op }) => op === 'account'));
    heard.acknowledge = true;
    gateway.cut('ledger');
    await gateway.accounted();
    assert.deepEqual(resumes(heard).at(-1)?.ids, [gateway.reserved[0]]);
    await gateway.close();
  });

  it('holds nothing for a request that it refused', async () => {
    let refuse = true;
    const named: string[][] = [];
    const gateway = await startCompartment({
      vault: answer,
      ledger: (call) => {
        if (call.head['op'] === 'resume')
          named.push((call.head['requests'] as unknown as { requestId: string }[]).map(({ requestId }) => requestId));
        if (call.head['op'] !== 'reserve' || !refuse) return false;
        call.error('too_many_parallel_requests', { owner: 'key_1', limit: 1 });
        return true;
      },
    });
    assert.equal((await gateway.ask(CHAT)).status, 429);
    gateway.cut('ledger');
    await until(() => named.length === 2);
    assert.deepEqual(named, [[], []]);
    refuse = false;
    assert.equal((await gateway.ask(CHAT)).status, 200);
    await gateway.close();
  });
});
