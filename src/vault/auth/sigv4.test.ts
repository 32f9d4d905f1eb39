import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SignatureV4 } from '@smithy/signature-v4';
import { createHash, createHmac } from 'node:crypto';
import { Secret } from '../../core/secret.ts';
import { AwsKeys } from './aws-keys.ts';
import { amzDate, authorization, sha256Hex, signingKey } from './sigv4.ts';

const SECRET = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY';
const SCOPE = { region: 'us-east-1', service: 'service' };
const AT = '20150830T123600Z';
const EMPTY = sha256Hex(Buffer.alloc(0));
const secret = (text: string): Secret => Secret.take(Buffer.from(text));
const HOST: readonly [string, string] = ['host', 'example.amazonaws.com'];
const DATE: readonly [string, string] = ['x-amz-date', AT];

interface Vector {
  readonly name: string;
  readonly method?: string;
  readonly path?: string;
  readonly headers?: readonly (readonly [string, string])[];
  readonly body?: string;
  readonly signature: string;
}

/** From AWS's "Signature Version 4 test suite" (aws-sig-v4-test-suite), key AKIDEXAMPLE: each folder's name and the signature in its .authz. */
const VECTORS: readonly Vector[] = [
  { name: 'get-vanilla', signature: '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31' },
  { name: 'post-vanilla', method: 'POST', signature: '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b' },
  {
    name: 'get-vanilla-query-order-key-case',
    path: '/?Param2=value2&Param1=value1',
    signature: 'b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500',
  },
  {
    name: 'get-vanilla-empty-query-key',
    path: '/?Param1=value1',
    signature: 'a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb',
  },
  {
    name: 'get-unreserved',
    path: '/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz',
    signature: '07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f',
  },
  { name: 'get-utf8', path: '/\u1234', signature: '8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85' },
  {
    name: 'get-header-key-duplicate',
    headers: [HOST, ['my-header1', 'value2'], ['my-header1', 'value2'], ['my-header1', 'value1'], DATE],
    signature: 'c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea',
  },
  {
    name: 'get-header-value-order',
    headers: [HOST, ['my-header1', 'value4'], ['my-header1', 'value1'], ['my-header1', 'value3'], ['my-header1', 'value2'], DATE],
    signature: '08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01',
  },
  {
    name: 'get-header-value-trim',
    headers: [HOST, ['my-header1', ' value1'], ['my-header2', ' "a   b   c"'], DATE],
    signature: 'acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736',
  },
  {
    name: 'post-x-www-form-urlencoded',
    method: 'POST',
    headers: [['content-type', 'application/x-www-form-urlencoded'], HOST, DATE],
    body: 'Param1=value1',
    signature: 'ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a',
  },
];

const keyOf = (day: string, scope = SCOPE): Secret => Secret.take(signingKey(secret(SECRET), day, scope));

describe('AWS Signature Version 4', () => {
  for (const { name, method = 'GET', path = '/', headers = [HOST, DATE], body = '', signature } of VECTORS) {
    it(`signs ${name} of AWS’s test suite`, () => {
      const value = authorization(
        { method, path, headers, bodyDigest: sha256Hex(Buffer.from(body)) },
        'AKIDEXAMPLE',
        keyOf('20150830'),
        AT,
        SCOPE,
      );
      assert.equal(value.split('Signature=')[1], signature);
      assert.ok(value.startsWith('AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders='));
    });
  }

  it('derives the signing key of AWS’s documentation ("Derive the signing key for Signature Version 4")', () => {
    const key = signingKey(secret(SECRET), '20120215', { region: 'us-east-1', service: 'iam' });
    assert.equal(key.toString('hex'), 'f4780e2d9f65fa895f9c67b32ce1baf0b0d8a43505a000a1a9e090d414db404d');
  });

  it('writes dates as AWS reads them', () => assert.equal(amzDate(Date.UTC(2015, 7, 30, 12, 36)), AT));

  /** A SHA-256 as the SDK wants its hash functions. */
  class Sha256 {
    readonly #hash: ReturnType<typeof createHash> | ReturnType<typeof createHmac>;
    constructor(key?: string | ArrayBuffer | ArrayBufferView) {
      this.#hash = key === undefined ? createHash('sha256') : createHmac('sha256', key as Buffer);
    }
    update(data: string | ArrayBuffer | ArrayBufferView): void {
      this.#hash.update(typeof data === 'string' ? data : (data as Uint8Array));
    }
    digest(): Promise<Uint8Array> {
      return Promise.resolve(this.#hash.digest());
    }
    reset(): void {}
  }

  const CASES: readonly {
    readonly path: string;
    readonly query?: Record<string, string | string[]>;
    readonly sent?: string;
    readonly token?: string;
  }[] = [
    { path: '/model/anthropic.claude-sonnet-4-20250514-v1%3A0/invoke' },
    { path: '/model/anthropic.claude-sonnet-4-20250514-v1:0/converse' },
    {
      path: '/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Ainference-profile%2Fx/converse-stream',
      token: 'FwoGZXIvYXdzEBYaD+/=='.repeat(20),
    },
    {
      path: '/foundation-models',
      query: { byProvider: 'a b/c', byOutputModality: ['TEXT', 'IMAGE'] },
      sent: '?byProvider=a%20b%2Fc&byOutputModality=TEXT&byOutputModality=IMAGE',
    },
  ];
  for (const { path, query = {}, sent = '', token } of CASES) {
    it(`signs ${path}${token === undefined ? '' : ' with a session token'} as AWS’s SDK does`, async () => {
      const signer = new SignatureV4({
        service: 'bedrock',
        region: 'eu-central-1',
        credentials: {
          accessKeyId: 'AKIDEXAMPLEEXAMPLE',
          secretAccessKey: SECRET,
          ...(token === undefined ? {} : { sessionToken: token }),
        },
        sha256: Sha256,
      });
      const body = Buffer.from('{"messages":[{"role":"user","content":"naïve"}]}');
      const host = 'bedrock-runtime.eu-central-1.amazonaws.com';
      const headers: readonly (readonly [string, string])[] = [
        ['content-type', 'application/json'],
        ['x-amzn-bedrock-guardrailidentifier', 'g1'],
      ];
      const keys = new AwsKeys('AKIDEXAMPLEEXAMPLE', Buffer.from(SECRET), token === undefined ? undefined : Buffer.from(token), {
        service: 'bedrock',
        region: 'eu-central-1',
      });
      const { lines } = keys.sign({ method: 'POST', path: `${path}${sent}`, headers, body: 'bounded' }, body, host);
      const ours = lines.map((part) => (typeof part === 'string' ? part : part.reveal((bytes) => bytes.toString()))).join('');
      const own = Object.fromEntries(
        ours
          .trim()
          .split('\r\n')
          .map((line) => line.split(/: (.*)/s, 2) as [string, string]),
      );
      const at = own['x-amz-date'] as string;
      const signingDate = new Date(at.replace(/(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z/, '$1-$2-$3T$4:$5:$6Z'));
      const request = {
        method: 'POST',
        protocol: 'https:',
        hostname: host,
        path,
        query,
        headers: { host, ...Object.fromEntries(headers) },
        body,
      };
      const theirs = await signer.sign(request, { signingDate });
      for (const name of ['authorization', 'x-amz-content-sha256', 'x-amz-date', 'x-amz-security-token'])
        assert.equal(own[name], theirs.headers[name], name);
    });
  }

  it('has a session token in no string', () => {
    const keys = new AwsKeys('AKIDEXAMPLEEXAMPLE', Buffer.from(SECRET), Buffer.from('TOKENTOKENTOKEN'), SCOPE);
    const { lines } = keys.sign({ method: 'GET', path: '/', headers: [], body: 'bounded' }, Buffer.alloc(0), 'a.example');
    assert.ok(!JSON.stringify(lines).includes('TOKENTOKEN') && JSON.stringify(lines).includes('[secret]'));
    assert.equal(EMPTY, 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
  });

  it('refuses a streamed body by name', () => {
    const keys = new AwsKeys('AKIDEXAMPLEEXAMPLE', Buffer.from(SECRET), undefined, SCOPE);
    assert.throws(() => keys.sign({ method: 'POST', path: '/', headers: [], body: 'streamed' }, Buffer.alloc(0), 'a.example'), {
      code: 'credential_refused',
      message: /AWS signs the whole body, so a streamed one cannot be sent with it/,
    });
  });
});
