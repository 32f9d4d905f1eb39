import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ENDPOINTS, findEndpoint } from './registry.ts';

describe('endpoints', () => {
  it('have names and paths of their own', () => {
    assert.equal(new Set(ENDPOINTS.map(({ id }) => id)).size, ENDPOINTS.length);
    assert.equal(new Set(ENDPOINTS.map(({ method, path }) => `${method} ${path}`)).size, ENDPOINTS.length);
  });

  it('are found by method and exact path', () => {
    for (const endpoint of ENDPOINTS) {
      const path = endpoint.path.endsWith('/')
        ? `${endpoint.path}a/b`
        : endpoint.path.replace('{model}', 'org/m:1').replace('{id}', 'resp_1');
      assert.equal(findEndpoint(endpoint.method, path).endpoint, endpoint);
    }
    assert.equal(findEndpoint('HEAD', '/health/live').endpoint.id, 'health-live');
  });

  it('say what stands for the name, percent-decoded', () => {
    assert.equal(findEndpoint('POST', '/v1beta/models/gemini%2Fg-1:tuned:streamGenerateContent').name, 'gemini/g-1:tuned');
    assert.equal(findEndpoint('POST', '/v1/responses/resp_1/cancel').name, 'resp_1');
    assert.throws(() => findEndpoint('POST', '/v1beta/models/%ff:generateContent'), { code: 'unknown_endpoint' });
    assert.throws(() => findEndpoint('GET', '/v1/responses/a/b'), { code: 'unknown_endpoint' });
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
