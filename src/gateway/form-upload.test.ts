import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import http from 'node:http';
import { after, before, describe, it } from 'node:test';
import type { ReserveMessage } from '../ipc/messages/ledger.ts';
import { WINDOW_BYTES } from '../ipc/peer.ts';
import { POLICY, startCompartment, type Compartment } from './testing/compartment.ts';

/** What the gateway asks of the vault for a form that it sends on, and how much of one it takes ahead. */

const FILE = randomBytes(6_000_000);
const field = (name: string, value: string): string => `--b\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
const file = (bytes: Buffer): Buffer =>
  Buffer.concat([Buffer.from('--b\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\n'), bytes, Buffer.from('\r\n')]);
const form = (...parts: readonly (string | Buffer)[]): Buffer =>
  Buffer.concat([...parts, '--b--\r\n'].map((part) => (typeof part === 'string' ? Buffer.from(part) : part)));

describe('forms that are sent on', () => {
  let gateway: Compartment;
  /** Body bytes that came to the vault, and whether their end did. */
  let heard: Buffer[] = [];
  let hasEnded = false;
  let reserved: ReserveMessage | undefined;
  let takes: 'all' | 'nothing' = 'all';

  before(async () => {
    gateway = await startCompartment({
      ledger: ({ head }) => {
        if (head['op'] === 'reserve') reserved = head['request'] as unknown as ReserveMessage;
        return false;
      },
      policy: { timeouts: { ...POLICY.timeouts, requestHeadMs: 2_000, requestMs: 2_000 } },
      vault: (call) => {
        const answer = (): void => {
          hasEnded = true;
          call.sendHead({ status: 200, headers: [['content-type', 'application/json']] }, Buffer.from('{"text":"hello"}'));
          call.end({ bytesIn: 16, bytesOut: 0 });
        };
        heard = [call.body];
        hasEnded = false;
        if (call.head['body'] === 'bounded') return answer();
        call.events = {
          onData: (chunk) => {
            heard.push(Buffer.from(chunk));
            if (takes === 'all') call.consumed(chunk.length);
          },
          onEnd: answer,
        };
      },
    });
  });
  after(() => gateway.close());

  function send(body: Buffer, path = '/v1/audio/transcriptions'): Promise<number> {
    return new Promise((resolve, reject) => {
      const request = http.request(
        gateway.url + path,
        {
          method: 'POST',
          agent: false,
          headers: {
            authorization: `Bearer ${gateway.key}`,
            'content-type': 'multipart/form-data; boundary=b',
            'content-length': body.length,
          },
        },
        (response) => response.resume().on('end', () => resolve(response.statusCode ?? 0)),
      );
      request.on('error', reject);
      request.end(body);
    });
  }
  const length = (): number => heard.reduce((sum, chunk) => sum + chunk.length, 0);

  it('are called with the length that they have with the provider’s name of the model', async () => {
    assert.equal(await send(form(field('model', 'fast'), file(FILE))), 200);
    const expected = form(field('model', 'gpt-fast'), file(FILE));
    const { head } = gateway.calls.at(-1) as Compartment['calls'][number];
    assert.deepEqual([head.body, head.bodyLength], ['streamed', expected.length]);
    assert.equal(Buffer.concat(heard).compare(expected), 0);
    assert.ok(hasEnded);
  });

  it('are held where they are small, whatever their order', async () => {
    const small = FILE.subarray(0, 500_000);
    for (const body of [form(field('model', 'fast'), file(small)), form(file(small), field('model', 'fast'))]) {
      assert.equal(await send(body), 200);
      const { head } = gateway.calls.at(-1) as Compartment['calls'][number];
      assert.deepEqual([head.body, head.bodyLength], ['bounded', undefined]);
    }
    // And where the model stands behind the file, up to what a body may have.
    assert.equal(await send(form(file(FILE.subarray(0, 3_000_000)), field('model', 'fast'))), 200);
    assert.equal(gateway.calls.at(-1)?.head.body, 'bounded');
    assert.equal(await send(form(file(FILE), field('model', 'fast'))), 413);
  });

  it('are not read further than one window ahead of a vault that takes nothing', async () => {
    takes = 'nothing';
    assert.equal(await send(form(field('model', 'fast'), file(FILE))), 408);
    takes = 'all';
    // The window may be passed by the chunk that fills it.
    assert.ok(length() >= WINDOW_BYTES && length() <= WINDOW_BYTES + 128 * 1024, `${length()} bytes`);
    assert.equal(hasEnded, false);
    await gateway.accounted();
    assert.deepEqual([gateway.settled.at(-1)?.outcome, gateway.settled.at(-1)?.bytesOut], ['client_error', length()]);
  });

  it('are reserved and counted by their size, not by what bytes of a file look like', async () => {
    const body = form(field('model', 'fast'), field('prompt', 'x'.repeat(100)), file(FILE), field('n', '4'));
    assert.equal(await send(body, '/v1/images/edits'), 200);
    await gateway.accounted();
    assert.deepEqual([gateway.settled.at(-1)?.usage.units, gateway.settled.at(-1)?.estimated], [{ image: 4 }, false]);
    assert.equal(await send(body), 200);
    await gateway.accounted();
    assert.deepEqual(
      [gateway.settled.at(-1)?.usage.units, gateway.settled.at(-1)?.estimated],
      [{ second: Math.ceil(body.length / 4000) }, true],
    );
    assert.equal(await send(form(field('model', 'fast'), field('n', '3'), file(FILE.subarray(0, 1000))), '/v1/images/edits'), 200);
    await gateway.accounted();
    assert.deepEqual(gateway.settled.at(-1)?.usage.units, { image: 3 });
  });

  it('are reserved for as long as a recording of their size may be', async () => {
    const body = form(field('model', 'fast'), file(FILE.subarray(0, 2_500_000)));
    assert.equal(await send(body), 200);
    assert.deepEqual(
      [reserved?.maxUnits, reserved?.maxOutputTokens, (reserved?.maxInputTokens ?? 0) < 33_000],
      [{ second: Math.ceil(body.length / 750) }, 32_768, true],
    );
  });

  it('are reserved for as many pictures as may still be asked for behind the file, and no more', async () => {
    for (const [n, early, status, most] of [
      ['10', [], 200, 10],
      ['11', [], 400, 10],
      ['2', [field('n', '2')], 200, 2],
      ['3', [field('n', '2')], 400, 2],
    ] as const) {
      assert.equal(await send(form(field('model', 'fast'), ...early, file(FILE), field('n', n)), '/v1/images/edits'), status, `${n} late`);
      assert.deepEqual([reserved?.maxUnits, reserved?.maxOutputTokens], [{ image: most }, most * 25_000]);
    }
  });
});
