import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { checkRequest } from './bind.ts';
import { bindingTo } from './testing/vault.ts';

const binding = bindingTo('https://api.example.com', { paths: ['/v1/', '/health'] });
const ask = (path: string, headers: readonly (readonly [string, string])[] = [], method = 'POST'): void =>
  checkRequest({ method: method as 'POST', path, headers }, binding);
const refused = (act: () => void): void => assert.throws(act, { code: 'credential_refused' });

describe('binding of a request', () => {
  for (const path of [
    '/v1/chat/completions',
    '/v1/models/gpt-5.6%20mini',
    '/v1/model/arn:aws:bedrock:eu-west-1:1:inference-profile%2Feu.x-v1:0/invoke',
    '/v1/x?after=a//b&u=https://c;d..e',
    '/health',
    '/health/live',
    '/v1/',
  ]) {
    it(`passes ${path}`, () => ask(path));
  }

  const attacks: Readonly<Record<string, readonly string[]>> = {
    'absolute-form and network paths': ['http://evil.example/v1/x', '//evil.example/v1/', '/v1//evil', 'v1/x', '*', '', 'evil.example:443'],
    'dotted and encoded paths (12)': [
      '/v1/../admin',
      '/v1/..',
      '/v1/.',
      '/v1/./x',
      '/v1/%2e%2e/x',
      '/v1/%2E./x',
      '/v1/a%2f..%2fb',
      '/v1/a%2f.%2fb',
      '/v1/%2Fx',
      '/v1/a%2F%2fb',
      '/v1/a%5cb',
      '/v1/%252e%252e/x',
      '/v1/a;b',
      '/v1/a%3bb',
      '/v1/a\\b',
      '/v1/..a',
    ],
    'CRLF, NUL and other control characters (13)': [
      '/v1/x\r\nhost: evil',
      '/v1/x HTTP/1.1',
      '/v1/x\0',
      '/v1/%0d%0ahost:',
      '/v1/x?a\nb',
      '/v1/x?a b',
      '/v1/%00',
      '/v1/\x7f',
    ],
    'paths outside the binding': ['/v1%2fx', '/%76%2fx', '/v2/x', '/v1', '/v1x/y', '/healthy', '/V1/x', '/'],
    fragments: ['/v1/x#y', '/v1/x?y#z'],
  };
  for (const [name, paths] of Object.entries(attacks)) {
    it(`refuses ${name}`, () => {
      for (const path of paths) refused(() => ask(path));
    });
  }

  it('refuses methods that providers do not need', () => {
    for (const method of ['TRACE', 'CONNECT', 'OPTIONS', 'get', 'POST\r\n', '__proto__']) refused(() => ask('/v1/x', [], method));
    for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']) ask('/v1/x', [], method);
  });

  it('refuses CRLF, NUL and blanks at the ends of a forwarded header (13)', () => {
    for (const value of ['a\r\nhost: evil', 'a\n', 'a\0b', '\ra', 'a\x7f', ' a', 'a ', 'a\u0100'])
      refused(() => ask('/v1/x', [['x-a', value]]));
    for (const name of ['x-a:', 'x a', 'x-a\r\n', '', 'X-A', 'x-ä']) refused(() => ask('/v1/x', [[name, 'v']]));
    ask('/v1/x', [
      ['x-a', 'caf\xe9 \t b'],
      ['x-empty', ''],
    ]);
  });

  it('refuses headers that frame the message or carry a key (14)', () => {
    const forbidden =
      'host connection content-length transfer-encoding authorization x-api-key api-key x-goog-api-key upgrade te trailer expect keep-alive accept-encoding cookie proxy-authorization proxy-connection';
    for (const name of forbidden.split(' ')) refused(() => ask('/v1/x', [[name, 'v']]));
    const own = bindingTo('https://api.example.com', { auth: { scheme: 'header', name: 'x-custom-key' } });
    refused(() => checkRequest({ method: 'POST', path: '/v1/x', headers: [['x-custom-key', 'v']] }, own));
  });

  it('refuses heads that are too large', () => {
    refused(() =>
      ask(
        '/v1/x',
        Array.from({ length: 65 }, (_, i) => [`x-${i}`, 'v'] as const),
      ),
    );
    refused(() => ask('/v1/x', [['x-a', 'v'.repeat(32 * 1024)]]));
  });

  it('holds a service to the path of its grant', () => {
    const within = (path: string): void => checkRequest({ method: 'GET', path, headers: [] }, binding, '/v1/models');
    within('/v1/models');
    within('/v1/models/a');
    refused(() => within('/v1/modelsx'));
    refused(() => within('/v1/chat'));
  });
});
