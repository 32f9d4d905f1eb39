import assert from 'node:assert/strict';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { after, describe, it } from 'node:test';
import { foldersOf, identityOf, prepareFolders } from './folders.ts';
import { bindTcp, bindUnix, holdName } from './sockets.ts';
import { temporaryFolder } from './testing/node.ts';

const connect = (options: net.NetConnectOpts): Promise<string> =>
  new Promise((resolve) => {
    const socket = net.connect(options, () => {
      socket.destroy();
      resolve('connected');
    });
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''));
  });

describe('sockets', () => {
  const root = temporaryFolder();
  after(() => fs.rmSync(root, { recursive: true }));

  it('net._createServerHandle binds without listening (an internal of Node that this project relies on)', async () => {
    assert.equal(typeof (net as unknown as Record<string, unknown>)['_createServerHandle'], 'function');
    const [socket] = bindTcp('x', '127.0.0.1', 0, 1);
    assert.ok(socket !== undefined && socket.port > 0 && socket.fd > 2);
    assert.equal(await connect({ port: socket.port, host: '127.0.0.1' }), 'ECONNREFUSED');
    const server = net.createServer();
    await new Promise<void>((resolve) => server.listen({ fd: socket.fd }, resolve));
    assert.equal(await connect({ port: socket.port, host: '127.0.0.1' }), 'connected');
    server.close();
    socket.close();
  });

  it('gives each worker a listener of its own on one port', () => {
    const sockets = bindTcp('x', '127.0.0.1', 0, 4);
    assert.equal(new Set(sockets.map(({ port }) => port)).size, 1);
    assert.equal(new Set(sockets.map(({ fd }) => fd)).size, 4);
    for (const socket of sockets) socket.close();
  });

  it('binds IPv6', () => {
    const [socket] = bindTcp('x', '::1', 0, 1);
    assert.ok(socket !== undefined && socket.port > 0);
    socket.close();
  });

  for (const workers of [1, 2]) {
    it(`says in words that a port is taken, also by another node that shares its port among ${workers} workers`, async () => {
      const sockets = bindTcp('x', '127.0.0.1', 0, workers);
      const port = sockets[0]?.port ?? 0;
      const server = net.createServer();
      await new Promise<void>((resolve) => server.listen({ fd: sockets[0]?.fd }, resolve));
      assert.throws(() => bindTcp('The gateway', '127.0.0.1', port, 2), {
        message: new RegExp(`The gateway cannot use 127.0.0.1:${port}: another program listens there`),
      });
      server.close();
      for (const socket of sockets) socket.close();
    });
  }

  it('says in words that an address is not of this machine', () => {
    assert.throws(() => bindTcp('The gateway', '203.0.113.7', 0, 1), /this machine has no such address/);
  });

  it('gives a Unix socket to the identity that connects, and to nobody else', { skip: process.getuid?.() !== 0 && 'needs root' }, () => {
    const folders = foldersOf(path.join(root, 'a'));
    prepareFolders(folders, 'uids', 1);
    const socket = bindUnix(folders, 'uids', 'gateway', 'vault-0');
    const stat = fs.statSync(socket.path);
    assert.deepEqual([stat.uid, stat.mode & 0o777], [identityOf('uids', 'gateway')?.uid, 0o600]);
    const folder = fs.statSync(path.dirname(socket.path));
    assert.deepEqual([folder.uid, folder.mode & 0o777], [0, 0o711], 'the gateway can neither list nor replace sockets');
    socket.close();
  });

  it('gives sockets names that cannot be guessed', () => {
    const folders = foldersOf(path.join(root, 'b'));
    prepareFolders(folders, 'permission', 1);
    const names = [1, 2].map(() => {
      const socket = bindUnix(folders, 'permission', 'gateway', 'ledger');
      socket.close();
      return path.basename(socket.path);
    });
    assert.notEqual(names[0], names[1]);
    assert.match(names[0] ?? '', /^ledger-[\w-]{12}$/);
  });

  it('refuses a data folder whose path is too long for Unix sockets', () => {
    const folders = foldersOf(path.join(root, 'x'.repeat(90)));
    prepareFolders(folders, 'permission', 1);
    assert.throws(() => bindUnix(folders, 'permission', 'gateway', 'ledger'), /too long for Unix sockets/);
  });

  it('holds a name once', { skip: process.platform !== 'linux' && 'needs Linux' }, () => {
    const name = `bulkhead-test/${process.pid}`;
    const held = holdName(name);
    assert.ok(held !== undefined);
    assert.equal(holdName(name), undefined);
    held.close();
  });
});

describe('data folder', () => {
  it(
    'follows the layout: folders change owner with it, links are not followed',
    { skip: process.getuid?.() !== 0 && 'needs root' },
    (t) => {
      const root = temporaryFolder();
      t.after(() => fs.rmSync(root, { recursive: true }));
      const folders = foldersOf(path.join(root, 'data'));
      const outside = path.join(root, 'outside');
      fs.writeFileSync(outside, '');
      prepareFolders(folders, 'permission', 2);
      fs.writeFileSync(path.join(root, 'data/vault-1/root.key'), 'k');
      fs.symlinkSync(outside, path.join(root, 'data/vault-1/link'));
      prepareFolders(folders, 'uids', 2);
      const vault = identityOf('uids', 'vault')?.uid;
      assert.equal(fs.statSync(path.join(root, 'data/vault-1/root.key')).uid, vault);
      assert.equal(fs.statSync(path.join(root, 'data/vault-1')).mode & 0o777, 0o700);
      assert.equal(fs.statSync(outside).uid, 0);
      prepareFolders(folders, 'rootless', 2);
      assert.equal(fs.statSync(path.join(root, 'data/vault-1/root.key')).uid, 0);
    },
  );
});
