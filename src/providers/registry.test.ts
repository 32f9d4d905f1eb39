import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { WIRE_PROTOCOLS } from '../wire/protocol.ts';
import { PROVIDER_KINDS } from './registry.ts';

describe('provider kinds', () => {
  for (const [name, kind] of PROVIDER_KINDS) {
    it(`${name} is a row the rest can rely on`, () => {
      assert.equal(kind.kind, name);
      if (kind.baseUrl !== null) {
        const url = new URL(kind.baseUrl);
        assert.equal(url.protocol, 'https:');
        assert.equal(kind.baseUrl.endsWith('/'), false);
      }
      assert.ok(Object.keys(kind.operations).length > 0);
      for (const { protocol, path } of Object.values(kind.operations)) {
        assert.ok(WIRE_PROTOCOLS.includes(protocol));
        assert.match(path, /^\/[a-z/]+$/);
      }
      for (const header of [...kind.headers.map(([header]) => header), ...kind.clientHeaders]) assert.equal(header, header.toLowerCase());
      assert.match(kind.probe.path, /^\//);
    });
  }
});
