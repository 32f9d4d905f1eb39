import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { bindingTo, startVault, type TestKey, type TestVault } from './testing/vault.ts';

const SECRET = 'sk-test-0123456789-abcdefghij';

describe('egress', () => {
  let vault: TestVault;
  let key: TestKey;
  let upstream: http.Server;
  const seen: { readonly url: string; readonly headers: http.IncomingHttpHeaders; readonly body: string }[] = [];

  before(async () => {
    upstream = http.createServer((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString('latin1')));
      request.on('end', () => {
        seen.push({ url: request.url ?? '', headers: request.headers, body });
        response.setHeader('content-type', 'application/json');
        response.end(JSON.stringify({ ok: true, bytes: body.length }));
      });
    });
    await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
    vault = await startVault();
    await vault.put(bindingTo(`http://127.0.0.1:${(upstream.address() as AddressInfo).port}`), SECRET);
    key = await vault.newKey();
  });
  after(async () => {
    await vault.drain();
    upstream.close();
    upstream.closeAllConnections();
    fs.rmSync(vault.folder, { recursive: true });
  });

  it('sends the request with the credential last, and relays the answer', async () => {
    const answer = await vault.egress({ proof: key.proof }, Buffer.from('{"model":"x"}'));
    assert.equal(answer.head.status, 200);
    assert.deepEqual(JSON.parse(answer.body.toString()), { ok: true, bytes: 13 });
    assert.deepEqual(answer.trailers, { bytesIn: answer.body.length, bytesOut: 13 });
    const { headers, body } = seen.at(-1) as (typeof seen)[0];
    assert.equal(headers.authorization, `Bearer ${SECRET}`);
    assert.equal(headers['accept-encoding'], 'identity');
    assert.equal(headers['content-length'], '13');
    assert.equal(body, '{"model":"x"}');
  });
});
