import { isDeepStrictEqual } from 'node:util';
import type { WireProtocolId } from '../../src/wire/protocol.ts';
import { listCases, type CaseIndex } from '../replay/cases.ts';
import { asFarAsKnown, isReadableAtLast, readRecorded, translatedBytes, tried, type Outcome } from './compare.ts';
import type { ConformingProtocol } from './protocols/protocol.ts';
import { CLIENT_PROTOCOLS, PROTOCOLS } from './protocols/registry.ts';
import type { Read, Reading } from './reading.ts';
import { answersOf, isWebPage, streamsOf } from './recorded.ts';
import { VERCEL_READERS } from './vercel.ts';

/** How many recorded answers of each provider every client reads alike from our translation, as data: docs/reference/conformance.md is made from it. */

interface MatrixClient {
  /** Package, and the protocol where a package speaks several. */
  readonly name: string;
  readonly protocol: ConformingProtocol;
  readonly read: Read;
  readonly hides: readonly (keyof Reading)[];
}

/** `bytes`: client and provider speak one protocol, so nothing is translated. */
export type MatrixCell = 'bytes' | { readonly equal: number; readonly total: number };

export interface MatrixRow {
  readonly provider: string;
  readonly protocol: WireProtocolId;
  readonly answers: number;
  readonly streams: number;
  /** In the order of `clients`. */
  readonly cells: readonly MatrixCell[];
}

/** An answer that a client reads otherwise than the provider's own client. */
interface Mismatch {
  readonly case: string;
  readonly client: string;
  readonly wanted: Outcome;
  readonly got: Outcome;
}

export interface Matrix {
  readonly clients: readonly string[];
  readonly rows: readonly MatrixRow[];
  /** Providers whose recordings hold no conversation in a protocol that is translated. */
  readonly others: readonly string[];
  readonly mismatches: readonly Mismatch[];
}

const PACKAGES: Readonly<Partial<Record<WireProtocolId, string>>> = {
  'openai-chat': 'openai (chat completions)',
  'openai-responses': 'openai (Responses)',
  'anthropic-messages': '@anthropic-ai/sdk',
  gemini: '@google/genai',
};

const officialClient = (protocol: ConformingProtocol): MatrixClient => ({
  name: PACKAGES[protocol.id] ?? protocol.id,
  protocol,
  read: (body, stream) => protocol.read(body, stream),
  hides: [],
});

function vercelClient(protocol: ConformingProtocol): readonly MatrixClient[] {
  const reader = VERCEL_READERS[protocol.id];
  if (reader === undefined) return [];
  const way = protocol.id === 'openai-responses' ? ' (Responses)' : protocol.id === 'openai-chat' ? ' (chat)' : '';
  return [{ name: `ai + ${reader.package}${way}`, protocol, read: reader.read, hides: reader.hides }];
}

const CLIENTS: readonly MatrixClient[] = [...CLIENT_PROTOCOLS.map(officialClient), ...CLIENT_PROTOCOLS.flatMap(vercelClient)];

/** What the client would show of the wanted reading. */
function shownOf(wanted: Outcome, { hides }: MatrixClient): Outcome {
  if (wanted === 'refused') return wanted;
  return hides.includes('thinking') ? { ...wanted, thinking: '' } : wanted;
}

async function mismatchOf(
  from: ConformingProtocol,
  client: MatrixClient,
  entry: CaseIndex,
  recorded: Outcome,
): Promise<Mismatch | undefined> {
  const read = await tried(client.read, translatedBytes(from, client.protocol, entry), entry.stream);
  const wanted = shownOf(recorded, client);
  const got = asFarAsKnown(wanted, read);
  const isEqual = from.unreadable.has(entry.case) ? isReadableAtLast(wanted, got) : isDeepStrictEqual(got, wanted);
  return isEqual ? undefined : { case: entry.case, client: client.name, wanted, got };
}

async function rowOf(provider: string, from: ConformingProtocol, entries: readonly CaseIndex[]): Promise<[MatrixRow, readonly Mismatch[]]> {
  const recorded = await Promise.all(entries.map((entry) => readRecorded(from, entry)));
  const cells: MatrixCell[] = [];
  const mismatches: Mismatch[] = [];
  for (const client of CLIENTS) {
    if (client.protocol === from) {
      cells.push('bytes');
      continue;
    }
    const found = await Promise.all(entries.map((entry, index) => mismatchOf(from, client, entry, recorded[index] ?? 'refused')));
    const unequal = found.filter((mismatch) => mismatch !== undefined);
    mismatches.push(...unequal);
    cells.push({ equal: entries.length - unequal.length, total: entries.length });
  }
  const streams = entries.filter(({ stream }) => stream).length;
  return [{ provider, protocol: from.id, answers: entries.length - streams, streams, cells }, mismatches];
}

export async function computeMatrix(): Promise<Matrix> {
  const rows: MatrixRow[] = [];
  const mismatches: Mismatch[] = [];
  for (const from of PROTOCOLS) {
    const entries = [...answersOf(from), ...streamsOf(from)].filter((entry) => !isWebPage(entry));
    for (const [provider, own] of Object.entries(Object.groupBy(entries, (entry) => entry.provider)).toSorted(byName)) {
      const [row, unequal] = await rowOf(provider, from, own ?? []);
      rows.push(row);
      mismatches.push(...unequal);
    }
  }
  const known = new Set(rows.map(({ provider }) => provider));
  const others = [...new Set(listCases().map(({ provider }) => provider))].filter((provider) => !known.has(provider)).toSorted();
  return { clients: CLIENTS.map(({ name }) => name), rows, others, mismatches };
}

const byName = ([one]: readonly [string, unknown], [other]: readonly [string, unknown]): number => (one < other ? -1 : 1);
