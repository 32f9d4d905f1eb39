import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts';
import type { Citation } from '../../canonical/part.ts';
import { PROTOCOL } from './names.ts';
import { Offsets } from './offsets.ts';

const objects = (value: Json | undefined): readonly JsonObject[] =>
  Array.isArray(value) ? (value as readonly Json[]).filter(isJsonObject) : [];
const words = (value: Json | undefined): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);
const whole = (value: Json | undefined): number | undefined =>
  typeof value === 'number' && Number.isSafeInteger(value) ? value : undefined;

/** A source that was read: a page, a place on a map, a document of the client's own store. */
const sourceIn = (chunk: JsonObject): JsonObject =>
  [chunk['web'], chunk['maps'], chunk['retrievedContext'], chunk['image']].find((source) => isJsonObject(source)) ?? {};

interface Span {
  readonly start?: number | undefined;
  readonly end?: number | undefined;
}

/** Where a segment is. Its own words are worth more than its offsets, which some models count from the start of another part. */
function spanOf(segment: JsonObject, offsets: Offsets | undefined): Span {
  const last = whole(segment['endIndex']);
  if (last === undefined || offsets === undefined) return {};
  const [start, end] = [offsets.unitAt(whole(segment['startIndex']) ?? 0), offsets.unitAt(last)];
  const said = words(segment['text']);
  if (said === undefined || offsets.text.slice(start, end) === said) return { start, end };
  const found = offsets.find(said);
  return found === undefined ? {} : { start: found, end: found + said.length };
}

const groundingOf = (chunk: JsonObject, segment: JsonObject | undefined, span: Span): Citation => {
  const source = sourceIn(chunk);
  return {
    url: words(source['uri']) ?? words(source['sourceUri']),
    title: words(source['title']),
    ...span,
    protocol: PROTOCOL,
    native: { groundingChunk: chunk, ...(segment === undefined ? {} : { segment }) },
  };
};

/** What was looked up, by the places that rest on it; sources that support no place in particular stand for all. */
function decodeGrounding(metadata: JsonObject, offsets: Offsets | undefined): readonly Citation[] {
  const chunks = objects(metadata['groundingChunks']);
  const supports = objects(metadata['groundingSupports']);
  if (supports.length === 0) return chunks.map((chunk) => groundingOf(chunk, undefined, {}));
  return supports.flatMap((support) => {
    const segment = isJsonObject(support['segment']) ? support['segment'] : {};
    const span = spanOf(segment, offsets);
    const indices = Array.isArray(support['groundingChunkIndices']) ? (support['groundingChunkIndices'] as readonly Json[]) : [];
    return indices.flatMap((index) => {
      const chunk = typeof index === 'number' ? chunks[index] : undefined;
      return chunk === undefined ? [] : [groundingOf(chunk, segment, span)];
    });
  });
}

/** Works that the answer repeats; Vertex calls the list `citations`. */
const decodeSource = (native: JsonObject, offsets: Offsets | undefined): Citation => ({
  url: words(native['uri']),
  title: words(native['title']),
  ...spanOf(native, offsets),
  protocol: PROTOCOL,
  native,
});

/** All citations of a candidate. `text`: its words so far, reasoning left out; undefined: their places are not wanted. */
export function decodeCitations(candidate: JsonObject, text: string | undefined): readonly Citation[] {
  const { groundingMetadata: grounding, citationMetadata: cited } = candidate;
  const sources = isJsonObject(cited) ? [...objects(cited['citationSources']), ...objects(cited['citations'])] : [];
  const hasGrounding = isJsonObject(grounding) && objects(grounding['groundingChunks']).length > 0;
  if (sources.length === 0 && !hasGrounding) return [];
  const offsets = text === undefined ? undefined : new Offsets(text);
  const found = isJsonObject(grounding) ? decodeGrounding(grounding, offsets) : [];
  return [...found, ...sources.map((source) => decodeSource(source, offsets))];
}

/** A citation with the text that it stands on, if it has no offsets of its own. */
export interface Placed {
  readonly citation: Citation;
  readonly start: number;
  readonly end: number;
}

function segmentOf({ citation, start, end }: Placed, offsets: Offsets): JsonObject {
  const [from, to] = [citation.start ?? start, citation.end ?? end];
  return { startIndex: offsets.bytesAt(from), endIndex: offsets.bytesAt(to), text: offsets.text.slice(from, to) };
}

/** A Gemini citation as it was; another protocol's if it names a page. */
function encodeGrounding(placed: readonly Placed[], text: string): JsonObject | undefined {
  const chunks: JsonObject[] = [];
  const supports: JsonObject[] = [];
  const known = new Map<string, number>();
  // Gemini's own segments are written as they were, so the table is made for others alone.
  const offsets = placed.some(({ citation }) => citation.protocol !== PROTOCOL) ? new Offsets(text) : undefined;
  for (const one of placed) {
    const { url, title, native, protocol } = one.citation;
    const chunk = protocol === PROTOCOL && isJsonObject(native['groundingChunk']) ? native['groundingChunk'] : { web: { uri: url, title } };
    const key = JSON.stringify(chunk);
    const index = known.get(key) ?? chunks.push(chunk) - 1;
    known.set(key, index);
    const segment = protocol === PROTOCOL || offsets === undefined ? native['segment'] : segmentOf(one, offsets);
    if (segment !== undefined) supports.push({ segment, groundingChunkIndices: [index] });
  }
  if (chunks.length === 0) return undefined;
  return { groundingChunks: chunks, groundingSupports: supports.length === 0 ? undefined : supports };
}

const isRepeated = ({ citation }: Placed): boolean => citation.protocol === PROTOCOL && citation.native['groundingChunk'] === undefined;

/** Members of a candidate for the citations of its whole text. Those that name no page have no place here. */
export function encodeCitations(placed: readonly Placed[], text: string): JsonObject {
  if (placed.length === 0) return {};
  const repeated = placed.filter(isRepeated).map(({ citation }) => citation.native);
  const looked = placed.filter((one) => !isRepeated(one) && (one.citation.url !== undefined || one.citation.protocol === PROTOCOL));
  return {
    groundingMetadata: encodeGrounding(looked, text),
    citationMetadata: repeated.length === 0 ? undefined : { citationSources: repeated },
  };
}
