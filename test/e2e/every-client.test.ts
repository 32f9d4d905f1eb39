import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import type { Json, JsonObject } from '../../src/core/json.ts';
import { asFarAsKnown, isReadableAtLast, readRecorded, tried, type Outcome } from '../conformance/compare.ts';
import type { ConformingProtocol } from '../conformance/protocols/protocol.ts';
import { PROTOCOLS } from '../conformance/protocols/registry.ts';
import { isWebPage, requestOf } from '../conformance/recorded.ts';
import { isObject } from '../conformance/same.ts';
import { listCases, readAnswer, type CaseIndex } from '../replay/cases.ts';
import { startReplayUpstream, type ReplayUpstream } from '../replay/upstream.ts';
import { startNode, type RunningNode } from './node.ts';
import { closeConnections, eachOf, post, PROTOCOL_CLIENTS, type ProtocolClient, type WireAnswer } from './protocol-clients.ts';
import { modelFor, providersAt } from './recorded-way.ts';
import { ledgerRows, type LedgerRow } from './ledger-rows.ts';

/**
 * Every client protocol against every recorded conversation, through the processes of a whole node: in the provider's own protocol the bytes are the
 * provider's, in another the client's official SDK reads from them what the provider's own reads from the recording.
 */

interface Conversation {
  readonly entry: CaseIndex;
  readonly from: ConformingProtocol;
}

const CONVERSATIONS: readonly Conversation[] = PROTOCOLS.flatMap((from) =>
  listCases().flatMap((entry) => (from.matches(entry) ? [{ entry, from }] : [])),
);

/** What was sent and what the ledger must say of it. */
interface Sent {
  readonly conversation: Conversation;
  readonly requestId: string;
}

const recordedReadings = new Map<string, Promise<Outcome>>();

function recordedReading({ entry, from }: Conversation): Promise<Outcome> {
  const known = recordedReadings.get(entry.case) ?? readRecorded(from, entry);
  recordedReadings.set(entry.case, known);
  return known;
}

const wayOf = ({ protocol }: ProtocolClient, { entry, from }: Conversation): string | undefined =>
  modelFor(entry, { operation: 'chat', client: protocol.id, recorded: from.id });

/** The recorded request where it is in the client's protocol and no earlier answer is needed to understand it. */
function bodyOf(client: ProtocolClient, { entry, from }: Conversation): JsonObject {
  if (client.protocol !== from || !entry.request) return client.least;
  const recorded = requestOf(entry);
  return recorded['previous_response_id'] === undefined ? recorded : client.least;
}

const statusOf = ({ entry }: Conversation): number => (entry.status === 200 && !entry.stream && isWebPage(entry) ? 502 : entry.status);

/** A stream without the events that hold nothing but usage: they are kept from a client of OpenAI's chat that did not ask. */
const withoutUsageEvents = (stream: string): string =>
  stream
    .split(/(?<=\r\n\r\n|\n\n)/)
    .filter((event) => !/"usage":\s*\{/.test(event) || !/"choices":\s*\[\s*\]/.test(event))
    .join('');

function asksForUsage(body: JsonObject): boolean {
  const options = body['stream_options'];
  return isObject(options) && options['include_usage'] === true;
}

/** What is wrong with an answer in the provider's own protocol. */
function sameFault(client: ProtocolClient, { entry, from }: Conversation, answer: WireAnswer, sent: JsonObject): string | undefined {
  const recorded = readAnswer(entry.case).body;
  if (answer.body.equals(recorded)) return undefined;
  if (!entry.stream) return `the bytes differ: ${answer.body.toString('utf8').slice(0, 300)}`;
  const whole = UNENDED.has(entry.case) ? Buffer.concat([recorded, Buffer.from('\n\n')]) : recorded;
  const [wanted, got] = [from.events([whole]), from.events([client.readable(answer.body)])];
  const data = (events: typeof wanted): unknown => events.map((event) => JSON.parse(event.data) as unknown);
  if (answer.headers['content-type']?.startsWith('text/event-stream') === true && recorded[0] !== 0) {
    const shorter = withoutUsageEvents(recorded.toString('utf8'));
    if (!asksForUsage(sent) && answer.body.toString('utf8') === shorter) return undefined;
    return `the events differ: ${got.length} for ${wanted.length}`;
  }
  return isDeepStrictEqual(data(got), data(wanted)) ? undefined : `the reframed events differ: ${got.length} for ${wanted.length}`;
}

const readBy = async (client: ProtocolClient, { entry }: Conversation, { body, isWhole }: WireAnswer): Promise<Outcome> => {
  if (!isWhole) return 'refused';
  return tried(async (bytes, stream) => client.protocol.read(stream ? client.readable(bytes) : bytes, stream), body, entry.stream);
};

/** Captured without the blank line behind its only event. Where the provider ended it so, we take that event; its own client does not. */
const UNENDED: ReadonlySet<string> = new Set(['gemini/stream-generate-content/firebase-streaming-failure-prompt-blocked-safety']);
const BLOCKED: Outcome = { text: '', thinking: '', tools: [], stop: 'content_filter', usage: undefined };

/** What is wrong with a translated answer, by what the client's own SDK reads. */
async function translatedFault(client: ProtocolClient, conversation: Conversation, answer: WireAnswer): Promise<string | undefined> {
  const { from, entry } = conversation;
  const wanted = UNENDED.has(entry.case) ? BLOCKED : await recordedReading(conversation);
  const read = await readBy(client, conversation, answer);
  if (from.unreadable.has(entry.case)) return isReadableAtLast(wanted, read) ? undefined : 'it cannot be read at last';
  const got = asFarAsKnown(wanted, read);
  return isDeepStrictEqual(got, wanted) ? undefined : `${JSON.stringify(got).slice(0, 600)} for ${JSON.stringify(wanted).slice(0, 600)}`;
}

/** The words that a provider has for its error, wherever they stand. */
function wordsIn(value: Json | undefined): readonly string[] {
  if (Array.isArray(value)) return (value as readonly Json[]).flatMap(wordsIn);
  if (!isObject(value)) return [];
  return Object.entries(value).flatMap(([name, member]) =>
    typeof member === 'string' && ['message', 'detail', 'error', 'msg'].includes(name.toLowerCase()) ? [member] : wordsIn(member),
  );
}

function parsedOf(body: Buffer): Json | undefined {
  try {
    return JSON.parse(body.toString('utf8')) as Json;
  } catch {
    // A proxy between us and the provider answers in HTML or plain text.
    return undefined;
  }
}

/** What is wrong with an error's body: in the provider's own protocol it passes, in another the provider's words are in the client's form. */
function errorFault(client: ProtocolClient, { entry, from }: Conversation, { body }: WireAnswer): string | undefined {
  const recorded = readAnswer(entry.case).body;
  const parsed = parsedOf(recorded);
  if (client.protocol === from && isObject(parsed) && entry.provider !== 'bedrock')
    return body.equals(recorded) ? undefined : `the bytes differ: ${body.toString('utf8').slice(0, 300)}`;
  const shown = client.errorWords(parsedOf(body) ?? null, statusOf({ entry, from }));
  if (shown === undefined) return `no error of the protocol: ${body.toString('utf8').slice(0, 300)}`;
  const words = wordsIn(parsed);
  return words.length === 0 || words.some((word) => shown.includes(word)) ? undefined : `other words: ${shown} for ${words.join(' | ')}`;
}

/** Ids by which a provider's support finds a request. */
const REQUEST_IDS = ['x-request-id', 'request-id', 'apim-request-id', 'x-amzn-requestid', 'x-debug-trace-id'];

function headerFault({ entry }: Conversation, { headers }: WireAnswer): string | undefined {
  if (!/^req_[0-9A-Z]{26}$/.test(String(headers['x-bulkhead-request-id']))) return 'no request id of ours';
  const recorded = readAnswer(entry.case).headers;
  // Azure says both `x-request-id` and `request-id`, which have one name here.
  const shown = (name: string): readonly string[] => String(headers[`x-upstream-${name.replace(/^x-/, '')}`]).split(', ');
  const lost = REQUEST_IDS.find((name) => recorded[name] !== undefined && !shown(name).includes(recorded[name]));
  return lost === undefined ? undefined : `the provider’s ${lost} is lost`;
}

describe('every client protocol through a whole node', () => {
  let upstream: ReplayUpstream;
  let node: RunningNode;
  let key: string;
  const sent: Sent[] = [];
  const unreached: string[] = [];

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

  async function faultOf(client: ProtocolClient, conversation: Conversation): Promise<string | undefined> {
    const model = wayOf(client, conversation);
    if (model === undefined) {
      unreached.push(`${client.protocol.id} ${conversation.from.id}`);
      return undefined;
    }
    const { entry, from } = conversation;
    const body = client.asking(bodyOf(client, conversation), model, entry.stream);
    const answer = await post(node.url + client.path(model, entry.stream || body['stream'] === true), client.headers(key), body);
    sent.push({ conversation, requestId: String(answer.headers['x-bulkhead-request-id']) });
    if (answer.status !== statusOf(conversation)) return `status ${answer.status}: ${answer.body.toString('utf8').slice(0, 300)}`;
    if (answer.status !== 200) return headerFault(conversation, answer) ?? errorFault(client, conversation, answer);
    const isSame = client.protocol === from && answer.isWhole;
    return (
      headerFault(conversation, answer) ??
      (isSame ? sameFault(client, conversation, answer, body) : await translatedFault(client, conversation, answer))
    );
  }

  const byProvider = Object.entries(Object.groupBy(CONVERSATIONS, ({ entry }) => entry.provider));

  for (const client of PROTOCOL_CLIENTS) {
    for (const [provider, conversations = []] of byProvider) {
      it(`${client.name} reads ${conversations.length} recordings of ${provider}`, async () => {
        const faults = await eachOf(conversations, (conversation) => faultOf(client, conversation));
        assert.deepEqual(
          conversations.flatMap(({ entry }, at) => (faults[at] === undefined ? [] : [`${entry.case}: ${faults[at]}`])),
          [],
        );
      });
    }
  }

  it('leaves out nothing but what no kind of provider would ask for', () => {
    assert.deepEqual([...new Set(unreached)].toSorted(), UNREACHED);
    assert.ok(sent.length > 2500, `${sent.length} requests`);
  });

  it('has each of them in the ledger once, with the tokens that the provider named', async () => {
    const rows = await ledgerRows(node, sent.length);
    const faults: string[] = [];
    for (const { conversation, requestId } of sent) {
      const fault = ledgerFault(rows.get(requestId) ?? [], conversation, await recordedReading(conversation));
      if (fault !== undefined) faults.push(`${conversation.entry.case}: ${fault}`);
    }
    assert.equal(rows.size, sent.length);
    assert.deepEqual([...new Set(faults)], []);
  });
});

/**
 * A client, and the protocol of recordings that it does not reach: Bedrock is asked in Converse for all but Anthropic's clients, and Ollama answers OpenAI's
 * chat itself.
 */
const UNREACHED: readonly string[] = [
  'anthropic-messages openai-responses',
  'gemini anthropic-messages',
  'gemini openai-responses',
  'openai-chat anthropic-messages',
  'openai-chat ollama-chat',
  'openai-chat openai-responses',
  'openai-responses anthropic-messages',
];

function ledgerFault(rows: readonly LedgerRow[], conversation: Conversation, wanted: Outcome): string | undefined {
  const [row, ...others] = rows;
  if (row === undefined || others.length > 0) return `${rows.length} rows`;
  if (row.status !== conversation.entry.status) return `status ${row.status}`;
  if (statusOf(conversation) !== 200 || wanted === 'refused' || wanted.usage === undefined) return undefined;
  const { input, output, cached } = wanted.usage;
  const [got, said] = [
    [row.input_tokens, row.output_tokens, row.cached_input_tokens],
    [input, output, cached],
  ];
  return isDeepStrictEqual(got, said) ? undefined : `${got.join()} for ${said.join()}`;
}
