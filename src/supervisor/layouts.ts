import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { LAYOUTS, type IsolationChoice, type Layout } from '../core/process.ts';
import { commandFor, namespaces, rootless } from './command.ts';
import { foldersOf, identityOf } from './folders.ts';
import { program } from './programs.ts';

/** The layout a node runs in, and why each stronger one was passed over. */
export interface ChosenLayout {
  readonly layout: Layout;
  readonly passedOver: readonly { readonly layout: Layout; readonly reason: string }[];
}

const PROBE_MS = 10_000;

/** Refuses in words when `choice` names a layout that cannot run; `auto` takes the strongest that can. */
export function chooseLayout(choice: IsolationChoice, codeDir: string, data: string): ChosenLayout {
  const passedOver: { layout: Layout; reason: string }[] = [];
  // `none` is for attack tests and never chosen by itself.
  for (const layout of choice === 'auto' ? LAYOUTS.filter((name) => name !== 'none') : [choice]) {
    const reason = whyNot(layout, codeDir, data);
    if (reason === undefined) return { layout, passedOver };
    if (choice !== 'auto') throw new Error(`isolation: ${layout} cannot run here: ${reason}. Choose another one, or auto.`);
    passedOver.push({ layout, reason });
  }
  throw new Error(`no layout of isolation can run here: ${passedOver.map(({ layout, reason }) => `${layout}: ${reason}`).join('; ')}`);
}

/** Tries the real thing with a program that does nothing. Undefined: it works. */
function whyNot(layout: Layout, codeDir: string, data: string): string | undefined {
  switch (layout) {
    case 'uids':
      return whyNotUids(codeDir, data);
    case 'rootless':
      return attempt([
        ...rootless('gateway', { sealed: [path.join(codeDir, 'src'), data], hidden: [path.join(data, 'run')], writable: [] }),
        'true',
      ]);
    case 'landlock':
      return whyNotLandlock(codeDir, data);
    case 'permission':
    case 'none':
      return undefined;
  }
}

function whyNotUids(codeDir: string, data: string): string | undefined {
  if (process.getuid?.() !== 0) return 'it needs root at start (each role then gives it up)';
  const failed = attempt([...namespaces('gateway'), 'true']);
  if (failed !== undefined) return failed;
  const { uid, gid } = identityOf('uids', 'gateway') ?? { uid: 0, gid: 0 };
  const become = [program('setpriv'), `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups'];
  const needed = [['-r', path.join(codeDir, 'package.json')] as const, ['-x', data] as const];
  const closed = needed.find(([test, at]) => attempt([...become, 'test', test, at]) !== undefined);
  return closed === undefined
    ? undefined
    : `users of their own cannot reach ${closed[1]}; open the folders above it (chmod o+x) or move it`;
}

function whyNotLandlock(codeDir: string, data: string): string | undefined {
  if (process.platform !== 'linux') return 'Landlock is a part of Linux';
  const entry = path.join(codeDir, 'src/main/probe.ts');
  const { file, args } = commandFor({
    layout: 'landlock',
    role: 'sandbox',
    index: 0,
    codeDir,
    folders: foldersOf(data),
    entry,
    shards: 1,
    codeCache: undefined,
    fds: [],
  });
  return attempt([file, ...args]);
}

function attempt([file = '', ...args]: readonly string[]): string | undefined {
  const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' };
  const { status, error, stderr } = spawnSync(file, args, {
    env,
    encoding: 'utf8',
    timeout: PROBE_MS,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  if (error !== undefined) return `${path.basename(file)}: ${(error as NodeJS.ErrnoException).code ?? error.message}`;
  if (status === 0) return undefined;
  const words = stderr.split('\n').find((line) => /error|failed|cannot|not /i.test(line));
  return words?.trim() ?? `${path.basename(file)} ended with ${status}`;
}
