import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { openApiDocument } from './openapi.ts';
import { OPERATIONS, type Operation } from './operations.ts';
import { credentialPut } from './credentials.ts';
import { keyCreate } from './keys.ts';
import { usageQuery } from './usage.ts';

const operations = Object.entries<Operation>(OPERATIONS);
const document = openApiDocument('1.0.0') as {
  paths: Record<
    string,
    Record<string, { operationId: string; security: unknown[]; parameters?: { name: string; in: string }[]; requestBody?: unknown }>
  >;
};

describe('openapi', () => {
  for (const [name, { method, path, access }] of operations) {
    it(`describes ${method} ${path}`, () => {
      const described = document.paths[path]?.[method.toLowerCase()];
      assert.equal(described?.operationId, name);
      assert.equal(described?.security.length, access === 'admin' ? 1 : 0);
      const inPath = (described?.parameters ?? []).filter((parameter) => parameter.in === 'path').map((parameter) => parameter.name);
      assert.deepEqual(
        inPath,
        [...path.matchAll(/\{(\w+)\}/g)].map(([, parameter]) => parameter),
      );
    });
  }

  it('no two operations share a method and path', () => {
    assert.equal(new Set(operations.map(([, { method, path }]) => `${method} ${path}`)).size, operations.length);
  });

  it('only what names nobody is public', () => {
    assert.deepEqual(
      operations.filter(([, { access }]) => access === 'public').map(([, { path }]) => path),
      ['/health/live', '/health/ready', '/metrics', '/openapi.json', '/admin/v1/login'],
    );
  });

  it('what changes something takes a body or has none, and never a query', () => {
    for (const [, { method, query }] of operations) if (method !== 'GET') assert.equal(query.safeParse({ a: '1' }).success, false);
  });
});

describe('schemas', () => {
  it('attack 40: an empty secret is refused before it reaches the vault', () => {
    const enc = Buffer.alloc(32).toString('base64');
    const sealed = (bytes: number) =>
      credentialPut.safeParse({ sealed: { enc, ciphertext: Buffer.alloc(bytes).toString('base64') } }).success;
    assert.deepEqual([sealed(0), sealed(16), sealed(17)], [false, false, true]);
  });

  it('a key’s name holds nothing that a terminal would obey', () => {
    for (const name of ['', 'a\nb', '\u001b[31mred', 'a\u202eb', 'x'.repeat(129)])
      assert.equal(keyCreate.safeParse({ name }).success, false, JSON.stringify(name));
    assert.equal(keyCreate.safeParse({ name: 'Änne’s laptop' }).success, true);
  });

  it('dimensions are named, at most four, none unknown', () => {
    assert.deepEqual(usageQuery.parse({ by: 'key,model' }).by, ['key', 'model']);
    for (const by of ['', 'key,', 'nothing', 'key,team,model,day,hour', 'constructor'])
      assert.equal(usageQuery.safeParse({ by }).success, false, by);
  });
});
