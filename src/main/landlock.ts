/**
 * Confines this process by Landlock, then becomes the program of a role. Landlock binds the calling thread alone;
 * `execve` ends all others, so that nothing of the process stays outside. Started by `supervisor/layouts.ts`.
 * Constants: linux/landlock.h, linux/prctl.h, fcntl.h.
 */
import fs from 'node:fs';
import { DynamicLibrary, getRawPointer } from 'node:ffi';

interface Rules {
  readonly read: readonly string[];
  readonly write: readonly string[];
  /** May open TCP connections. Nobody may bind: listening sockets are inherited. */
  readonly network: boolean;
  /** Inherited descriptors that the role keeps. */
  readonly fds: readonly number[];
  /** Absolute path and arguments of the role's program. */
  readonly node: readonly string[];
  /** The role's whole environment. */
  readonly env: Readonly<Record<string, string>>;
}

/** Signals and abstract sockets can be confined from here on. */
const LEAST_ABI = 6;
const SYSCALL = { createRuleset: 444, addRule: 445, restrictSelf: 446 } as const;
const CREATE_VERSION = 1;
const RULE_PATH_BENEATH = 1;
const NET = { bindTcp: 1n, connectTcp: 2n } as const;
const SCOPE_ABSTRACT_UNIX = 1n;
const SCOPE_SIGNAL = 2n;
const READ_FILE = (1n << 0n) | (1n << 2n);
const READ_TREE = READ_FILE | (1n << 3n);
/** Every right on files that ABI 5 knows. */
const ALL_FS = (1n << 16n) - 1n;
/** What a role does in its own folder: all but running programs, devices, sockets and links. */
const WRITE_TREE = (1n << 1n) | (1n << 2n) | (1n << 3n) | (1n << 4n) | (1n << 5n) | (1n << 7n) | (1n << 8n) | (1n << 13n) | (1n << 14n);
const PR_SET_NO_NEW_PRIVS = 38;
const F_SETFD = 2;

const libc = new DynamicLibrary(null);
const call = libc.getFunction('syscall', { arguments: ['i64', 'i64', 'i64', 'i64', 'i64'], return: 'i64' });
const prctl = libc.getFunction('prctl', { arguments: ['i32', 'i64', 'i64', 'i64', 'i64'], return: 'i32' });
const fcntl = libc.getFunction('fcntl', { arguments: ['i32', 'i32', 'i32'], return: 'i32' });

function system(what: string, number: number, ...args: readonly (bigint | number)[]): number {
  const [a = 0, b = 0, c = 0, d = 0] = args.map(BigInt);
  const result = Number(call(BigInt(number), BigInt(a), BigInt(b), BigInt(c), BigInt(d)));
  if (result < 0) throw new Error(`${what} failed`);
  return result;
}

function newRuleset(network: boolean): number {
  const abi = system('Landlock is not available: asking for its version', SYSCALL.createRuleset, 0, 0, CREATE_VERSION);
  if (abi < LEAST_ABI) throw new Error(`the kernel has Landlock ${abi}, and ${LEAST_ABI} is needed`);
  const attributes = Buffer.alloc(24);
  attributes.writeBigUInt64LE(ALL_FS, 0);
  attributes.writeBigUInt64LE(network ? NET.bindTcp : NET.bindTcp | NET.connectTcp, 8);
  attributes.writeBigUInt64LE(SCOPE_ABSTRACT_UNIX | SCOPE_SIGNAL, 16);
  return system('landlock_create_ruleset', SYSCALL.createRuleset, getRawPointer(attributes), attributes.length, 0);
}

/** A path that does not exist needs no rule. */
function allow(ruleset: number, at: string, onTree: bigint): void {
  if (!fs.existsSync(at)) return;
  const fd = fs.openSync(at, 'r');
  const rule = Buffer.alloc(12);
  rule.writeBigUInt64LE(fs.fstatSync(fd).isDirectory() ? onTree : onTree & READ_FILE, 0);
  rule.writeInt32LE(fd, 8);
  system(`landlock_add_rule ${at}`, SYSCALL.addRule, ruleset, RULE_PATH_BENEATH, getRawPointer(rule), 0);
  fs.closeSync(fd);
}

function confine({ read, write, network }: Rules): void {
  const ruleset = newRuleset(network);
  // The self-check of the role reads these two; the rest of /proc stays closed, /proc/net/unix above all.
  for (const at of [...read, '/proc/self/status', '/proc/self/environ']) allow(ruleset, at, READ_TREE);
  for (const at of write) allow(ruleset, at, WRITE_TREE);
  if (prctl(PR_SET_NO_NEW_PRIVS, 1n, 0n, 0n, 0n) !== 0) throw new Error('prctl(PR_SET_NO_NEW_PRIVS) failed');
  system('landlock_restrict_self', SYSCALL.restrictSelf, ruleset, 0);
}

const rules = JSON.parse(process.argv[2] ?? '{}') as Rules;
const [file, ...args] = rules.node;
if (file === undefined || process.execve === undefined) throw new Error('no program to become');
// Node marks what it inherits as close-on-exec.
for (const fd of rules.fds) if (fcntl(fd, F_SETFD, 0) < 0) throw new Error(`descriptor ${fd} is not open`);
confine(rules);
process.execve(file, [file, ...args], rules.env);
