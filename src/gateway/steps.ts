import type { Principal } from '../access/principal.ts';
import type { JsonObject } from '../core/json.ts';
import type { Member } from '../core/json-scan.ts';
import type { EgressHead } from '../ipc/messages/vault.ts';
import type { ProviderId } from '../core/ids.ts';
import type { Resolved } from '../routing/model-table.ts';
import type { Answer } from './answer.ts';
import type { AttemptRecord, Exchange, RoutedTarget } from './exchange.ts';
import type { FormField } from '../http/form-scanner.ts';
import type { FormUpload } from '../http/form-upload.ts';
import type { Understood } from './understood.ts';
import type { UpstreamCall } from './upstream-call.ts';

/**
 * What the stages hand on (architecture.md §3). Each type carries a brand that only its own stage puts on, so that the
 * compiler forbids to skip a stage or to call two in the wrong order.
 */
declare const passed: unique symbol;
type Step<Name extends string, Shape> = Readonly<Shape> & { readonly [passed]: Name };

/** A head within bounds, at a known endpoint; the body is still on the wire. */
export type Received = Step<'Received', { exchange: Exchange }>;

/** The key behind the head is known and in force. */
export type Authenticated = Step<
  'Authenticated',
  {
    exchange: Exchange;
    principal: Principal;
    /** As the client presented it: the vault checks it again. */
    presented: string;
  }
>;

export interface RequestBody {
  /** Of a form that is sent on as it arrives (`upload`): its beginning. */
  readonly bytes: Buffer;
  /** Spans of the members that the protocol names. */
  readonly members: ReadonlyMap<string, Member>;
  readonly stream: boolean;
  /** `stream_options` as the client sent it. */
  readonly streamOptions: JsonObject | undefined;
  /** Media type to send on, parameters included. */
  readonly contentType: string;
  /** Of a form: where the model's name stands in the bytes, and the end user's; the bytes of the fields that are no files. */
  readonly form?: { readonly model: FormField; readonly user: FormField | undefined; readonly textBytes: number } | undefined;
  /** What of a form is still on its way. It can be sent once. */
  readonly upload?: FormUpload | undefined;
  /** Upper bound of what the client allows to be written of one copy; undefined: it gave none. */
  readonly maxOutputTokens: number | undefined;
  /** Answers that the client wants side by side (`n`). */
  readonly copies: number;
}

/** The body is valid JSON, its model exists and the key may use it. */
export type Decoded = Step<
  'Decoded',
  {
    exchange: Exchange;
    principal: Principal;
    presented: string;
    body: RequestBody;
    alias: string;
    resolved: Resolved<ProviderId>;
    /** As the client names its own user. */
    endUser: string | undefined;
    tags: readonly string[] | undefined;
    /** Only this provider can go on from the response before. */
    pinned?: string;
    /** The id by which the client took up a conversation that we kept. */
    resumedFrom?: string;
  }
>;

/** The ledger holds a reservation under the request's id: from here on it is settled or released exactly once. */
export type Admitted = Step<'Admitted', { decoded: Decoded }>;

export type Inspected = Step<'Inspected', { decoded: Decoded }>;

export type Missed = Step<'Missed', { decoded: Decoded }>;
export type Hit = Step<'Hit', { exchange: Exchange; answer: Answer }>;

/** At least one target that can be reached through this endpoint, best first. */
export type Routed = Step<'Routed', { decoded: Decoded; targets: readonly [RoutedTarget, ...RoutedTarget[]] }>;

/** A provider answered; its body is still on the wire. */
export type Upstream = Step<
  'Upstream',
  { decoded: Decoded; record: AttemptRecord; sent: SentRequest; call: UpstreamCall; head: EgressHead }
>;

/** What was made of the client's request for one target. */
export interface SentRequest {
  readonly path: string;
  /** All of it, or its beginning where `streamedBytes` says how long it is. */
  readonly body: Buffer;
  readonly streamedBytes?: number | undefined;
  readonly contentType: string;
  /** True: another protocol than the client's, through the canonical form. */
  readonly translated: boolean;
  /** The usage-only chunk of the stream was asked for by us and is kept from the client. */
  readonly hidesUsage: boolean;
  /** Paths of fields that the target cannot express. */
  readonly dropped: readonly string[];
  /** Of a translation. */
  readonly understood?: Understood;
}

/** An answer in the client's protocol. */
export type Translated = Step<'Translated', { exchange: Exchange; answer: Answer }>;

/** An answer that may leave. */
export type Cleared = Step<'Cleared', { exchange: Exchange; answer: Answer }>;

/** Puts a stage's brand on its result. Only the stages call it. */
export const pass = <S extends { readonly [passed]: string }>(result: Omit<S, typeof passed>): S => result as S;
