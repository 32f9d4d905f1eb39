import type { KeyObject } from 'node:crypto';
import type { KeySource, SignedText } from '../access/principal.ts';
import { systemClock } from '../core/clock.ts';
import { BulkheadError } from '../core/errors.ts';
import type { JsonObject } from '../core/json.ts';
import { publicKeyFromRaw } from '../core/signing.ts';
import { within } from '../core/within.ts';
import { createListener, type Listener } from '../http/listener.ts';
import type { Child } from '../ipc/child.ts';
import { Link } from '../ipc/link.ts';
import type {
  ControlGatewayNote,
  GatewayControlCall,
  KeyResolveReply,
  PolicyGetReply,
  TokenResolveReply,
} from '../ipc/messages/control.ts';
import type { AccountReply, LedgerCall } from '../ipc/messages/ledger.ts';
import { isConnectionLost, type Hello, type Peer, type PeerHandlers } from '../ipc/peer.ts';
import { createLogger, type Logger } from '../telemetry/log.ts';
import { Metrics, SECONDS_BUCKETS } from '../telemetry/metrics.ts';
import { addProcessMetrics } from '../telemetry/process-metrics.ts';
import { noCache } from './answer-cache.ts';
import { answerControl, hearControl } from './control-calls.ts';
import type { Deps } from './deps.ts';
import { front } from './front.ts';
import { GatewayMetrics } from './gateway-metrics.ts';
import { KeyCache } from './key-cache.ts';
import { KeyLookup } from './key-lookup.ts';
import { LiveReservations } from './live-reservations.ts';
import { Outbox } from './outbox.ts';
import { PolicyStore, type Policy } from './policy-store.ts';
import { ResponseState } from './response-state.ts';
import { TlsFiles } from './tls-files.ts';

/** How long a request waits for another process to come back from a restart. */
const LINK_WAIT_MS = 5_000;
const KEY_LOOKUP_WAIT_MS = 2_000;
/** Ends of requests held for a ledger that is away: minutes at full load, some tens of megabytes. */
const MAX_HELD = 50_000;

/** The gateway process: clients on one side, vault, ledger and control on the other; no key, no database, no network of its own. */
export async function serveGateway(child: Child): Promise<void> {
  const worker = new Worker(child);
  child.onDrain((graceMs) => worker.drain(graceMs));
  const policy = await worker.firstPolicy;
  await worker.listen(policy);
  child.ready();
}

type AccountCall = Extract<LedgerCall, { op: 'account' }>;

class Worker {
  readonly firstPolicy: Promise<Policy>;
  readonly #child: Child;
  readonly #log: Logger;
  readonly #policies = new PolicyStore();
  readonly #deps: Deps;
  readonly #control: Link;
  readonly #stopMetrics: () => void;
  readonly #tls: TlsFiles | undefined;
  #listener: Listener | undefined;
  #verifyKey: KeyObject | undefined;
  #pinned: string | undefined;
  /** A snapshot that came before the vault's key did. */
  #early: SignedText | undefined;
  #onFirstPolicy: (policy: Policy) => void = () => undefined;

  constructor(child: Child) {
    this.#child = child;
    const { boot } = child;
    this.#log = createLogger({ role: boot.role, index: boot.index });
    this.firstPolicy = new Promise((resolve) => (this.#onFirstPolicy = resolve));
    const metrics = new Metrics();
    this.#stopMetrics = addProcessMetrics(metrics);
    this.#tls = boot.node.tls ? new TlsFiles(child, (reason) => this.#log.error('tls.refused', { reason })) : undefined;
    const keys = this.#keyLookup();
    const gatewayMetrics = new GatewayMetrics(metrics, SECONDS_BUCKETS);
    const reservations = new LiveReservations();
    const ledger = this.#link('ledger', 'admission_unavailable', LINK_WAIT_MS, {
      onReady: (peer) => {
        this.#resume(peer, reservations);
        outbox.hurry();
      },
    });
    const outbox: Outbox = new Outbox({
      clock: systemClock,
      max: MAX_HELD,
      send: async (batch) => {
        const { head } = await ledger.unary(batch as unknown as JsonObject);
        this.#acknowledged(batch, head as Partial<AccountReply>, reservations);
      },
    });
    const vaults = Array.from({ length: boot.shards }, (_, shard) =>
      this.#link(`vault-${shard}`, 'vault_unavailable', LINK_WAIT_MS, { handlers: { onHello: (hello) => this.#onVault(shard, hello) } }),
    );
    const responses = new ResponseState({ ledger, vault: vaults[0] as Link, clock: systemClock });
    this.#deps = {
      responses,
      clock: systemClock,
      log: this.#log,
      metrics: gatewayMetrics,
      keys,
      guards: [],
      cache: noCache,
      outbox,
      reservations,
      ledger,
      vaults,
    };
    this.#control = this.#link('control', 'key_lookup_unavailable', KEY_LOOKUP_WAIT_MS, {
      handlers: {
        onCall: (call) => answerControl(call, { keys, metrics, applyPolicy: (signed) => this.#apply(signed) }),
        onNote: (head) => hearControl(head as unknown as ControlGatewayNote, keys),
      },
      onReady: () => this.#onControl(keys),
    });
  }

  async listen({ snapshot, proxies }: Policy): Promise<void> {
    const { boot } = this.#child;
    const fd = boot.listen['http'];
    if (fd === undefined) return this.#child.failed('the supervisor gave no descriptor to listen on');
    const tls = await this.#tls?.pair;
    this.#listener = createListener({
      fd,
      limits: snapshot.limits,
      timeouts: snapshot.timeouts,
      proxies,
      onRequest: front(this.#deps, { policy: () => this.#policies.current, missing: () => this.#missing() }),
      onRefused: ({ error, requestId, address }) => {
        this.#deps.metrics.refused(error.code);
        this.#log.warn('request.refused', { request_id: requestId, address, code: error.code, reason: error.message });
      },
      ...(tls === undefined ? {} : { tls }),
    });
    await this.#listener.listening;
    this.#tls?.onChange((pair) => this.#listener?.reloadTls(pair));
  }

  /** Streams end by themselves within the grace; what they used must reach the ledger before the process goes. */
  async drain(graceMs: number): Promise<void> {
    await this.#listener?.drain(graceMs * 0.9);
    await this.#deps.outbox.flush();
    this.#deps.outbox.stop();
    this.#stopMetrics();
    this.#control.peer?.goaway();
    for (const link of [this.#control, this.#deps.ledger, ...this.#deps.vaults]) link.stop();
    await this.#log.flush();
  }

  #link(
    name: string,
    unavailable: 'admission_unavailable' | 'vault_unavailable' | 'key_lookup_unavailable',
    waitMs: number,
    { handlers = {}, onReady }: { readonly handlers?: PeerHandlers; readonly onReady?: (peer: Peer) => void },
  ): Link {
    const path = this.#child.boot.connect[name];
    if (path === undefined) throw new Error(`the supervisor named no socket for ${name}`);
    // Tries at a process that is not there yet are no losses.
    let isLive = false;
    return new Link({
      path,
      hello: this.#child.hello(),
      unavailable,
      waitMs,
      handlers: {
        ...handlers,
        onHello: (hello) => {
          isLive = true;
          handlers.onHello?.(hello);
        },
        onClose: () => {
          if (isLive) this.#log.warn('link.lost', { peer: name });
          isLive = false;
        },
      },
      ...(onReady === undefined ? {} : { onReady }),
    });
  }

  #keyLookup(): KeyLookup {
    const source: KeySource = {
      resolve: async (digest) => (await this.#ask<KeyResolveReply>({ op: 'key.resolve', digest })).row ?? undefined,
      resolveToken: async (token) => (await this.#ask<TokenResolveReply>({ op: 'token.resolve', token })).session ?? undefined,
    };
    const cache = new KeyCache({ clock: systemClock, maxKeys: 10_000, maxUnknown: 10_000, unknownMs: 2_000, maxRevoked: 100_000 });
    return new KeyLookup({
      cache,
      source,
      verifyKey: () => this.#verifyKey,
      onForged: () => this.#log.error('key.forged', { reason: 'a row from control does not carry the signature of the vault' }),
    });
  }

  /** A question is harmless twice, so a lost connection is asked over once. */
  async #ask<Reply>(call: GatewayControlCall): Promise<Reply> {
    for (let tries = 1; ; tries++) {
      try {
        // A control that is stopped keeps its connection open and says nothing.
        const { head } = await within(KEY_LOOKUP_WAIT_MS, this.#control.unary(call as unknown as JsonObject));
        return head as unknown as Reply;
      } catch (error) {
        if (isConnectionLost(error) && tries < 2) continue;
        throw new BulkheadError('key_lookup_unavailable', {}, { cause: error });
      }
    }
  }

  /** The first key that shard 0 shows is pinned: another one means another vault, and nothing it signed is believed. */
  #onVault(shard: number, { facts }: Hello): void {
    if (shard !== 0) return;
    const raw = facts['verifyKey'];
    if (typeof raw !== 'string') return this.#log.error('vault.refused', { reason: 'its hello has no verify key' });
    if (this.#pinned !== undefined && this.#pinned !== raw)
      return this.#log.error('vault.refused', { reason: 'its verify key is not the pinned one' });
    this.#pinned = raw;
    this.#verifyKey = publicKeyFromRaw(raw);
    const early = this.#early;
    this.#early = undefined;
    if (early !== undefined) this.#apply(early);
  }

  #acknowledged(batch: AccountCall, { rejected = [] }: Partial<AccountReply>, reservations: LiveReservations): void {
    reservations.acknowledged(batch);
    for (const { requestId, reason } of rejected) this.#log.error('account.rejected', { request_id: requestId, reason });
  }

  /** Before anything else on the connection: a ledger that restarted must not give these places to others. */
  #resume(peer: Peer, reservations: LiveReservations): void {
    peer.unary(reservations.resumeCall()).catch((error: unknown) => {
      if (!isConnectionLost(error)) this.#log.error('resume.failed', { reason: error instanceof Error ? error.message : String(error) });
    });
  }

  /** While control was away it may have revoked keys and changed the policy. */
  #onControl(keys: KeyLookup): void {
    keys.doubtAll();
    this.#control.unary({ op: 'policy.get' } satisfies GatewayControlCall).then(
      ({ head }) => {
        const { snapshot } = head as unknown as PolicyGetReply;
        if (snapshot !== null && snapshot !== undefined) this.#apply(snapshot);
      },
      (error: unknown) => this.#log.warn('policy.unavailable', { reason: error instanceof Error ? error.message : String(error) }),
    );
  }

  /** True: this snapshot is in force, or will be as soon as the vault's key is known. */
  #apply(signed: SignedText): boolean {
    if (this.#verifyKey === undefined) {
      this.#early = signed;
      return true;
    }
    const applied = this.#policies.apply(signed, this.#verifyKey);
    if (!applied.ok) {
      this.#log.error('policy.refused', { reason: applied.error });
      return false;
    }
    this.#log.info('policy.applied', { version: applied.value.snapshot.version });
    this.#onFirstPolicy(applied.value);
    return true;
  }

  #missing(): readonly string[] {
    const { ledger, vaults } = this.#deps;
    const away = vaults.flatMap((link, shard) => (link.peer === undefined ? [`vault-${shard}`] : []));
    return ledger.peer === undefined ? [...away, 'ledger'] : away;
  }
}
