import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, it } from 'node:test';
import tls from 'node:tls';
import { httpRequest, startNode } from './node.ts';

/** The gateway's own certificate: served, and changed without a restart. */

const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

function makeCertificate(folder: string, name: string): void {
  const args = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', `/CN=${name}`];
  const made = spawnSync('openssl', [...args, '-keyout', path.join(folder, 'new.key'), '-out', path.join(folder, 'new.crt')], {
    encoding: 'utf8',
  });
  assert.equal(made.status, 0, made.stderr);
  for (const kind of ['key', 'crt']) fs.renameSync(path.join(folder, `new.${kind}`), path.join(folder, `tls.${kind}`));
}

const servedName = (port: number): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
      resolve(String(socket.getPeerCertificate().subject.CN));
      socket.destroy();
    });
    socket.on('error', reject);
  });

describe('TLS on the gateway', { skip: hasOpenssl ? false : 'SKIPPED: openssl is not installed' }, () => {
  it('serves its certificate and takes a new one without a restart', async () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'bulkhead-tls-'));
    makeCertificate(folder, 'first.example');
    const node = await startNode({ tls: true, config: `tls: { cert: "${folder}/tls.crt", key: "${folder}/tls.key" }\n` });
    const port = Number(new URL(node.url).port);
    const pids = (await node.processes()).map(({ pid }) => pid);
    assert.equal(await servedName(port), 'first.example');
    const key = await node.newKey();
    const answer = await httpRequest(
      'POST',
      `${node.url}/v1/chat/completions`,
      { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      '{"model":"sandbox","messages":[{"role":"user","content":"hello"}]}',
    );
    assert.equal(answer.status, 200, answer.body);

    makeCertificate(folder, 'second.example');
    for (let tries = 0; (await servedName(port)) !== 'second.example'; tries++) {
      assert.ok(tries < 200, 'the new certificate is never served');
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    assert.deepEqual(
      (await node.processes()).map(({ pid }) => pid),
      pids,
    );
    await node.stop();
    fs.rmSync(folder, { recursive: true });
  });
});
