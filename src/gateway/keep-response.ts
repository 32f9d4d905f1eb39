import { isJsonObject, type Json, type JsonObject } from '../core/json.ts';
import type { SseEvent } from '../wire/protocol.ts';
import { inputItems } from '../wire/openai-responses/state.ts';
import { MemberCapture } from './capture.ts';
import type { Deps } from './deps.ts';
import { idOf, outputOf } from './response-state.ts';
import type { Upstream } from './steps.ts';

/** Keeps the answer of one request where its client may come back to it. */
export interface Keeper {
  /** The provider keeps it; `body` begins with the answer. Settles when the id is guarded. */
  readonly passed: (body: Buffer) => Promise<void>;
  /** The first event of a stream that passes. */
  readonly passedEvent: (event: SseEvent) => void;
  /** We keep it, whole. */
  readonly translated: (response: JsonObject) => Promise<void>;
  /** The last event of a translated stream holds the whole response; undefined: this event is not the last. */
  readonly lastEvent: (event: SseEvent) => Promise<void> | undefined;
}

const LAST: ReadonlySet<string> = new Set(['response.completed', 'response.incomplete']);

/** Undefined: this answer is not one that is kept, or its client or the operator does not want it to be. */
export function keeperOf({ decoded, sent, record }: Upstream, deps: Pick<Deps, 'responses' | 'log'>): Keeper | undefined {
  const { exchange, body } = decoded;
  const keepMs = exchange.policy.snapshot.responsesKeepMs;
  if (exchange.endpoint.protocol !== 'openai-responses' || keepMs === 0 || isFalse(body, 'store')) return undefined;
  const noted = (work: Promise<boolean>): Promise<void> =>
    work.then(
      (stored) => {
        if (!stored) deps.log.warn('response.not_kept', { request_id: exchange.id, reason: 'the id is another tenant’s' });
      },
      // The answer itself is whole: its client can go on by sending the conversation.
      (error: unknown) => deps.log.warn('response.not_kept', { request_id: exchange.id, reason: String(error) }),
    );
  const elsewhere = (id: string | undefined): Promise<void> =>
    id === undefined ? Promise.resolve() : noted(deps.responses.putElsewhere(decoded, id, record.target.provider.policy.id, keepMs));
  const translated = (response: JsonObject): Promise<void> => {
    const id = idOf(response);
    if (id === undefined || sent.understood?.kind !== 'conversation') return Promise.resolve();
    const input = inputItems(JSON.parse(body.bytes.toString('utf8')) as JsonObject);
    return noted(deps.responses.put(decoded, id, { input, output: outputOf(response), response }, keepMs));
  };
  return {
    passed: (bytes) => {
      const capture = new MemberCapture(['id']);
      capture.push(bytes);
      return elsewhere(idOf(capture.members()));
    },
    passedEvent: (event) => void elsewhere(idOf(responseIn(event))),
    translated,
    lastEvent: (event) => {
      if (event.event === undefined || !LAST.has(event.event)) return undefined;
      const response = responseIn(event);
      return isJsonObject(response) ? translated(response) : undefined;
    },
  };
}

const isFalse = ({ bytes, members }: Upstream['decoded']['body'], name: string): boolean => {
  const member = members.get(name);
  return member !== undefined && bytes.toString('latin1', member.start, member.end) === 'false';
};

function responseIn({ data }: SseEvent): Json | undefined {
  try {
    const value: unknown = JSON.parse(data);
    return isJsonObject(value) ? value['response'] : undefined;
  } catch {
    // The client judges what its provider sent; without an id there is nothing to guard.
    return undefined;
  }
}
