export const ROLES = ['gateway', 'vault', 'ledger', 'auditor', 'control', 'sandbox'] as const;
export type Role = (typeof ROLES)[number];

/**
 * Node's permission model refuses fsync altogether. The roles that must know their bytes on disk go without it: they load no
 * third-party code, and the layout's kernel means confine them. The others meet clients or packages and need no fsync.
 */
export const hasPermissionModel = (role: Role): boolean => role === 'gateway' || role === 'control' || role === 'sandbox';

/** What a process found out about itself at start; `doctor` shows it. */
export interface SelfCheck {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
  /** False: nobody with the same uid can read its memory. */
  readonly dumpable: boolean;
  /** The process sees no network interface but loopback, and that one is down. */
  readonly emptyNetwork: boolean;
  readonly ownPidNamespace: boolean;
  readonly noNewPrivileges: boolean;
  readonly permissionModel: boolean;
  readonly landlock: boolean;
  readonly effectiveCapabilities: string;
  readonly node: string;
}

/** Strongest first; `auto` takes the first that the machine allows. `none` exists for the weak control of the attack tests. */
export const LAYOUTS = ['uids', 'rootless', 'landlock', 'permission', 'none'] as const;
export type Layout = (typeof LAYOUTS)[number];
export type IsolationChoice = 'auto' | Layout;

export type RootKeySource =
  /** `<vault folder>/root.key`, 32 random bytes, mode 0400. */
  | { readonly kind: 'file' }
  /** 32 bytes on an inherited descriptor. */
  | { readonly kind: 'fd'; readonly fd: number }
  /** A passphrase on an inherited descriptor, stretched with argon2id. */
  | { readonly kind: 'passphrase'; readonly fd: number };
