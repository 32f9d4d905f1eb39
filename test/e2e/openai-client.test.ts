import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import OpenAI, { APIError } from 'openai';
import { listCases, readAnswer, readRequest, type CaseIndex } from '../replay/cases.ts';
import { startReplayUpstream, type ReplayUpstream } from '../replay/upstream.ts';
import { httpRequest, startNode, type RunningNode } from './node.ts';

/**
 * The official client, once straight to the recordings and once through a whole node: what it hands out must be the same,
 * and the bytes must be the provider's own.
 */

const ENDPOINTS: Readonly<Record<string, string>> = {
  'chat-completions': '/v1/chat/completions',
  completions: '/v1/completions',
  embeddings: '/v1/embeddings',
};
const cases = listCases().filter(
  ({ protocol, endpoint, framing }) => protocol === 'openai' && endpoint in ENDPOINTS && ['json', 'sse', 'chunks'].includes(framing),
);

type Body = Record<string, unknown>;

/** The recorded request, or the least one, for a model that names its recording. */
function requestOf(found: CaseIndex, model: string): Body {
  const recorded = found.request ? (readRequest(found.case) as Body) : {};
  const least: Body =
    found.endpoint === 'embeddings'
      ? { input: 'x' }
      : found.endpoint === 'completions'
        ? { prompt: 'x' }
        : { messages: [{ role: 'user', content: 'x' }] };
  return { ...least, ...recorded, model, ...(found.stream ? { stream: true } : {}) };
}

/** Everything that the official client says of one call: what it hands out, or the error it throws. */
async function viaSdk(client: OpenAI, found: CaseIndex, model: string): Promise<unknown> {
  const body = requestOf(found, model);
  try {
    const answer: unknown = await client.post(ENDPOINTS[found.endpoint]?.slice('/v1'.length) ?? '', { body, stream: found.stream });
    if (!found.stream) return answer;
    const events: unknown[] = [];
    for await (const event of answer as AsyncIterable<unknown>) events.push(event);
    return events;
  } catch (error) {
    if (!(error instanceof APIError)) throw error;
    const { status, code, type, param, message } = error;
    return { thrown: { status: status ?? null, code: code ?? null, type: type ?? null, param: param ?? null, message } };
  }
}

describe('the openai client through a whole node', () => {
  let upstream: ReplayUpstream;
  let node: RunningNode;
  let key: string;
  let through: OpenAI;
  let direct: OpenAI;

  before(async () => {
    upstream = await startReplayUpstream();
    node = await startNode({
      config: `providers:\n  replay: { kind: openai-compatible, base_url: "${upstream.origin}/v1", private: true, auth: none }\n`,
    });
    key = await node.newKey();
    through = new OpenAI({ apiKey: key, baseURL: `${node.url}/v1`, maxRetries: 0 });
    direct = new OpenAI({ apiKey: 'none', baseURL: `${upstream.origin}/v1`, maxRetries: 0 });
  });

  after(async () => {
    await node.stop();
    await upstream.close();
  });

  it('has enough recordings to prove something', () => assert.ok(cases.length > 150, `${cases.length} cases`));

  for (const found of cases) {
    it(found.case, async () => {
      const straight = await viaSdk(direct, found, `case:${found.case}`);
      const ours = await viaSdk(through, found, `replay/case:${found.case}`);
      assert.deepEqual(withoutAddedUsage(ours, straight, found), straight);
      await assertSameBytes(node, key, found);
    });
  }

  it('accounts for every one of them once, with the tokens that the provider named', async () => {
    const ids = new Set(upstream.seen.flatMap(({ requestId }) => (requestId?.startsWith('req_') === true ? [requestId] : [])));
    const rows = await allRows(node, ids.size);
    assert.deepEqual(
      [...rows.keys()].filter((id) => !ids.has(id)),
      [],
    );
    assert.deepEqual(
      [...ids].filter((id) => rows.get(id)?.length !== 1),
      [],
    );
    assert.ok(ids.size >= 2 * cases.length);
  });
});

/** A client that did not ask for usage must not see the chunk that we asked for; nothing else may differ. */
function withoutAddedUsage(ours: unknown, straight: unknown, found: CaseIndex): unknown {
  if (!found.stream || !Array.isArray(ours) || !Array.isArray(straight)) return ours;
  return ours.length === straight.length - 1 && isUsageOnly(straight.at(-1)) && !asksForUsage(found)
    ? [...(ours as unknown[]), straight.at(-1)]
    : ours;
}

const isUsageOnly = (event: unknown): boolean => {
  const { choices, usage } = event as { choices?: readonly unknown[]; usage?: unknown };
  return choices?.length === 0 && usage !== null && usage !== undefined;
};

const asksForUsage = (found: CaseIndex): boolean =>
  (requestOf(found, '').stream_options as { include_usage?: boolean } | undefined)?.include_usage === true;

async function assertSameBytes(node: RunningNode, key: string, found: CaseIndex): Promise<void> {
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
  const answer = await httpRequest(
    'POST',
    node.url + ENDPOINTS[found.endpoint],
    headers,
    JSON.stringify(requestOf(found, `replay/case:${found.case}`)),
  );
  const recorded = readAnswer(found.case);
  assert.equal(answer.status, recorded.status);
  assert.match(String(answer.headers['x-bulkhead-request-id']), /^req_[0-9A-Z]{26}$/);
  const expected = recorded.body.toString('utf8');
  if (answer.body !== expected)
    assert.equal(answer.body, withoutUsageEvent(expected), 'the bytes differ by more than the usage event that was not asked for');
}

/** The recorded stream without its usage-only event. */
const withoutUsageEvent = (stream: string): string =>
  stream
    .split(/(?<=\r\n\r\n|\n\n)/)
    .filter((event) => !(event.includes('"usage":{') || event.includes('"usage": {')) || !/"choices":\s*\[\]/.test(event))
    .join('');

async function allRows(node: RunningNode, expected: number): Promise<Map<string, unknown[]>> {
  const deadline = Date.now() + 15_000;
  for (;;) {
    const rows = new Map<string, unknown[]>();
    let before: string | undefined;
    do {
      const { body } = await node.admin(
        'GET',
        `/admin/v1/usage/rows?limit=1000&since=1d${before === undefined ? '' : `&before=${encodeURIComponent(before)}`}`,
      );
      for (const row of body['rows'] as { request_id: string }[]) rows.set(row.request_id, [...(rows.get(row.request_id) ?? []), row]);
      before = (body['next'] as string | null) ?? undefined;
    } while (before !== undefined);
    if (rows.size >= expected || Date.now() > deadline) return rows;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
