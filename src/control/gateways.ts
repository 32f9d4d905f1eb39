import type {
  KeyResolveReply,
  PolicyGetReply,
  TokenResolveReply,
  ControlGatewayCall,
  ControlGatewayNote,
} from '../ipc/messages/control.ts';
import { BulkheadError } from '../core/errors.ts';
import type { KeyDigest } from '../core/ids.ts';
import type { JsonObject } from '../core/json.ts';
import type { SignedSession, SignedText } from '../access/principal.ts';
import type { Hello, IncomingCall, Peer } from '../ipc/peer.ts';
import { serveFrames, type FrameServer } from '../ipc/serve.ts';
import { within } from '../core/within.ts';

const DIGEST = /^[0-9a-f]{64}$/;
const METRICS_MS = 1000;

export interface GatewayQuestions {
  resolveKey(digest: KeyDigest): Promise<SignedText | undefined>;
  /** Undefined: nobody who may call models. Rejects where that cannot be found out now. */
  resolveToken(token: string): Promise<SignedSession | undefined>;
  currentPolicy(): SignedText | undefined;
  onError(op: string, error: unknown): void;
}

export interface WorkerAnswer {
  readonly index: number;
  readonly confirmed: boolean;
}

/** The gateway workers that are connected: answers their questions and tells them of changes. */
export class Gateways {
  readonly #server: FrameServer;
  readonly #questions: GatewayQuestions;
  /** Changes told so far: a row that was read before one of them may be of before it. */
  #told = 0;

  constructor(fd: number, hello: Hello, questions: GatewayQuestions) {
    this.#questions = questions;
    this.#server = serveFrames(fd, hello, (peer) => ({ onCall: (call) => this.#answer(call, peer()) }));
  }

  /** Sends `call` to every connected worker. A worker that does not reply in time, or replies with an error, has not confirmed. */
  tell(call: ControlGatewayCall, deadlineMs: number): Promise<readonly WorkerAnswer[]> {
    this.#told++;
    return Promise.all(
      this.#workers().map(async ([index, peer]) => {
        const confirmed = await within(deadlineMs, peer.unary(call as unknown as JsonObject)).then(
          () => true,
          () => false,
        );
        return { index, confirmed };
      }),
    );
  }

  /** A snapshot per worker that answers in time. */
  async metrics(): Promise<readonly { readonly index: number; readonly snapshot: JsonObject }[]> {
    const answers = this.#workers().map(async ([index, peer]) => {
      const reply = await within(METRICS_MS, peer.unary({ op: 'metrics' })).catch(() => undefined);
      return reply === undefined ? [] : [{ index, snapshot: (reply.head['metrics'] ?? {}) as JsonObject }];
    });
    return (await Promise.all(answers)).flat();
  }

  get connected(): number {
    return this.#workers().length;
  }

  drain(): Promise<void> {
    return this.#server.drain();
  }

  /** A peer without hello has not asked anything yet, so it holds nothing that could be stale. */
  #workers(): readonly (readonly [number, Peer])[] {
    return [...this.#server.peers].flatMap((peer) => (peer.hello === undefined ? [] : [[peer.hello.index, peer] as const]));
  }

  #answer(call: IncomingCall, asker: Peer): void {
    this.#reply(call.head, asker).then(
      (reply) => call.reply(reply as unknown as JsonObject),
      (error: unknown) => {
        this.#questions.onError(String(call.head['op']), error);
        call.error(error instanceof BulkheadError ? error.code : 'internal');
      },
    );
  }

  async #reply({ op, digest, token }: JsonObject, asker: Peer): Promise<KeyResolveReply | TokenResolveReply | PolicyGetReply> {
    if (op === 'policy.get') return { snapshot: this.#questions.currentPolicy() ?? null };
    if (op === 'token.resolve' && typeof token === 'string') return { session: (await this.#questions.resolveToken(token)) ?? null };
    if (op !== 'key.resolve' || typeof digest !== 'string' || !DIGEST.test(digest)) throw new Error('not a question of a gateway');
    const told = this.#told;
    const row = (await this.#questions.resolveKey(digest as KeyDigest)) ?? null;
    if (row !== null && told === this.#told) this.#offer({ op: 'key.row', digest: digest as KeyDigest, row }, asker);
    return { row };
  }

  /** A key that one worker serves may come to any of them, also while this process is away. */
  #offer(note: ControlGatewayNote, asker: Peer): void {
    for (const [, peer] of this.#workers()) if (peer !== asker) peer.note(note as unknown as JsonObject);
  }
}
