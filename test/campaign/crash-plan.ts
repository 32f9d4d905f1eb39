/** What the campaign and the crash entries say to each other: a plan in a file, and notes on stdout. */

/** At which passage through which point a process dies. */
export interface CrashMoment {
  readonly point: string;
  readonly passages: number;
}

export interface CrashPlan extends CrashMoment {
  /** Rises with every plan. */
  readonly turn: number;
  /** Of the one process that dies by it. */
  readonly generation: string;
  /** And where its successor dies, as soon as it starts. */
  readonly next?: CrashMoment;
}

export interface CrashNote {
  readonly event: 'crash_ready' | 'crash_point';
  readonly role: string;
  readonly index: number;
  readonly generation: string;
  /** '' where it is ready. */
  readonly point: string;
}

/** How often a point is passed under load, which is how far its passages may lie ahead: with each request, or with a batch of them. */
export type Pace = 'request' | 'batch';

/** Of each role: where it dies while it serves, and how often it comes by there. */
export const SERVING = {
  gateway: {
    'reserve: not asked yet': 'request',
    'reserve: granted, not sent': 'request',
    'egress: before the call': 'request',
    'egress: call sent': 'request',
    'settle: answered, not in the outbox': 'request',
    'settle: in the outbox, not sent': 'request',
    'release: not in the outbox': 'request',
    'account: before it is sent': 'batch',
    'account: acknowledged': 'batch',
  },
  vault: {
    'journal: before the write': 'batch',
    'journal: written, nothing sent': 'batch',
    'egress: its start in the file, nothing sent': 'request',
    'egress: answered, its end not in the journal': 'request',
    'journal: before it is shipped': 'batch',
    'journal: shipped, not yet noted': 'batch',
  },
  ledger: {
    'reserve: decided, not in the log': 'request',
    'reserve: in the log, not answered': 'request',
    'reserve: answered': 'request',
    'settle: before it is counted': 'request',
    'settle: counted, not handed to the writer': 'request',
    'release: before': 'request',
    'release: after': 'request',
    'journal: come, not handed to the writer': 'batch',
    'write: before the batch is handed over': 'batch',
    'write: while the batch is being written': 'batch',
    'write: rows in the file, not committed': 'batch',
    'write: committed, nobody told': 'batch',
    'write: committed, not acknowledged': 'batch',
    'write: before reservations end in the log': 'batch',
    'write: after reservations ended, not acknowledged': 'batch',
  },
} as const satisfies Readonly<Record<string, Readonly<Record<string, Pace>>>>;

export type CrashRole = keyof typeof SERVING;

/** Where the successor dies at its first passage, on its way back. A gateway keeps nothing that it would have to find again. */
export const RECOVERING = {
  gateway: [],
  vault: [
    'recovery: journal read, no new segment',
    'recovery: new segment, nothing shipped',
    'recovery: what was left shipped, not noted',
    'recovery: old segment shipped, still there',
    'recovery: old segment deleted',
  ],
  ledger: [
    'recovery: log read, nothing restored',
    'recovery: restored, nobody served',
    'recovery: before a gateway names its requests',
    'recovery: a gateway named its requests, not answered',
    'recovery: journal come again, not written',
  ],
} as const satisfies Readonly<Record<CrashRole, readonly string[]>>;
