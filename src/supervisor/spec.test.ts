import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Json } from '../core/json.ts';
import { parseNodeSpec, SpecError } from './spec.ts';
import { specFor } from './testing/node.ts';

const good = specFor('/data', {
  configFile: '/etc/bulkhead.yaml',
  vault: { shards: 2, rootKey: { kind: 'passphrase', fd: 3 } },
  ledger: { rowsDays: 90, hoursDays: 800 },
});
const asJson = (value: unknown): Json => JSON.parse(JSON.stringify(value)) as Json;

describe('node specification', () => {
  it('comes back as it was written', () => assert.deepEqual(parseNodeSpec(asJson(good)), good));

  it('takes localhost for the loopback', () => {
    assert.equal(parseNodeSpec(asJson({ ...good, control: { host: 'localhost', port: 1 } })).control.host, '127.0.0.1');
  });

  const wrong: readonly (readonly [string, object, RegExp])[] = [
    ['another version', { version: 2 }, /version 2/],
    ['an unknown field', { secret: 'x' }, /unknown field secret/],
    ['a relative folder', { dataDir: 'data' }, /dataDir is not an absolute path/],
    ['a host name', { gateway: { ...good.gateway, host: 'example.com' } }, /gateway.host/],
    ['a port that is none', { control: { host: '::1', port: 70_000 } }, /control.port/],
    ['no worker', { gateway: { ...good.gateway, workers: 0 } }, /gateway.workers/],
    ['an unknown layout', { isolation: 'strong' }, /isolation is none of auto/],
    ['an unknown role', { entries: { kitchen: 'x.ts' } }, /unknown field kitchen/],
    ['an unknown source of the root key', { vault: { shards: 1, rootKey: { kind: 'env' } } }, /rootKey.kind/],
    ['standard input as root key', { vault: { shards: 1, rootKey: { kind: 'fd', fd: 0 } } }, /rootKey.fd/],
    ['rows that are hardly kept', { ledger: { rowsDays: 1, hoursDays: 400 } }, /ledger.rowsDays/],
    ['half of a certificate', { gateway: { ...good.gateway, tls: { cert: '/c' } } }, /tls.key/],
  ];
  for (const [what, change, message] of wrong) {
    it(`refuses ${what} and names the field`, () => {
      assert.throws(
        () => parseNodeSpec(asJson({ ...good, ...change })),
        (error) => error instanceof SpecError && message.test(error.message),
      );
    });
  }
});
