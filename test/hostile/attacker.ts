import http from 'node:http';
import net from 'node:net';
import { text } from 'node:stream/consumers';
import { createDecipheriv, createHash } from 'node:crypto';
import zlib from 'node:zlib';
import type { Principal, SignedText } from '../../src/access/principal.ts';
import { systemClock } from '../../src/core/clock.ts';
import { newRequestId } from '../../src/core/ids.ts';
import type { JsonObject } from '../../src/core/json.ts';
import { ResponseState, type Caller } from '../../src/gateway/response-state.ts';
import { startChild, type Child } from '../../src/ipc/child.ts';
import { Link } from '../../src/ipc/link.ts';
import { Peer } from '../../src/ipc/peer.ts';
import { ATTACKS } from './attacks.ts';
import { runAll, type EgressAnswer, type TenantDoors, type VaultDoors, type Victim, type World } from './world.ts';

/**
 * A gateway that a hostile dependency has taken over: it has the gateway's rights, descriptors and connections, sees a
 * client's virtual key go by, and does what it likes with them.
 */

interface Orders {
  /** The virtual key that it saw go by. */
  readonly key: string;
  readonly facts: Omit<World, 'egress' | 'vault' | 'tenants'>;
}

/** What a tenant had stored before the dependency turned hostile: afterwards nothing of its key is left. */
interface Keep {
  readonly key: string;
  readonly response: string;
  readonly secret: string;
}

startChild('gateway', (child) => {
  const link = (name: string): Link =>
    new Link({ path: child.boot.connect[name] as string, hello: child.hello(), unavailable: 'vault_unavailable', waitMs: 5000 });
  const [vault, control, ledger] = [link('vault-0'), link('control'), link('ledger')];
  const server = http.createServer((request, response) => {
    void text(request)
      .then(async (body) => {
        if (request.url === '/keep') return keep(JSON.parse(body) as Keep, { vault, control, ledger });
        const orders = JSON.parse(body) as Orders;
        const world = {
          ...orders.facts,
          egress: egressWith(vault, control, orders.key),
          vault: doors(child, vault),
          tenants: tenantDoors(orders, { vault, control, ledger }),
        };
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
    ledger.stop();
  });
  child.ready();
});

interface Links {
  readonly vault: Link;
  readonly control: Link;
  readonly ledger: Link;
}

async function callerOf(presented: string, control: Link): Promise<Caller> {
  const { head } = await control.unary({ op: 'key.resolve', digest: createHash('sha256').update(presented).digest('hex') });
  const signed = head['row'] as unknown as SignedText;
  const principal: Principal = { key: JSON.parse(signed.text) as Principal['key'], signed, signedJson: JSON.stringify(signed) };
  return { principal, presented };
}

/** As the gateway does it; then it is read again, so that what the attempts are after is known to be there. */
async function keep({ key, response, secret }: Keep, { vault, control, ledger }: Links): Promise<Victim> {
  const caller = await callerOf(key, control);
  const state = new ResponseState({ ledger, vault, clock: systemClock });
  const stored = await state.put(caller, response, { input: [secret], output: [], response: { id: response } }, 3_600_000);
  const read = await state.get(caller, response);
  if (!stored || read === undefined || !JSON.stringify(read).includes(secret)) throw new Error('the response was not kept');
  const { organization, team } = caller.principal.key;
  return { organization, team, response };
}

function tenantDoors({ key, facts: { victim } }: Orders, { vault, control, ledger }: Links): TenantDoors {
  return {
    tenantKey: async (how) => {
      const { principal } = await callerOf(key, control);
      const text = principal.signed.text.replace(/"organization":"[^"]*"/, `"organization":"${victim.organization}"`);
      const row = how === 'edited row' ? { ...principal.signed, text } : { ...principal.signed };
      const proof = { kind: 'key', row, key: how === 'other key' ? anotherKey(key) : key };
      return Buffer.from((await vault.unary({ op: 'tenant.key', proof, purpose: 'responses' })).body);
    },
    stored: async () => {
      const { response: id, organization, team } = victim;
      return Buffer.from((await ledger.unary({ op: 'response.get', id, organization, team })).body);
    },
    // Version, nonce, ciphertext, tag: bound to its place.
    open: (sealed, secret) => {
      const place = Buffer.from(JSON.stringify([victim.response, victim.organization, victim.team]));
      const decipher = createDecipheriv('aes-256-gcm', secret, sealed.subarray(1, 13)).setAAD(place).setAuthTag(sealed.subarray(-16));
      return zlib.inflateRawSync(Buffer.concat([decipher.update(sealed.subarray(13, -16)), decipher.final()])).toString();
    },
  };
}

const anotherKey = (key: string): string => key.replace(/.{7}$/, (end) => (end[0] === 'a' ? 'b' : 'a') + end.slice(1));

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
      proof: { kind: 'key', row, key: edit === 'key' ? anotherKey(key) : key },
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
