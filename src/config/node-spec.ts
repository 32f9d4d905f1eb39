import type { IsolationChoice, Role, RootKeySource } from '../core/process.ts';

/**
 * What the supervisor needs to start a node. Written by `bulkhead up` from bulkhead.yaml, read by the supervisor as
 * plain JSON: it has no YAML parser, because it loads no third-party module. Holds no secret. Changing it needs a restart.
 */
export interface NodeSpec {
  readonly version: 1;
  readonly dataDir: string;
  /** Folder of package.json; children read nothing else of the program. */
  readonly codeDir: string;
  readonly configFile: string | null;
  /** The operator's table of list prices; absent: none is named. */
  readonly pricesFile?: string;
  readonly gateway: {
    readonly workers: number;
    readonly host: string;
    readonly port: number;
    readonly tls: { readonly cert: string; readonly key: string } | null;
  };
  readonly control: { readonly host: string; readonly port: number };
  readonly vault: { readonly shards: number; readonly rootKey: RootKeySource };
  /** The built-in provider for trying things out. */
  readonly sandbox: boolean;
  readonly isolation: IsolationChoice;
  readonly drainMs: number;
  /** Days that the ledger keeps single rows and hourly sums; absent: its own defaults. */
  readonly ledger?: { readonly rowsDays: number; readonly hoursDays: number };
  /** Entry file per role relative to codeDir. Tests put an attacker or a crash point here. */
  readonly entries?: Partial<Record<Role, string>>;
  /** SHA-256 of the local admin token, hexadecimal. */
  readonly adminDigest: string;
  /** True at the very first start: control creates the starter key and prints the welcome. */
  readonly firstStart: boolean;
  /** Names of provider keys seen in the environment at this start, never their values. */
  readonly environmentKeys: readonly string[];
}
