import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { describe, it } from 'node:test';
import { isBulkheadError } from '../../auditor/testing/errors.ts';
import { AdminToken, borderRules, refuseForeign } from './border.ts';

const request = (headers: Record<string, string>): IncomingMessage => ({ headers }) as IncomingMessage;

const LOOPBACK = borderRules('http://127.0.0.1:4101');

describe('border of the control port', () => {
  for (const headers of [
    { host: '127.0.0.1:4101' },
    { host: 'localhost:4101' },
    { host: 'LOCALHOST' },
    { host: '[::1]:4101' },
    { host: 'localhost:4101', origin: 'http://localhost:4101', 'sec-fetch-site': 'same-origin' },
    { host: '127.0.0.1:4101', 'sec-fetch-site': 'none' },
  ]) {
    it(`takes ${JSON.stringify(headers)}`, () => refuseForeign(request(headers), LOOPBACK));
  }

  for (const headers of [
    { host: 'evil.example:4101' },
    { host: '10.0.0.1:4101' },
    { host: '127.0.0.1.nip.io' },
    { host: 'localhost.' },
    { host: '127.0.0.1:4101', origin: 'https://evil.example' },
    { host: '127.0.0.1:4101', origin: 'null' },
    { host: '127.0.0.1:4101', origin: 'http://127.0.0.1:4100' },
    { host: '127.0.0.1:4101', 'sec-fetch-site': 'cross-site' },
    { host: '127.0.0.1:4101', 'sec-fetch-site': 'same-site' },
  ]) {
    it(`attack 34: refuses ${JSON.stringify(headers)}`, () => {
      assert.throws(
        () => refuseForeign(request(headers), LOOPBACK),
        (error) => isBulkheadError(error, 'browser_refused'),
      );
    });
  }

  it('on all addresses, any address is ours and no name is: a name can be rebound', () => {
    const rules = borderRules('http://0.0.0.0:4101');
    refuseForeign(request({ host: '10.1.2.3:4101' }), rules);
    assert.throws(() => refuseForeign(request({ host: 'rebound.example:4101' }), rules));
  });

  it('the configured name is ours', () =>
    refuseForeign(request({ host: 'bulkhead.internal:4101' }), borderRules('http://bulkhead.internal:4101')));
});

describe('admin token', () => {
  const token = new AdminToken(hash('sha256', 'bha_right', 'hex'));

  it('takes the right token only', () => {
    assert.equal(token.isPresentedIn({ authorization: 'Bearer bha_right' }), true);
    for (const authorization of [
      undefined,
      '',
      'Bearer',
      'Bearer ',
      'Bearer bha_wrong',
      'Basic bha_right',
      'bha_right',
      'Bearer bha_right x',
      `Bearer ${'x'.repeat(5000)}`,
    ]) {
      assert.equal(token.isPresentedIn(authorization === undefined ? {} : { authorization }), false, String(authorization));
    }
  });

  for (const digest of ['', 'x', hash('sha256', '', 'hex')]) {
    it(`attack 40: without a secret there is no start (${JSON.stringify(digest.slice(0, 8))})`, () =>
      assert.throws(() => new AdminToken(digest)));
  }
});
