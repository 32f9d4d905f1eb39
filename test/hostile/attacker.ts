import http from 'node:http';
import net from 'node:net';
import { text } from 'node:stream/consumers';
import { createHash } from 'node:crypto';
import { newRequestId } from '../../src/core/ids.ts';
import type { JsonObject } from '../../src/core/json.ts';
import { startChild, type Child } from '../../src/ipc/child.ts';
import { Link } from '../../src/ipc/link.ts';
import { Peer } from '../../src/ipc/peer.ts';
import { ATTACKS } from './attacks.ts';
import { runAll, type EgressAnswer, type VaultDoors, type World } from './world.ts';

/**
 * A gateway that a hostile dependency has taken over: it has the gateway's rights, descriptors and connections, sees a
 * client's virtual key go by, and does what it likes with them.
 */

interface Orders {
  /** The virtual key that it saw go by. */
  readonly key: string;
  readonly facts: Omit<World, 'egress' | 'vault'>;
}

startChild('gateway', (child) => {
  const link = (name: string): Link =>
    new Link({ path: child.boot.connect[name] as string, hello: child.hello(), unavailable: 'vault_unavailable', waitMs: 5000 });
  const [vault, control] = [link('vault-0'), link('control')];
  const server = http.createServer((request, response) => {
    void text(request)
      .then(async (body) => {
        const orders = JSON.parse(body) as Orders;
        const world = { ...orders.facts, egress: egressWith(vault, control, orders.key), vault: doors(child, vault) };
        return request.url === '/use' ? world.egress({ path: '/v1/models', method: 'GET' }) : runAll(ATTACKS, world);
      })
      .then(
        (answer) => response.end(JSON.stringify(answer)),
        (error: unknown) => response.writeHead(500).end(String(error)),
      );
  });
  server.listen({ fd: child.boot.listen['http'] as number });
  child.onDrain(async () => {
    server.close();
    server.closeAllConnections();
    vault.stop();
    control.stop();
  });
  child.ready();
});

/** The call that the gateway makes for a client, with any part of it changed. */
function egressWith(vault: Link, control: Link, key: string): World['egress'] {
  return async ({ method = 'POST', path, headers = [], changes = {} }) => {
    const { head } = await control.unary({ op: 'key.resolve', digest: createHash('sha256').update(key).digest('hex') });
    const { edit, ...others } = changes;
    const signed = head['row'] as { readonly text: string; readonly signature: string };
    const row = edit === 'row' ? { ...signed, text: signed.text.replace(/"organization":"[^"]*"/, '"organization":"org_forged"') } : signed;
    const call: JsonObject = {
      op: 'egress',
      requestId: newRequestId(Date.now()),
      attempt: 1,
      proof: { kind: 'key', row, key: edit === 'key' ? key.replace(/.{7}$/, (end) => (end[0] === 'a' ? 'b' : 'a') + end.slice(1)) : key },
      credential: 'canary',
      method,
      path,
      headers,
      body: 'bounded',
      timeouts: { connectMs: 2000, headMs: 2000, idleMs: 2000 },
      ...others,
    };
    return streamed(await vault.ready(), call, method === 'GET' ? Buffer.alloc(0) : Buffer.from('{}'));
  };
}

function streamed(peer: Peer, head: JsonObject, body: Buffer): Promise<EgressAnswer> {
  return new Promise((resolve, reject) => {
    const parts: string[] = [];
    let status = 0;
    const call = peer.call(head, body, {
      onHead: (answer, first) => {
        status = Number(answer['status']);
        parts.push(JSON.stringify(answer), first.toString('latin1'));
      },
      onData: (chunk) => {
        parts.push(chunk.toString('latin1'));
        call.consumed(chunk.length);
      },
      onEnd: () => resolve({ status, text: parts.join('') }),
      onError: reject,
    });
  });
}

function doors(child: Child, vault: Link): VaultDoors {
  const own = child.boot.connect['vault-0'] as string;
  return {
    run: own.slice(0, own.lastIndexOf('/gateway/')),
    ask: async (head) => (await vault.unary(head)).head,
    askThrough: (path, head) =>
      new Promise((resolve, reject) => {
        const peer = new Peer(
          net.connect(path).on('error', reject),
          'connecting',
          { ...child.hello(), role: 'control' },
          {
            onHello: () => {
              peer
                .unary(head)
                .then((reply) => resolve(reply.head), reject)
                .finally(() => peer.destroy());
            },
          },
        );
      }),
  };
}
