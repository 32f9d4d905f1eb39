import type { Layout, Role, RootKeySource, SelfCheck } from '../core/process.ts';

/** What one process is told on descriptor 3 before it does anything. */
export interface Boot {
  readonly role: Role;
  readonly index: number;
  readonly generation: string;
  readonly layout: Layout;
  /** The process's own folder, the only one it may write. */
  readonly folder: string;
  /** Inherited listening descriptors by name: `http`, or the role that connects (`gateway`, `control`, `vault`). */
  readonly listen: Readonly<Record<string, number>>;
  /** Unix socket paths by the name of the listening process: `vault-0`, `ledger`, `control`, `auditor`. */
  readonly connect: Readonly<Record<string, string>>;
  readonly shards: number;
  readonly workers: number;
  /** Set for the vault: where its root key comes from; `fd` is the descriptor in this process. */
  readonly rootKey: RootKeySource | null;
  /** Uid and gid to become before anything else; null: stay. */
  readonly become: { readonly uid: number; readonly gid: number } | null;
  /** Set for the ledger where the operator's file says so: days that single rows and hourly sums are kept. */
  readonly ledger?: { readonly rowsDays: number; readonly hoursDays: number };
  /** For control: what it tells clients and writes into the snapshot. */
  readonly node: {
    readonly gatewayUrl: string;
    readonly controlUrl: string;
    readonly sandboxOrigin: string | null;
    readonly configFile: string | null;
    /** Absent: no prices file is named. */
    readonly pricesFile?: string;
    readonly adminDigest: string;
    readonly firstStart: boolean;
    readonly environmentKeys: readonly string[];
    readonly tls: boolean;
  };
}

/** child → supervisor on descriptor 3. */
export type ChildNote =
  | { readonly op: 'ready'; readonly facts: SelfCheck }
  /** The process cannot serve (no listening, sealed vault …): said once, in words. */
  | { readonly op: 'failed'; readonly reason: string }
  | { readonly op: 'drained' };

/** control → supervisor, unary on descriptor 3. */
export type SupervisorCall =
  | { readonly op: 'processes' }
  | { readonly op: 'kill'; readonly role: Role; readonly index: number }
  | { readonly op: 'print'; readonly text: string };

/** The operator's files that travel to children as opaque bytes: bulkhead.yaml and the prices file to control, certificate and key to gateways. */
export type FileName = 'config' | 'prices' | 'tls.cert' | 'tls.key';

/** supervisor → child: `boot` first, then any of the others. */
export type SupervisorNote =
  | { readonly op: 'boot'; readonly boot: Boot }
  | { readonly op: 'file'; readonly name: FileName; /** The bytes follow as the note's body. */ readonly path: string }
  | { readonly op: 'drain'; readonly graceMs: number };

export interface ProcessInfo {
  readonly role: Role;
  readonly index: number;
  readonly pid: number | null;
  readonly state: 'starting' | 'ready' | 'draining' | 'backing-off';
  readonly restarts: number;
  readonly startedAt: number;
  readonly lastExit: string | null;
  readonly check: SelfCheck | null;
}
