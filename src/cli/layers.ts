import type { Layout } from '../core/process.ts';

/** What a layout of isolation stops when one process is taken over, and what it does not (security.md §3). `doctor` claims no more. */
export interface LayoutWords {
  readonly summary: string;
  readonly stops: readonly string[];
  readonly doesNotStop: readonly string[];
}

const ALWAYS_OPEN = [
  'root on this machine, a hole in the kernel, a hole in the vault itself',
  'use of credentials by a captured gateway, for keys that pass through it, under the vault’s ceilings',
  'reading of prompts and answers in a captured gateway while they pass',
];

/** Node's permission model refuses fsync, so the processes that must know their bytes on disk run without it; they load no package. */
const WITH_PERMISSIONS = 'gateway, control, sandbox';
const STARTING = `starting programs, loading native code (${WITH_PERMISSIONS})`;

export const LAYOUT_WORDS: Readonly<Record<Layout, LayoutWords>> = {
  uids: {
    summary:
      'own uid per process, empty network and own process namespaces, no new privileges; permission model for gateway, control and sandbox',
    stops: [
      'reading another process’s memory, environment, files and descriptors',
      'signals, debuggers and inspectors aimed at another process',
      'network connections of every process but the vault: TCP, UDP, abstract sockets',
      STARTING,
      'writing into another process’s folder or the program',
    ],
    doesNotStop: ALWAYS_OPEN,
  },
  rootless: {
    summary: 'user, network, process and mount namespaces without root; permission model for gateway, control and sandbox',
    stops: [
      'seeing, signalling or debugging another process',
      'network connections of every process but the vault: TCP, UDP, abstract sockets',
      STARTING,
      'writing into another process’s folder or the program',
    ],
    doesNotStop: ['programs of the same user outside Bulkhead: they share its uid', ...ALWAYS_OPEN],
  },
  landlock: {
    summary: 'Landlock rules on files, TCP and signals; permission model for gateway, control and sandbox; one uid, no namespaces',
    stops: [
      'files outside the own folder and the program',
      'TCP connections of every process but the vault',
      'signals to another process',
      STARTING,
    ],
    doesNotStop: [
      'UDP: a captured process can carry live traffic out, but no stored key',
      'programs of the same user outside Bulkhead: they share its uid',
      ...ALWAYS_OPEN,
    ],
  },
  permission: {
    summary: 'Node.js permission model only; for development, and for macOS',
    stops: [`files outside the own folder, through Node.js’s own functions (${WITH_PERMISSIONS})`, STARTING],
    doesNotStop: [
      'code that gets around Node.js’s own functions: its makers do not call this a wall against malicious code',
      'network connections and signals of any process',
      'programs of the same user, which can read every process’s memory',
      ...ALWAYS_OPEN,
    ],
  },
  none: {
    summary: 'nothing; exists as the weak control of the attack tests',
    stops: [],
    doesNotStop: ['anything: every process can read and steer every other', ...ALWAYS_OPEN],
  },
};
