import assert from 'node:assert/strict';
import type { LookupAddress } from 'node:dns';
import net from 'node:net';
import { describe, it } from 'node:test';
import { mayDial, resolveChecked } from './address.ts';
import { Pool } from './pool.ts';
import { bindingTo } from './testing/vault.ts';

const PUBLIC = [
  '8.8.8.8',
  '104.18.7.192',
  '2606:4700::6812:7c0',
  '64:ff9b::808:808',
  '::ffff:8.8.8.8',
  '172.15.0.1',
  '172.32.0.1',
  '100.128.0.1',
];
const PRIVATE =
  '10.0.0.1 100.64.0.1 100.127.255.255 127.0.0.1 127.255.0.1 172.16.0.1 172.31.255.255 192.0.0.1 192.0.2.1 192.168.1.1 198.18.0.1 198.19.1.1 198.51.100.1 203.0.113.9 ::1 fc00::1 fdff::1 2001:db8::1 2001::1 2002:7f00:1:: 64:ff9b:1::7f00:1 ::ffff:127.0.0.1 ::ffff:7f00:1 ::ffff:10.0.0.1 64:ff9b::7f00:1 64:ff9b::10.0.0.1'.split(
    ' ',
  );
const NEVER =
  '0.0.0.0 0.1.2.3 169.254.169.254 169.254.0.1 100.100.100.200 224.0.0.1 239.1.1.1 240.0.0.1 255.255.255.255 :: fe80::1 fec0::1 ff02::1 fd00:ec2::254 ::ffff:169.254.169.254 ::ffff:0.0.0.0 64:ff9b::a9fe:a9fe 64:ff9b::'.split(
    ' ',
  );

describe('addresses', () => {
  it('public ones may be dialled', () =>
    assert.deepEqual(
      PUBLIC.filter((address) => !mayDial(address, false)),
      [],
    ));

  it('private and special ones, also inside IPv6, only where the configuration says private (16)', () => {
    assert.deepEqual(
      PRIVATE.filter((address) => mayDial(address, false)),
      [],
    );
    assert.deepEqual(
      PRIVATE.filter((address) => !mayDial(address, true)),
      [],
    );
  });

  it('link-local, metadata, multicast and reserved ones never', () => {
    assert.deepEqual(
      NEVER.filter((address) => mayDial(address, false) || mayDial(address, true)),
      [],
    );
  });

  it('what is not an address is not dialled', () => {
    for (const text of ['', 'localhost', '127.1', '0x7f.1', '2130706433', 'fe80::1%lo', '::1%eth0', '1.2.3.4.5'])
      assert.equal(mayDial(text, true), false);
  });

  it('every spelling of loopback folds to a refused address (16)', async () => {
    for (const host of ['127.1', '0x7f.1', '2130706433', '①②⑦.①', '127.0.0.1', '[::ffff:7f00:1]', '[::1]', '0.0.0.0', '0']) {
      const { hostname } = new URL(`http://${host}/`);
      await assert.rejects(
        resolveChecked(hostname, false, () => Promise.reject(new Error('not asked'))),
        { code: 'address_refused' },
      );
    }
  });

  it('one bad address among good ones refuses the host', async () => {
    const resolve =
      (...addresses: string[]) =>
      () =>
        Promise.resolve(addresses.map((address): LookupAddress => ({ address, family: net.isIP(address) })));
    await assert.rejects(resolveChecked('nip.example', false, resolve('8.8.8.8', '10.0.0.1')), { code: 'address_refused' });
    await assert.rejects(resolveChecked('empty.example', false, resolve()), { code: 'address_refused' });
    assert.equal((await resolveChecked('good.example', false, resolve('8.8.8.8', '2606:4700::1'))).length, 2);
  });
});

describe('dialling', () => {
  it('DNS rebinding: a second answer of the resolver is never asked for (17)', async () => {
    const server = net.createServer((socket) => socket.end()).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as net.AddressInfo;
    let asked = 0;
    const resolve = (): Promise<LookupAddress[]> => Promise.resolve([{ address: ++asked === 1 ? '127.0.0.1' : '127.0.0.2', family: 4 }]);
    const { socket } = await new Pool(bindingTo(`http://rebind.example:${port}`), resolve).open(1000);
    assert.equal(socket.remoteAddress, '127.0.0.1');
    assert.equal(asked, 1);
    socket.destroy();
    await assert.rejects(new Pool(bindingTo(`http://rebind.example:${port}`, { allowPrivate: false }), resolve).open(1000), {
      code: 'address_refused',
    });
    server.close();
  });

  it('says unreachable for a closed port and timeout for a silent resolver', async () => {
    await assert.rejects(new Pool(bindingTo('http://127.0.0.1:1'), () => Promise.resolve([])).open(1000), {
      code: 'upstream_unreachable',
    });
    await assert.rejects(new Pool(bindingTo('http://silent.example'), () => new Promise(() => setTimeout(() => undefined, 300))).open(50), {
      code: 'upstream_timeout',
    });
  });

  it('goes through the operator’s CONNECT proxy, and refuses one that says no', async () => {
    const heads: string[] = [];
    let status = '200 OK';
    const proxy = net.createServer((socket) => {
      socket.once('data', (chunk: Buffer) => {
        heads.push(chunk.toString());
        socket.write(`HTTP/1.1 ${status}\r\nx: y\r\n\r\n`);
      });
      socket.on('error', () => socket.destroy());
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    const pool = new Pool(
      bindingTo('http://api.example.com:8080', { proxy: `http://127.0.0.1:${(proxy.address() as net.AddressInfo).port}` }),
      () => Promise.resolve([]),
    );
    const { socket } = await pool.open(1000);
    assert.equal(heads[0], 'CONNECT api.example.com:8080 HTTP/1.1\r\nhost: api.example.com:8080\r\n\r\n');
    socket.destroy();
    status = '407 Proxy Authentication Required';
    await assert.rejects(pool.open(1000), { code: 'upstream_unreachable' });
    proxy.close();
  });
});
