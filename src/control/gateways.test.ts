import assert from 'node:assert/strict';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { SignedText } from '../access/principal.ts';
import type { KeyDigest } from '../core/ids.ts';
import type { JsonObject } from '../core/json.ts';
import { bindUnix } from '../auditor/testing/role-process.ts';
import { Peer, PROTOCOL, type Hello } from '../ipc/peer.ts';
import { Gateways } from './gateways.ts';

const ROW: SignedText = { text: '{"id":"key_1"}', signature: 'c2lnbmVk' };
const DIGEST = 'a'.repeat(64) as KeyDigest;
const hello = (role: string, index: number): Hello => ({ protocol: PROTOCOL, role, index, generation: 'test', facts: {} });

describe('a row that a worker asks for', () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'bh-gateways-'));
  const socket = path.join(folder, 'control');
  const notes: JsonObject[][] = [[], [], []];
  const peers: Peer[] = [];
  /** `resolveKey` says that it began, and waits. */
  let began = (): void => undefined;
  let read = Promise.resolve();
  let gateways: Gateways;
  let handle: ReturnType<typeof bindUnix>;

  before(async () => {
    handle = bindUnix(socket);
    gateways = new Gateways(handle.fd, hello('control', 0), {
      resolveKey: async (digest) => {
        began();
        await read;
        return digest === DIGEST ? ROW : undefined;
      },
      resolveToken: async () => undefined,
      currentPolicy: () => undefined,
      onError: (_, error) => assert.fail(String(error)),
    });
    for (const index of [0, 1, 2]) peers.push(await connect(index));
  });
  after(async () => {
    for (const peer of peers) peer.destroy();
    await gateways.drain();
    handle.close();
    fs.rmSync(folder, { recursive: true });
  });

  const connect = (index: number): Promise<Peer> =>
    new Promise((resolve) => {
      const peer: Peer = new Peer(net.connect(socket), 'connecting', hello('gateway', index), {
        onHello: () => resolve(peer),
        onNote: (head) => void notes[index]?.push(head),
        onCall: (call) => call.reply({}),
      });
    });
  const asked = async (digest: KeyDigest): Promise<unknown> => (await peers[0]?.unary({ op: 'key.resolve', digest }))?.head['row'];
  /** Whatever was sent to a worker before is there. */
  const heard = async (): Promise<readonly number[]> => {
    await gateways.tell({ op: 'metrics' }, 1000);
    return notes.map(({ length }) => length);
  };

  it('is offered to the others', async () => {
    assert.deepEqual(await asked(DIGEST), ROW);
    assert.deepEqual(await heard(), [0, 1, 1]);
    assert.deepEqual(notes[1], [{ op: 'key.row', digest: DIGEST, row: ROW }]);
  });

  it('is offered to nobody where there is none, or where a change was told while it was read', async () => {
    assert.equal(await asked('b'.repeat(64) as KeyDigest), null);
    const reading = Promise.withResolvers<void>();
    read = reading.promise;
    const asking = asked(DIGEST);
    await new Promise<void>((resolve) => (began = resolve));
    await gateways.tell({ op: 'key.changed', digest: DIGEST }, 1000);
    reading.resolve();
    assert.deepEqual(await asking, ROW);
    assert.deepEqual(await heard(), [0, 1, 1]);
  });
});
