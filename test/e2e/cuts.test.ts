import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import OpenAI from 'openai';
import { eventEnds, listCases, readAnswer } from '../replay/cases.ts';
import { seeded } from '../replay/random.ts';
import { startReplayUpstream, type ReplayUpstream } from '../replay/upstream.ts';
import { startNode, type RunningNode } from './node.ts';

/** A provider's stream that breaks off never reaches the client as a clean end, and is accounted for once. */

const streams = (provider: string, endpoint: string): string[] =>
  listCases()
    .filter((found) => found.provider === provider && found.endpoint === endpoint && found.framing === 'sse' && found.status === 200)
    .map((found) => found.case)
    .filter((name) => readAnswer(name).body.length < 60_000);

interface Cut {
  readonly name: string;
  readonly at: number;
  /** How the provider goes: it breaks the connection (`cut`), or ends its answer as if it were whole (`stop`). */
  readonly how?: 'cut' | 'stop';
}

/** Offset behind which the provider's own end of stream has been sent whole. */
function endsWhole(name: string): number {
  const { body } = readAnswer(name);
  const text = body.toString('latin1');
  const mark = text.includes('[DONE]') ? '[DONE]' : 'event: message_stop';
  const start = text.lastIndexOf(mark);
  return eventEnds(body).find((end) => end > start) ?? body.length;
}

function randomCuts(names: readonly string[], count: number, random: () => number): Cut[] {
  return Array.from({ length: count }, () => {
    const name = names[Math.floor(random() * names.length)] as string;
    return { name, at: 1 + Math.floor(random() * (endsWhole(name) - 2)) };
  });
}

const eventCuts = (name: string): Cut[] =>
  [0, ...eventEnds(readAnswer(name).body)].filter((at) => at < endsWhole(name)).map((at) => ({ name, at }));

describe('streams that break off', () => {
  let upstream: ReplayUpstream;
  let node: RunningNode;
  let client: OpenAI;

  before(async () => {
    upstream = await startReplayUpstream();
    node = await startNode({
      config: [
        'providers:',
        `  replay: { kind: openai-compatible, base_url: "${upstream.origin}/v1", private: true, auth: none }`,
        `  claude: { kind: anthropic, base_url: "${upstream.origin}/v1", private: true, auth: none }`,
        '',
      ].join('\n'),
    });
    client = new OpenAI({ apiKey: await node.newKey(), baseURL: `${node.url}/v1`, maxRetries: 0 });
  });

  after(async () => {
    await node.stop();
    await upstream.close();
  });

  /** Reads a stream to its end; says how it ended for the official client. */
  async function outcome(provider: string, { name, at, how = 'cut' }: Cut): Promise<'clean' | 'error'> {
    try {
      const stream = await client.chat.completions.create({
        model: `${provider}/case:${name}|${how}=${at}|pieces=97`,
        messages: [{ role: 'user', content: 'x' }],
        stream: true,
      });
      for await (const event of stream) assert.ok(event);
      return 'clean';
    } catch {
      // Any error is right here: which one depends on whether the head had been sent.
      return 'error';
    }
  }

  async function assertAllErrors(provider: string, cuts: readonly Cut[]): Promise<void> {
    const clean: Cut[] = [];
    for (let at = 0; at < cuts.length; at += 8) {
      const batch = cuts.slice(at, at + 8);
      const ends = await Promise.all(batch.map((cut) => outcome(provider, cut)));
      clean.push(...batch.filter((_, index) => ends[index] === 'clean'));
    }
    assert.deepEqual(clean, []);
  }

  const openai = streams('openai', 'chat-completions');
  const anthropic = streams('anthropic', 'messages');

  it('60 random cuts of OpenAI streams', () => assertAllErrors('replay', randomCuts(openai, 60, seeded(20261123))));
  it('60 random cuts of Anthropic streams, translated', () => assertAllErrors('claude', randomCuts(anthropic, 60, seeded(20261124))));
  it('an OpenAI stream truncated at every event', () =>
    assertAllErrors(
      'replay',
      openai.slice(0, 4).flatMap((name) => eventCuts(name).slice(0, 60)),
    ));
  it('an Anthropic stream truncated at every event', () =>
    assertAllErrors(
      'claude',
      anthropic.slice(0, 4).flatMap((name) => eventCuts(name).slice(0, 60)),
    ));

  it('streams that end politely before their end', async () => {
    const early = (name: string): Cut => ({ name, at: eventEnds(readAnswer(name).body)[1] as number, how: 'stop' });
    await assertAllErrors('replay', openai.slice(0, 6).map(early));
    await assertAllErrors('claude', anthropic.slice(0, 6).map(early));
  });

  it('whole streams end cleanly, so that the checks above can fail', async () => {
    for (const name of openai.slice(0, 3))
      assert.equal(await outcome('replay', { name, at: readAnswer(name).body.length + 1 }), 'clean', name);
    for (const name of anthropic.slice(0, 3))
      assert.equal(await outcome('claude', { name, at: readAnswer(name).body.length + 1 }), 'clean', name);
  });

  it('each is in the ledger once, the broken ones marked', async () => {
    const ids = new Set(upstream.seen.map(({ requestId }) => requestId));
    let rows: { request_id: string; state: string; outcome: string }[] = [];
    for (let tries = 0; tries < 100 && (rows.length < ids.size || rows.some(({ state }) => state !== 'confirmed')); tries++) {
      rows = (await node.admin('GET', '/admin/v1/usage/rows?limit=1000&since=1d')).body['rows'] as typeof rows;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    assert.equal(rows.length, ids.size);
    assert.equal(new Set(rows.map((row) => row.request_id)).size, ids.size);
    const outcomes = rows.reduce<Record<string, number>>(
      (counts, { outcome }) => ({ ...counts, [outcome]: (counts[outcome] ?? 0) + 1 }),
      {},
    );
    assert.deepEqual(outcomes, { ok: 6, upstream_cut: ids.size - 6 });
  });
});
