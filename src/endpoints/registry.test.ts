import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ENDPOINTS, findEndpoint } from './registry.ts';

describe('endpoints', () => {
  it('have names and paths of their own', () => {
    assert.equal(new Set(ENDPOINTS.map(({ id }) => id)).size, ENDPOINTS.length);
    assert.equal(new Set(ENDPOINTS.map(({ path }) => path)).size, ENDPOINTS.length);
  });

  it('are found by method and exact path', () => {
    for (const endpoint of ENDPOINTS)
      assert.equal(findEndpoint(endpoint.method, endpoint.path.endsWith('/') ? `${endpoint.path}a/b` : endpoint.path), endpoint);
    assert.equal(findEndpoint('HEAD', '/health/live').id, 'health-live');
  });

  it('refuses a path that is not one, and says so', () => {
    for (const path of ['/', '/v1', '/v1/chat/completions/', '/v1/models/', '/V1/models', '/__proto__']) {
      assert.throws(() => findEndpoint('GET', path), { code: 'unknown_endpoint' }, path);
    }
  });

  it('refuses another method and names the right one', () => {
    assert.throws(
      () => findEndpoint('GET', '/v1/chat/completions'),
      (error: { code: string; remedy: string }) => error.code === 'method_not_allowed' && error.remedy === 'Use POST.',
    );
    assert.throws(() => findEndpoint('HEAD', '/v1/embeddings'), { code: 'method_not_allowed' });
  });
});
