import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { asFarAsKnown, readRecorded, tried, type Outcome } from '../conformance/compare.ts';
import { REFUSED } from '../conformance/known-differences.ts';
import type { ConformingProtocol } from '../conformance/protocols/protocol.ts';
import { PROTOCOLS } from '../conformance/protocols/registry.ts';
import { answerEnds, listCases, readAnswer, type CaseIndex } from '../replay/cases.ts';
import { seeded } from '../replay/random.ts';
import { startReplayUpstream, type ReplayUpstream } from '../replay/upstream.ts';
import { ledgerRows } from './ledger-rows.ts';
import { startNode, type RunningNode } from './node.ts';
import { closeConnections, eachOf, post, PROTOCOL_CLIENTS, type ProtocolClient } from './protocol-clients.ts';
import { modelFor, providersAt } from './recorded-way.ts';

/** A stream of any framing that breaks off is an error for the official client of every protocol, never a clean end; one that comes slowly or in single bytes is read whole. */

const RANDOM_CUTS = 50;
const EVENT_CUTS = 40;
const LARGEST = 40_000;
/** Sent byte by byte. */
const SMALL = 4_000;

interface Pair {
  readonly client: ProtocolClient;
  readonly from: ConformingProtocol;
  /** Recorded streams that end well, small ones first. */
  readonly entries: readonly CaseIndex[];
}

interface Cut {
  readonly entry: CaseIndex;
  readonly at: number;
  /** The provider breaks the connection, or ends its answer as if it were whole. */
  readonly how: 'cut' | 'stop';
}

const sizeOf = (entry: CaseIndex): number => readAnswer(entry.case).body.length;

const streamsOf = (from: ConformingProtocol): readonly CaseIndex[] =>
  listCases()
    .filter((entry) => from.matches(entry) && entry.stream && entry.status === 200)
    .filter((entry) => !REFUSED.has(entry.case) && !from.unreadable.has(entry.case) && sizeOf(entry) < LARGEST)
    .toSorted((one, other) => sizeOf(one) - sizeOf(other));

const way = ({ client, from }: Omit<Pair, 'entries'>, entry: CaseIndex, options = ''): string | undefined =>
  modelFor(entry, { operation: 'chat', client: client.protocol.id, recorded: from.id }, options);

/** One for each framing of a protocol: Anthropic's events come as they are, and inside Amazon's frames. */
const PAIRS: readonly Pair[] = PROTOCOL_CLIENTS.flatMap((client) =>
  PROTOCOLS.flatMap((from) => {
    const reached = streamsOf(from).filter((entry) => way({ client, from }, entry) !== undefined);
    const byFraming = Object.values(Object.groupBy(reached, ({ case: name }) => readAnswer(name).framing));
    return byFraming.map((entries) => ({ client, from, entries }));
  }),
);

const framingOf = ({ entries: [first] }: Pair): string => readAnswer(first?.case ?? '').framing;

/** Whether the provider had not said its last word before the cut. */
/** A provider that ends politely right behind the last event's words has said all: only the blank line is missing. */
const isBroken = ({ from }: Pair, { entry, at, how }: Cut): boolean => {
  const { body } = readAnswer(entry.case);
  const endsLine = how === 'stop' && /^(?:[\r\n]|$)/.test(body.toString('latin1', at, at + 1));
  return !from.sawEnd(from.events([body.subarray(0, at), ...(endsLine ? [Buffer.from('\n\n')] : [])]));
};

function randomCuts(pair: Pair, random: () => number): readonly Cut[] {
  const cuts: Cut[] = [];
  for (let tries = 0; cuts.length < RANDOM_CUTS && tries < 20 * RANDOM_CUTS; tries++) {
    const entry = pair.entries[Math.floor(random() * pair.entries.length)] as CaseIndex;
    const cut: Cut = { entry, at: 1 + Math.floor(random() * (sizeOf(entry) - 1)), how: random() < 0.7 ? 'cut' : 'stop' };
    if (isBroken(pair, cut)) cuts.push(cut);
  }
  return cuts;
}

function eventCuts(pair: Pair): readonly Cut[] {
  const [entry] = pair.entries.slice(Math.floor(pair.entries.length / 2));
  if (entry === undefined) return [];
  const ends = [0, ...answerEnds(readAnswer(entry.case))].slice(0, EVENT_CUTS);
  return ends.flatMap((at, index): Cut[] => [{ entry, at, how: index % 2 === 0 ? 'cut' : 'stop' }]).filter((cut) => isBroken(pair, cut));
}

describe('streams of every framing that break off', () => {
  let upstream: ReplayUpstream;
  let node: RunningNode;
  let key: string;
  const broken: string[] = [];
  const whole: string[] = [];

  before(async () => {
    upstream = await startReplayUpstream();
    node = await startNode({ config: providersAt(upstream.origin) });
    key = await node.newKey();
  });

  after(async () => {
    closeConnections();
    await node.stop();
    await upstream.close();
  });

  /** What the official client hands out of all that came before the connection ended. */
  async function outcome({ client, from }: Pair, entry: CaseIndex, options: string, ids: string[]): Promise<Outcome> {
    const model = way({ client, from }, entry, options) ?? '';
    const answer = await post(node.url + client.path(model, true), client.headers(key), client.asking(client.least, model, true));
    ids.push(String(answer.headers['x-bulkhead-request-id']));
    if (answer.status !== 200) return 'refused';
    return tried((bytes, stream) => client.protocol.read(client.readable(bytes), stream), answer.body, true);
  }

  for (const [index, pair] of PAIRS.entries()) {
    const { client, from, entries } = pair;
    it(`${client.name} on ${from.id} (${framingOf(pair)})`, async () => {
      const cuts = [...randomCuts(pair, seeded(20_261_123 + index)), ...eventCuts(pair)];
      assert.ok(cuts.length >= RANDOM_CUTS, `${cuts.length} cuts`);
      const ends = await eachOf(cuts, ({ entry, at, how }) => outcome(pair, entry, `|${how}=${at}|pieces=97`, broken));
      assert.deepEqual(
        cuts.filter((_, cut) => ends[cut] !== 'refused').map(({ entry, at, how }) => `${entry.case} ${how}=${at}`),
        [],
      );
    });

    it(`${client.name} on ${from.id} (${framingOf(pair)}), slowly and byte by byte`, async () => {
      const small = entries.find((entry) => sizeOf(entry) < SMALL) ?? entries[0];
      assert.ok(small);
      const wanted = await readRecorded(from, small);
      for (const options of ['|pieces=1', `|delay=3|pieces=${Math.ceil(sizeOf(small) / 20)}`]) {
        const got = await outcome(pair, small, options, whole);
        assert.deepEqual(asFarAsKnown(wanted, got), wanted, `${small.case}${options}`);
      }
    });
  }

  it('each is in the ledger once, the broken ones never as whole', async () => {
    const rows = await ledgerRows(node, broken.length + whole.length);
    assert.equal(rows.size, broken.length + whole.length);
    const outcomes = (ids: readonly string[]): readonly string[] => [
      ...new Set(
        ids.map(
          (id) =>
            rows
              .get(id)
              ?.map((row) => row.outcome)
              .join() ?? 'none',
        ),
      ),
    ];
    assert.deepEqual(outcomes(whole), ['ok']);
    const endings = outcomes(broken);
    assert.ok(
      endings.every((ending) => ending === 'upstream_cut' || ending === 'upstream_error'),
      endings.join(' '),
    );
    assert.ok(broken.length > 2000, `${broken.length} broken streams`);
  });
});
