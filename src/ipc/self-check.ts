import fs from 'node:fs';
import os from 'node:os';
import { hasPermissionModel, type Layout, type Role, type SelfCheck } from '../core/process.ts';

/** What this process can find out about its own confinement. Facts that the system does not show count as missing. */
export function selfCheck(layout: Layout): SelfCheck {
  const status = readOwn(() => fs.readFileSync('/proc/self/status', 'utf8')) ?? '';
  const field = (name: string): string => new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(status)?.[1] ?? '';
  const uid = process.getuid?.() ?? -1;
  // The kernel gives the files of a non-dumpable process to root.
  const environOwner = readOwn(() => fs.statSync('/proc/self/environ').uid) ?? uid;
  return {
    pid: process.pid,
    uid,
    gid: process.getgid?.() ?? -1,
    dumpable: environOwner === uid,
    emptyNetwork: Object.keys(os.networkInterfaces()).length === 0,
    ownPidNamespace: process.pid === 1,
    noNewPrivileges: field('NoNewPrivs') === '1',
    permissionModel: (process as { readonly permission?: object }).permission !== undefined,
    landlock: layout === 'landlock' && parentIsOutOfReach(),
    effectiveCapabilities: field('CapEff'),
    node: process.version,
  };
}

/** In words what `layout` promises of `role` and the facts do not show; undefined: nothing. */
export function shortfall(layout: Layout, role: Role, facts: SelfCheck): string | undefined {
  const separate = layout === 'uids' || layout === 'rootless';
  const promises: readonly (readonly [boolean, boolean, string])[] = [
    [layout !== 'none' && hasPermissionModel(role), facts.permissionModel, 'runs without the permission model'],
    [layout !== 'none' && layout !== 'permission', facts.noNewPrivileges, 'could gain privileges'],
    [layout === 'uids', !facts.dumpable, 'is dumpable: its memory can be read by its own uid'],
    [separate, /^0+$/.test(facts.effectiveCapabilities), 'holds capabilities'],
    [separate, facts.ownPidNamespace, 'sees the processes of others'],
    [separate && role !== 'vault', facts.emptyNetwork, 'sees a network'],
    [layout === 'landlock', facts.landlock, 'is not confined by Landlock'],
  ];
  const missing = promises.flatMap(([asked, kept, words]) => (asked && !kept ? [words] : [])).join(' and ');
  return missing === '' ? undefined : `the ${role} ${missing}, which the layout ${layout} does not allow`;
}

/** Landlock's signal scope refuses even signal 0 to a parent of the same uid. */
function parentIsOutOfReach(): boolean {
  try {
    process.kill(process.ppid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Undefined where /proc is missing or closed to this process. */
function readOwn<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    // A fact that cannot be read is reported as missing; `shortfall` then denies.
    return undefined;
  }
}
