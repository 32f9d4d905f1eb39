import fs from 'node:fs';
import path from 'node:path';
import type { JsonObject } from '../../core/json.ts';
import type { Peer } from '../../ipc/peer.ts';
import { bindUnix, bootFor, connectFrames, startRole, type RoleProcess } from '../../auditor/testing/role-process.ts';

/** Test code: the ledger as a real process, with connections of the roles that speak to it. */

const NAMES = ['gateway', 'vault', 'control'] as const;
type Speaker = (typeof NAMES)[number];

export interface LedgerProcess {
  readonly role: RoleProcess;
  connect(speaker: Speaker, index?: number): Promise<Peer>;
}

export async function startLedger(folder: string): Promise<LedgerProcess> {
  const listen = Object.fromEntries(
    NAMES.map((name) => {
      fs.rmSync(path.join(folder, name), { force: true });
      return [name, bindUnix(path.join(folder, name))];
    }),
  );
  const role = startRole(bootFor('ledger', folder), listen);
  // Closing a bound handle removes its socket file, so that it stays open as long as the process.
  void role.exited.then(() => Object.values(listen).forEach((handle) => handle.close()));
  try {
    await role.ready;
  } catch (error) {
    role.child.kill('SIGKILL');
    throw error;
  }
  return { role, connect: (speaker, index) => connectFrames(path.join(folder, speaker), speaker, undefined, index) };
}

/** One call and the head of its reply. */
export const ask = async (peer: Peer, head: object): Promise<JsonObject> => (await peer.unary(head as JsonObject)).head;

export async function until(holds: () => Promise<boolean>, withinMs = 10_000): Promise<void> {
  const end = performance.now() + withinMs;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error('it did not come to hold');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
