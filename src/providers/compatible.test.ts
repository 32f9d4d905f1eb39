import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { CATALOGUE } from '../config/catalogue/catalogue.ts';
import type { Offer } from '../config/catalogue/row.ts';
import { PROVIDER_KINDS } from './registry.ts';

/** Rows of the catalogue held to the traffic that was recorded of their providers. */

const WIRE = fileURLToPath(new URL('../../../shared/wire/', import.meta.url));
const OFFER_OF: Readonly<Record<string, Offer>> = {
  'chat-completions': 'chat',
  responses: 'responses',
  messages: 'messages',
  completions: 'completions',
  embeddings: 'embeddings',
  rerank: 'rerank',
};
/** Providers recorded at another of their addresses than the row's. */
const ELSEWHERE: Readonly<Record<string, string>> = { zai: 'a coding plan has another base path' };

interface Recording {
  readonly status: number;
  readonly path: string;
  readonly request: Readonly<Record<string, unknown>>;
}

function recordings(kind: string, endpoint: string): readonly Recording[] {
  const folder = path.join(WIRE, kind, endpoint);
  return fs.readdirSync(folder).map((name) => {
    const meta = JSON.parse(fs.readFileSync(path.join(folder, name, 'meta.json'), 'utf8')) as { status: number; request_path?: string };
    const file = path.join(folder, name, 'request.json');
    const request = fs.existsSync(file) ? (JSON.parse(fs.readFileSync(file, 'utf8')) as Recording['request']) : {};
    return { status: meta.status, path: meta.request_path ?? '', request };
  });
}

for (const row of CATALOGUE.filter(({ proved, offers }) => proved && offers !== undefined)) {
  describe(`${row.kind} as it was recorded`, () => {
    for (const endpoint of fs.readdirSync(path.join(WIRE, row.kind))) {
      const offer = OFFER_OF[endpoint];
      const offered = offer === undefined ? undefined : row.offers?.[offer];

      it(`${endpoint} is offered, at the recorded path`, () => {
        assert.ok(offered, endpoint);
        if (row.baseUrl === null || row.kind in ELSEWHERE) return;
        const at = new URL(row.baseUrl.replace(/\{\w+\}/g, 'x')).pathname.replace(/\/$/, '') + offered.path;
        const seen = recordings(row.kind, endpoint).map((each) => each.path);
        assert.ok(seen.includes(at), `${at} is none of ${[...new Set(seen)].join(', ')}`);
      });

      it(`${endpoint}: nothing is dropped that the provider took`, () => {
        const took = recordings(row.kind, endpoint).filter(({ status }) => status < 300);
        const dropped = took.flatMap(({ request }) => Object.keys(request).filter((name) => offered?.reject?.includes(name) === true));
        assert.deepEqual(dropped, []);
      });
    }
  });
}

it('a provider that was recorded to take `stream_options` is asked for usage in streams', () => {
  for (const row of CATALOGUE.filter(({ proved, offers }) => proved && offers?.chat !== undefined)) {
    const took = recordings(row.kind, fs.existsSync(path.join(WIRE, row.kind, 'chat-completions')) ? 'chat-completions' : 'responses');
    if (took.some(({ status, request }) => status < 300 && request['stream_options'] !== undefined))
      assert.equal(PROVIDER_KINDS.get(row.kind)?.streamUsage, true, row.kind);
  }
});
